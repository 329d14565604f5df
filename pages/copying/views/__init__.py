"""The figures of /copying/."""
