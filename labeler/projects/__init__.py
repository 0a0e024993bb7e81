"""A project's folder: what enters it (an import), what leaves it (an export), and what it says of itself.

Settings and files enter; an open `Project` leaves.
"""
