"""The vocabulary of the whole: settings, errors, labels, and the records that flow between the rooms.

Nothing enters; the words that every room uses leave.
"""
