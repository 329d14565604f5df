"""A tiny transformer that shows its work: everything that a reader's browser runs."""
