"""Annotators work while everything around them is broken: what was acknowledged is stored once, and nothing else."""
