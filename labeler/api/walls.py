"""What every request passes before a route or Streamlit sees it, in this order."""

from collections.abc import Iterable

from starlette.middleware import Middleware

from labeler.access.serving import base_path
from labeler.api.gate import Gate, ProxyIdentity
from labeler.api.leased import Leased
from labeler.api.observed import Observed
from labeler.api.perimeter import Perimeter


def walls(scripts: Iterable[str] = ()) -> list[Middleware]:
    """The middleware of a process that answers requests. scripts: that stand within its pages."""
    return [
        Middleware(Observed),
        Middleware(ProxyIdentity),
        Middleware(Perimeter, scripts=scripts),
        Middleware(Gate, base_path=base_path()),
        Middleware(Leased),
    ]
