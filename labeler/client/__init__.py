"""The address of a server and a token enter; what its projects hold leaves, as records, tables and files.

`Project` waits for each reply; `AsyncProject` is for code that awaits. Both have the methods of `labeler.Project`.
"""

from labeler.client.project import AsyncProject, Project

__all__ = ["AsyncProject", "Project"]
