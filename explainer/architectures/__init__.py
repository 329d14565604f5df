"""Transformers that are wired in other ways than kernel/model.py: one file for each, to be read from top to bottom.

To import any of them tells the kernel what it needs for them: gradients and cell stories of their functions.
"""

from explainer.architectures import llama_rules

__all__ = ["llama_rules"]
