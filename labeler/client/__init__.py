"""The address of a server and a token enter; what its projects hold leaves, as records, tables and files.

`Client` and `Project` wait for each reply; `AsyncClient` and `AsyncProject` are for code that awaits.
"""
