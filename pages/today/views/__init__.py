"""The figures of /today/."""
