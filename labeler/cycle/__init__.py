"""One turn of the cycle. What a project knows at one moment enters; a model, its metrics and a ranking leave."""
