"""The address of a server and a token enter; what its projects hold leaves, as records, tables and files.

`Project` waits for each reply; `AsyncProject` is for code that awaits. Both have the methods of `labeler.Project`.
`Server` and `AsyncServer` have the accounts of a server.
"""

from labeler.client.project import AsyncProject, Project
from labeler.client.server import AsyncServer, Server

__all__ = ["AsyncProject", "AsyncServer", "Project", "Server"]
