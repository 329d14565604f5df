"""Findings: what is computed about a model on a text, or measured over the held-out set."""
