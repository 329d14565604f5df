"""Why some tests are skipped where torch is not installed. What they compare, the golden files have from torch."""

WHY = "torch trains the models and makes the golden files; it is gigabytes on some machines. To run: make .venv/.train"
