"""What is drawn on /tokens/."""
