"""How this labeler is reached: under which names, through which proxies, below which path.

`labeler serve` checks it and hands it to the processes that answer requests in environment variables.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from labeler.access.settings import access_mode
from labeler.core.errors import LabelerError

VARIABLE = "LABELER_SERVING"
BEHIND_VARIABLE = "LABELER_BEHIND_DESK"
LOOPBACK = "127.0.0.1"
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?(:\d{1,5})?")
_BASE_PATH = re.compile(r"/[\w.~-]+(/[\w.~-]+)*", re.ASCII)
_ORIGIN = re.compile(r"https?://[a-z0-9_.-]+(:\d{1,5})?")


@dataclass(frozen=True)
class Serving:
    """How the app is reached.

    Args: address: that it listens on. host_names: names beside localhost that it answers under, as `name` or
          `name:port`. proxies: addresses or networks whose `X-Forwarded-*` count. base_path: "" or `/path`.
          embedded_in: origins of pages that may show the app in a frame. front_ends: origins of pages that may use the
          public API with a token.
    """

    address: str = LOOPBACK
    host_names: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    base_path: str = ""
    embedded_in: tuple[str, ...] = ()
    front_ends: tuple[str, ...] = ()

    @property
    def reachable(self) -> str:
        """An address under which this machine reaches the app."""
        return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(self.address, self.address)

    def url(self, port: int) -> str:
        """Where a browser on this machine finds the app."""
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{port}{self.base_path}"

    def as_environment(self) -> dict[str, str]:
        """The environment variable that `serving` reads in another process."""
        return {VARIABLE: json.dumps(asdict(self))}


ON_THIS_MACHINE = Serving()


@dataclass(frozen=True)
class BehindDesk:
    """Where the app listens behind processes of the desk, which pass requests on to it.

    Args: port: on this machine. secret: that each request carries, so that no other program is answered there.
    """

    port: int
    secret: str

    def as_environment(self) -> dict[str, str]:
        """The environment variable that `behind_desk` reads in another process."""
        return {BEHIND_VARIABLE: json.dumps(asdict(self))}


def serving(environment: Mapping[str, str] = os.environ) -> Serving:
    """How this process is reached, as `labeler serve` handed it over; on this machine alone where it did not."""
    values = json.loads(environment.get(VARIABLE, "{}"))
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Serving(**fields)


def behind_desk(environment: Mapping[str, str] = os.environ) -> BehindDesk | None:
    """Where the app listens behind processes of the desk; None where it answers browsers itself."""
    values = environment.get(BEHIND_VARIABLE)
    return BehindDesk(**json.loads(values)) if values else None


def base_path() -> str:
    """The path below which all addresses of the app lie: "", or one that begins with a slash and does not end so."""
    return serving().base_path


def checked(wished: Serving, home: Path) -> Serving:
    """How the app will be reached, names in lower case and the path with its slash.

    Raises: LabelerError: a name, an address, an origin or a path is none; others reach the address and nobody has to
            log in.
    """
    named = (wished.host_names, wished.embedded_in, wished.front_ends)
    names, origins, front_ends = ([part.lower() for part in parts] for parts in named)
    path = "".join(f"/{part}" for part in wished.base_path.split("/") if part)
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise LabelerError("--host-name {name}: give a name such as labels.example.org, or name:port.", name=name)
    for proxy in wished.proxies:
        _check_network(proxy)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise LabelerError("--embedded-in {origin}: give an origin such as https://example.org.", origin=origin)
    for origin in front_ends:
        if not _ORIGIN.fullmatch(origin):
            raise LabelerError("--front-end {origin}: give an origin such as https://example.org.", origin=origin)
    if path and not _BASE_PATH.fullmatch(path):
        raise LabelerError("--base-path {path}: give a path such as /labeler.", path=wished.base_path)
    _check_address(wished.address, home)
    return replace(
        wished,
        host_names=tuple(names),
        base_path=path,
        embedded_in=tuple(origins),
        front_ends=tuple(front_ends),
    )


def _check_address(address: str, home: Path) -> None:
    """Raises: LabelerError: `address` is no address, or others reach it and nobody has to log in."""
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise LabelerError("--address {address}: give an IP address such as 127.0.0.1.", address=address) from None
    if not is_loopback and access_mode(home) == "none":
        raise LabelerError(
            "--address {address} would let everybody in the network in, because {home} asks nobody to log in. Set up"
            " accounts first, or serve on 127.0.0.1.",
            address=address,
            home=home,
        )


def _check_network(proxy: str) -> None:
    try:
        ipaddress.ip_network(proxy)
    except ValueError:
        raise LabelerError(
            "--trust-proxy {proxy}: give an IP address such as 10.0.0.2, or a network such as 10.0.0.0/24.", proxy=proxy
        ) from None
