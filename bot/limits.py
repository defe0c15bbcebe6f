"""How much may come from one address, one network and everybody together. Nothing here is stored, no address is kept in clear.

Whoever asks for more waits. What is never refused (the danger button, words of danger) is not for this module to know: see
`bot/receive.py` and `bot/web/chat.py`, which ask here only about the rest. Each process counts for itself.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from bot import log

Network = IPv4Network | IPv6Network

MOST: Final = 50_000
"""Addresses remembered of each kind, some 100 bytes each; the one not heard for longest is forgotten, and begins anew."""
SAY_EVERY_S: Final = 60.0
EVERYBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """So much at once, and afterwards so much a second."""

    burst: float
    per_s: float


RATES: Final[Mapping[str, Rate]] = {
    # A hundred messages can be passed on at once on Telegram, and may be evidence.
    "address": Rate(120, 1),
    # Behind one network of a mobile operator sit thousands of people.
    "network": Rate(600, 30),
    "requests": Rate(2_000, 200),
    # One machine's share of the national worst hour (docs/scaling.md: 390 turns a second, five times that at the peak).
    "turns": Rate(8_000, 2_000),
    # A conversation that begins is a kilobyte or two on the disk until the next day.
    "newcomers": Rate(300, 1),
    "newcomers_in_all": Rate(20_000, 150),
    # Bytes of files.
    "files": Rate(200e6, 1e6),
    "files_in_all": Rate(4e9, 10e6),
    # Passwords and one-time codes: an office with everybody behind one address signs in within these.
    "doors": Rate(60, 1 / 3),
    # What was refused: a wrong secret, session, form or page.
    "wrong": Rate(120, 1),
    # Wrong receipts: of everybody, until they count as a flood, and of one network before and during it.
    "codes_in_all": Rate(300, 0.5),
    "codes": Rate(40, 1 / 15),
    "codes_in_flood": Rate(5, 1 / 120),
    # How often an address is told that it was too fast.
    "told": Rate(1, 1 / 60),
}
"""Every limit. They are for machines: nobody who types reaches one."""


class TooFast(Exception):
    """This was not taken: more came from there than is taken at once. Nothing of it was stored; it can be sent again."""


class RateLimits:
    """The limits of this process. Times are seconds of a steady clock; memory is bounded by `most` for each kind."""

    def __init__(
        self,
        steady: Callable[[], float] = time.monotonic,
        rates: Mapping[str, Rate] = RATES,
        most: int = MOST,
    ) -> None:
        self._steady = steady
        self._most = most
        self._key = secrets.token_bytes(16)
        self._kinds = {name: (1 / rate.per_s, rate.burst / rate.per_s) for name, rate in rates.items()}
        # For each address the moment at which it will have all its burst again.
        self._full_at: dict[str, OrderedDict[bytes, float]] = {name: OrderedDict() for name in rates}
        self._refused: Counter[str] = Counter()
        self._said_at: dict[str, float] = {}

    def mark(self, whom: str) -> bytes:
        """What an address or network is remembered by: nobody can tell from it whose it is."""
        return blake2b(whom.encode("utf-8", "surrogatepass"), key=self._key, digest_size=8).digest()

    def take(self, kind: str, whom: bytes | str = EVERYBODY, count: float = 1.0) -> bool:
        """Whether so many more of a kind may come from there now; if they may, they are counted."""
        return self._take(kind, whom, count, counts=True)

    def may(self, kind: str, whom: bytes | str = EVERYBODY) -> bool:
        """The same for one, without counting it."""
        return self._take(kind, whom, 1.0, counts=False)

    def use(self, kind: str, whom: bytes | str = EVERYBODY) -> None:
        """Count one that has happened, whether or not it was allowed."""
        if not self._take(kind, whom, 1.0, counts=True):
            # No deeper than empty: whoever stops is heard again soon.
            _, span = self._kinds[kind]
            self._full_at[kind][self._mark(whom)] = self._steady() + span

    def codes_open(self, network: bytes | str) -> bool:
        """Whether a receipt from this network is looked up. While wrong ones flood in from anywhere, each may try less."""
        kind = "codes" if self.may("codes_in_all") else "codes_in_flood"
        return not network or self.may(kind, network)

    def wrong_code(self, network: bytes | str) -> None:
        """A receipt that leads to nothing was tried from there."""
        self.refused("receipt")
        self.use("codes_in_all")
        if network:
            self.use("codes", network)
            self.use("codes_in_flood", network)

    def refused(self, kind: str) -> None:
        """Count something that was refused; at most once a minute a kind the log says how many they were."""
        self._refused[kind] += 1
        now = self._steady()
        if now - self._said_at.get(kind, -SAY_EVERY_S) >= SAY_EVERY_S:
            self._said_at[kind] = now
            log.warn("refused", kind=kind, count=self._refused.pop(kind))

    def _take(self, kind: str, whom: bytes | str, count: float, *, counts: bool) -> bool:
        step, span = self._kinds[kind]
        known, mark, now = self._full_at[kind], self._mark(whom), self._steady()
        full_at = max(known.get(mark, now), now) + count * step
        if full_at - now > span:
            return False
        if counts:
            known[mark] = full_at
            known.move_to_end(mark)
            if len(known) > self._most:
                known.popitem(last=False)
        return True

    def _mark(self, whom: bytes | str) -> bytes:
        return self.mark(whom) if isinstance(whom, str) else whom


def network_of(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """The network that a request comes from: the first 24 bits of an IPv4 address, 48 of an IPv6 one; empty if unknown.

    What a proxy says of others (X-Forwarded-For) counts only where it is one of ours. An address of an inner network that
    says nothing of others may be a proxy that nobody named here, with the whole country behind it, so it counts as unknown.
    """
    chain = [peer, *(one.strip() for one in reversed(forwarded[-500:].split(",")) if one.strip())]
    for one in chain:
        address = _address(one)
        if address is None:
            return ""
        if not any(address in network for network in proxies if network.version == address.version):
            return "" if address.is_private or address.is_loopback else _network(address)
    return ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network(address: IPv4Address | IPv6Address) -> str:
    packed = address.packed
    return packed[:3].hex() if len(packed) == 4 else packed[:6].hex()
