"""The figures of /machines/."""
