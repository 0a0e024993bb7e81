"""The tests: a folder a room of labeler; what they share is in `support/`."""
