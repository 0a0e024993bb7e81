"""Which addresses webhooks may have: a lead of a project must not reach what only the server can."""

import ipaddress
import os
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from labeler.core.errors import LabelerError

VARIABLE = "LABELER_WEBHOOK_HOSTS"  # hosts, with spaces between: of this network, or without TLS
PORTS = {"http": 80, "https": 443}
LONGEST = 2000  # characters


class WebhookError(LabelerError):
    """An address that webhooks may not have."""


def checked(url: str) -> SplitResult:
    """The parts of the address of a webhook.

    Raises: WebhookError: it is none, holds a name or a password, or goes without TLS to a host that is not named.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:  # of an address in brackets that is none
        begin = url.partition("://")[0][:20] + "://…"  # the rest may hold a password
        raise WebhookError("{url} is no address of a webhook: it begins with https://.", url=begin) from error
    try:
        port = parts.port
    except ValueError:
        port = 0
    if len(url) > LONGEST or not url.isascii() or " " in url or not parts.hostname or parts.scheme not in PORTS:
        raise WebhookError("{url} is no address of a webhook: it begins with https://.", url=shown(url))
    if port == 0 or "@" in parts.netloc or parts.fragment:
        raise WebhookError("{url} has a name, a password, a wrong port or a # in it: leave these out.", url=shown(url))
    if parts.scheme == "http" and not is_named(parts):
        raise WebhookError(
            "{url} would send messages without encryption: begin it with https://, or let whoever runs the server name"
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
    """The network address of a webhook's host, which messages are sent to.

    Raises: WebhookError: the host is unknown, or is in a network that only the server can reach, and is not named.
    """
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # a ValueError: no host has this name
        raise WebhookError("The host {host} is unknown.", host=host) from error
    address = str(found[0][4][0])
    if not ipaddress.ip_address(address).is_global and not is_named(parts):
        raise WebhookError(
            "The host {host} is not in the public network: whoever runs the server names it in {variable}.",
            host=host,
            variable=VARIABLE,
        )
    return address
