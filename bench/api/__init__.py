"""Whether the public API keeps to its schema, whatever is sent to it."""
