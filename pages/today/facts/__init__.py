"""What only /today/ computes: what each part costs, what it changes in training, and what can be shown exactly."""
