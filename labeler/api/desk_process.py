"""A process that answers the desk's requests, one of several on a port; all else it passes on to the app.

    python -m labeler.api.desk_process NAME PORT

`labeler serve --processes` starts it, and hands over in the environment how the app is reached.
The kernel hands each new connection to one of those that listen. Nothing that matters across requests is kept in the
memory of one, so any of them may be killed.
"""

import os
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from labeler.access.home import home
from labeler.access.serving import BehindDesk, base_path, behind_desk, serving
from labeler.api import downloads, health
from labeler.api.perimeter import below
from labeler.api.relay import Relay, WebSocketRelay
from labeler.api.routes import routes
from labeler.api.v1.app import routes_of_v1
from labeler.api.walls import walls
from labeler.core.logs import take_over_logs
from labeler.core.running import give_signs_of_life
from labeler.projects.private_files import UMASK

OWN = ("/api/", "/healthz", "/metrics")
LAST_SECONDS = 3  # for requests that are being answered when the process is asked to end


class DeskProcess:
    """The ASGI app: what it answers itself stands behind the same walls as in the app."""

    def __init__(self, behind: BehindDesk) -> None:
        self.base_path, self.relay = base_path(), Relay(behind)
        own = below(self.base_path, [*health.routes, *routes_of_v1, *downloads.routes, *routes])
        self.own = Starlette(routes=own, middleware=walls())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_own = scope["path"].removeprefix(self.base_path).startswith(OWN)
        await (self.own if is_own else self.relay)(scope, receive, send)


def run(name: str, port: int) -> None:
    """Answer requests on a port, beside others that do, until a signal ends this process.

    Args: name: of this process, in the logs and on the page of the server.
    """
    behind = behind_desk()
    assert behind, "`labeler serve --processes` starts this process"
    os.umask(UMASK)
    config = uvicorn.Config(
        DeskProcess(behind),
        ws=WebSocketRelay,
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # the perimeter does that
        use_colors=False,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    take_over_logs(name, home())
    give_signs_of_life(home(), name)
    with _listening(serving().address, port) as listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listening(address: str, port: int) -> socket.socket:
    """A socket that listens on a port on which others listen, too."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    is_both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    return socket.create_server((address, port), family=family, reuse_port=True, dualstack_ipv6=is_both)


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
