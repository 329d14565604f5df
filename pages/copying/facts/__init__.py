"""What only /copying/ computes: the model made by hand, made-up words, checkpoints along a training, new pairs."""
