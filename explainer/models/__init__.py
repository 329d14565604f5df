"""The trained models: their files, their model cards, and what is kept in memory of them."""
