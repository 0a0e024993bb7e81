"""What grows with the number of items, and what does not."""
