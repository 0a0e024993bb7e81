"""The vocabulary of all rooms: settings, errors, labels, and the records that flow between the rooms.

Nothing enters; types and functions that every room uses leave.
"""
