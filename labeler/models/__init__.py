"""Kept models: their cards, their predictions on new data, their reproduction, their publication.

A model on disk enters; predictions or a folder to publish leave.
"""
