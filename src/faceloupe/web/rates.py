"""Rates of requests: of a key, and of an address that comes without one."""

from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from time import monotonic


@dataclass
class RateLimit:
    """A token bucket: bursts pass, and the mean rate is bounded.

    Attributes
    ----------
    per_minute : int
        Requests a minute in the long run; a tenth of them, and at least ten, at once.
    """

    per_minute: int
    _left: float = field(init=False)
    _then: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._then = self._most, monotonic()

    @property
    def _most(self) -> float:
        return max(10.0, self.per_minute / 10)

    def wait(self) -> float:
        """Take a place and return 0, or return how many seconds it takes until there is one."""
        now = monotonic()
        per_second = self.per_minute / 60
        self._left = min(self._most, self._left + (now - self._then) * per_second)
        self._then = now
        if self._left < 1:
            return (1 - self._left) / per_second
        self._left -= 1
        return 0.0


class AddressRates:
    """Rates of addresses that sent no valid token, for the latest few thousand of them.

    An address has so many attempts a minute, and ten at once.
    """

    def __init__(self, per_minute: int = 10, most: int = 4096) -> None:
        self._per_minute, self._most = per_minute, most
        self._rates: OrderedDict[str, RateLimit] = OrderedDict()

    def wait(self, address: str) -> float:
        """Count an attempt and return 0, or return how many seconds the address has to pause."""
        network = _network(address)
        rate = self._rates.setdefault(network, RateLimit(self._per_minute))
        self._rates.move_to_end(network)
        while len(self._rates) > self._most:
            self._rates.popitem(last=False)
        return rate.wait()


def _network(address: str) -> str:
    """Return the network that an address counts for: an IPv6 subscriber has 2**64 addresses (RFC 6177)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None else address
