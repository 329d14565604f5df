"""The figures of /in-context/."""
