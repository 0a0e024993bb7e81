"""A project's folder: its settings and guidelines, imports into it and exports from it.

Settings and files enter; an open `Project` leaves.
"""
