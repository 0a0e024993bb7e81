"""A model's predictions and the holdout's labels enter; figures with their intervals leave."""
