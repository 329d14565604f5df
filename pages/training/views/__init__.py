"""The figures of /training/."""
