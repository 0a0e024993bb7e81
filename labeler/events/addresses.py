"""Which web addresses a project may name: a lead must not reach what only the server can."""

import ipaddress
import os
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from labeler.core.errors import LabelerError

VARIABLE = "LABELER_WEBHOOK_HOSTS"  # hosts, with spaces between: of this network, or without TLS
PORTS = {"http": 80, "https": 443}
LONGEST = 2000  # characters
# Addresses of IPv6 that a gateway or this machine turns into the address of IPv4 in some of their bits: the network,
# and how many bits stand below those. NAT64 (RFC 6052), 6to4 (RFC 3056), and the older forms of RFC 4291 and RFC 2765.
_EMBEDDED = tuple(
    (ipaddress.IPv6Network(network), below)
    for network, below in (
        ("64:ff9b::/96", 0),
        ("2002::/16", 80),
        ("::/96", 0),
        ("::ffff:0:0/96", 0),
        ("::ffff:0:0:0/96", 0),
    )
)
# NAT64 of one network (RFC 8215), whose bits mean what that network chose, and addresses of one site (RFC 3879).
_LOCAL = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "fec0::/10")))


class WebhookError(LabelerError):
    """An address that a project may not name."""


def checked(url: str) -> SplitResult:
    """The parts of an address in the web.

    Raises: WebhookError: it is none, holds a name or a password, or goes without TLS to a host that is not named.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:  # of an address in brackets that is none
        begin = url.partition("://")[0][:20] + "://…"  # the rest may hold a password
        raise WebhookError("{url} is no web address: it begins with https://.", url=begin) from error
    try:
        port = parts.port
    except ValueError:
        port = 0
    if len(url) > LONGEST or not url.isascii() or " " in url or not parts.hostname or parts.scheme not in PORTS:
        raise WebhookError("{url} is no web address: it begins with https://.", url=shown(url))
    if port == 0 or "@" in parts.netloc or parts.fragment:
        raise WebhookError("{url} has a name, a password, a wrong port or a # in it: leave these out.", url=shown(url))
    if parts.scheme == "http" and not is_named(parts):
        raise WebhookError(
            "{url} would be without encryption: begin it with https://, or let whoever runs the server name"
            " {host} in {variable}.",
            url=shown(url),
            host=parts.netloc,
            variable=VARIABLE,
        )
    return parts


def shown(url: str) -> str:
    """An address as people may see it: without its path, which is a secret with many receivers."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"[:200]


def is_named(parts: SplitResult, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether whoever runs the server has named the host, alone or with its port."""
    named = environment.get(VARIABLE, "").replace(",", " ").lower().split()
    return parts.netloc.lower() in named or (parts.hostname or "") in named


def address_of(parts: SplitResult) -> str:
    """The network address of a host, which is connected to.

    Raises: WebhookError: the host is unknown, or is in a network that only the server can reach, and is not named.
    """
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # a ValueError: no host has this name
        raise WebhookError("The host {host} is unknown.", host=host) from error
    address = str(found[0][4][0])
    if not is_public(address) and not is_named(parts):
        raise WebhookError(
            "The host {host} is not in the public network: whoever runs the server names it in {variable}.",
            host=host,
            variable=VARIABLE,
        )
    return address


def is_public(address: str) -> bool:
    """Whether an address is one machine's in the public network, also where it stands for another one."""
    ip = ipaddress.ip_address(address)
    if not ip.is_global or ip.is_multicast:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return True
    within = (ipaddress.IPv4Address(int(ip) >> below & 0xFFFFFFFF) for network, below in _EMBEDDED if ip in network)
    return not any(ip in network for network in _LOCAL) and all(is_public(str(inner)) for inner in within)
