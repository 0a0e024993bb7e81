"""Verbs of the client, each once: as a method of one class that waits for the server, and of one that awaits it."""

from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, get_args

from labeler.client.calls import Steps
from labeler.client.session import AsyncSession, Session

V = TypeVar("V")
T = TypeVar("T")
P = ParamSpec("P")


class Waiting(Protocol[V]):
    """Has verbs, and a session that waits for the replies to their calls."""

    verbs: V
    session: Session


class Awaiting(Protocol[V]):
    """Has verbs, and a session that awaits the replies to their calls."""

    verbs: V
    session: AsyncSession


def waiting(verb: Callable[Concatenate[V, P], Steps[T]]) -> Callable[Concatenate[Any, P], T]:
    """A verb as a method that returns what it gives."""

    @wraps(verb)
    def method(self: Waiting[V], /, *args: P.args, **options: P.kwargs) -> T:
        return self.session.run(verb(self.verbs, *args, **options))

    return _as_it_returns(method, verb)


def awaiting(verb: Callable[Concatenate[V, P], Steps[T]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """A verb as a method that is awaited."""

    @wraps(verb)
    async def method(self: Awaiting[V], /, *args: P.args, **options: P.kwargs) -> T:
        return await self.session.run(verb(self.verbs, *args, **options))

    return _as_it_returns(method, verb)


def _as_it_returns(method: Any, verb: Callable[..., Any]) -> Any:
    """The method with a signature that says what it returns, and not by which steps."""
    taken = signature(verb)
    given = get_args(taken.return_annotation)[2]
    method.__signature__ = taken.replace(return_annotation=None if given is type(None) else given)
    return method
