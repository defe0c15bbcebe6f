"""A secret split so that any two people together have it, and one alone has nothing (Shamir, 1979). Pure.

Arithmetic in GF(256) with the polynomial of AES, x^8 + x^4 + x^3 + x + 1 (FIPS 197 §4). A share is written as
`NC1-<set>-<number>-<64 hex digits>-<check>`: the set says which shares belong together, the check finds a slip of the pen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

SECRET_BYTES = 32
NEEDED = 2
"""How many people it takes."""
_SHARE = re.compile(r"NC1-([0-9a-f]{8})-([1-9][0-9]{0,2})-([0-9a-f]{64})-([0-9a-f]{4})")


class BadShares(Exception):
    """These shares do not make the secret; the message says which is wrong and why."""


def split(secret: bytes, people: int, chance: Sequence[bytes]) -> dict[int, bytes]:
    """A share for each of the people, by its number from 1. `chance` is fresh and random: NEEDED - 1 values as long as the
    secret, used for nothing else."""
    if not NEEDED <= people <= 255 or len(chance) != NEEDED - 1 or any(len(one) != len(secret) for one in chance):
        raise ValueError(
            f"a secret is split among {NEEDED} to 255 people with {NEEDED - 1} random values of its length"
        )
    return {
        number: bytes(_at(number, coefficients) for coefficients in zip(secret, *chance, strict=True))
        for number in range(1, people + 1)
    }


def combine(shares: Mapping[int, bytes]) -> bytes:
    """The secret from NEEDED of its shares or more. Another share than was given out gives another secret."""
    weights = {number: _weight(number, shares) for number in shares}
    made = bytearray(len(next(iter(shares.values()))))
    for number, share in shares.items():
        for place, byte in enumerate(share):
            made[place] ^= times(byte, weights[number])
    return bytes(made)


def times(one: int, other: int) -> int:
    """The product in GF(256)."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        one = (one << 1) ^ (0x11B if one & 0x80 else 0)
        other >>= 1
    return product


def inverse(one: int) -> int:
    """What `one` is multiplied with to give 1: its 254th power."""
    result = 1
    for _ in range(254):
        result = times(result, one)
    return result


def _at(x: int, coefficients: Sequence[int]) -> int:
    """The polynomial at x, the constant first."""
    value = 0
    for coefficient in reversed(coefficients):
        value = times(value, x) ^ coefficient
    return value


def _weight(number: int, shares: Mapping[int, bytes]) -> int:
    """Lagrange's weight of a share at 0."""
    weight = 1
    for other in shares:
        if other != number:
            weight = times(weight, times(other, inverse(other ^ number)))
    return weight


# ------------------------------------------------------------------------------------------------------- on paper


def written(secret: bytes, shares: Mapping[int, bytes]) -> list[str]:
    """The shares as they are handed out on paper, in their order."""
    name = _name(secret)
    return [f"NC1-{name}-{number}-{share.hex()}-{_check(name, number, share)}" for number, share in shares.items()]


def read_together(lines: Sequence[str]) -> bytes:
    """The secret out of written shares. Raises BadShares."""
    names: set[str] = set()
    shares: dict[int, bytes] = {}
    for place, line in enumerate(lines, 1):
        found = _SHARE.fullmatch("".join(line.split()).lower().replace("nc1", "NC1", 1))
        if found is None:
            raise BadShares(f"share {place} is not of the form NC1-…: type it again, all of its five parts")
        share = bytes.fromhex(found[3])
        if found[4] != _check(found[1], int(found[2]), share):
            raise BadShares(f"share {place} has a slip of the pen: compare it with the paper")
        names.add(found[1])
        shares[int(found[2])] = share
    if len(names) > 1:
        raise BadShares("these shares belong to different escrows: bring those that were printed together")
    if len(shares) < NEEDED:
        raise BadShares(f"{NEEDED} different shares are needed, of {NEEDED} people")
    secret = combine(shares)
    if _name(secret) not in names:
        raise BadShares("these shares do not belong together: bring those that were printed together")
    return secret


def _name(secret: bytes) -> str:
    return hashlib.sha256(b"nhip-cau escrow" + secret).hexdigest()[:8]


def _check(name: str, number: int, share: bytes) -> str:
    return hashlib.sha256(f"{name}/{number}/".encode() + share).hexdigest()[:4]
