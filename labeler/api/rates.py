"""How often an address may ask: a bucket of tokens for each, which fills up again steadily."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_ADDRESSES = 10_000  # remembered; the ones that asked longest ago are forgotten first


@dataclass(frozen=True)
class Rate:
    """So many requests at once, and so many a second in the long run."""

    at_once: float
    a_second: float


class Buckets:
    """The tokens that each address has left."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.clock = rate, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when it had them

    def seconds_to_wait(self, address: str) -> float:
        """0 if the address may ask now, which costs it a token; else after how many seconds it may."""
        now, owner = self.clock(), _owner(address)
        tokens, since = self._left.pop(owner, (self.rate.at_once, now))
        tokens = min(self.rate.at_once, tokens + (now - since) * self.rate.a_second)
        is_allowed = tokens >= 1
        self._left[owner] = (tokens - is_allowed, now)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if is_allowed else (1 - tokens) / self.rate.a_second


def _owner(address: str) -> str:
    """Who has the address: of IPv6 everybody has a network of 2^64."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    except ValueError:
        return address
