"""What only /machines/ computes: weights written by hand, what they write, and where float32 ends it."""
