"""What a GPU does for the labeler, on a machine that has one for minutes."""
