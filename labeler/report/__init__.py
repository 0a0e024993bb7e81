"""Results enter; charts, sentences and the report page leave."""
