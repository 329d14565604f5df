"""What only /steps/ computes: pairs of learners, the runs that are kept, games to play, forged notes."""
