"""What only /training/ computes: what is trained, what is looked at along the way, and the runs that are kept."""
