"""What only /in-context/ computes: lines through points by attention and by descent, learned layers, other inputs."""
