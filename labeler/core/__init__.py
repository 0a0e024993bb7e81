"""The vocabulary of the whole: settings, errors, labels, and the records that flow between the rooms.

Nothing enters; every room above takes its words from here.
"""
