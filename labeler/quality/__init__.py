"""Annotators' answers enter; likely label errors and the agreement between annotators leave."""
