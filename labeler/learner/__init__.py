"""Features and labels enter; a model leaves, and what it predicts."""
