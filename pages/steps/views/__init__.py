"""The figures of /steps/."""
