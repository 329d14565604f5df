"""What a page is made of: its state, its widgets, their markup."""
