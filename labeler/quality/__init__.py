"""Annotators' answers enter; the labels that are worth a second look and the agreement between annotators leave."""
