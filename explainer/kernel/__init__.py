"""The transformer and what can be done with it, in numpy and the standard library alone."""
