"""The parts that widgets are made of: controls, tables, charts."""
