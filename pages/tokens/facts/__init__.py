"""What only /tokens/ computes: merges learned from a text, texts in three vocabularies, and what two alphabets cost."""
