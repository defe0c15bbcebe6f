"""Sealing: what the key promises, and what a record of an older version becomes."""

from __future__ import annotations

import pytest

from storage.base import StorageUnfit
from storage.rows import Record
from storage.seal import Sealer

KEY = b"k" * 32


def test_what_is_sealed_is_opened_by_the_same_key_about_the_same_thing() -> None:
    sealed = Sealer(KEY).seal("Nguyễn".encode(), b"intake/1")
    assert "Nguyễn".encode() not in sealed
    assert Sealer(KEY).open(sealed, b"intake/1") == "Nguyễn".encode()


def test_sealing_twice_gives_nothing_to_compare() -> None:
    sealer = Sealer(KEY)
    assert sealer.seal(b"x", b"a") != sealer.seal(b"x", b"a")


@pytest.mark.parametrize("what", ["another key", "another row", "altered", "cut off", "newer format", "empty"])
def test_what_does_not_belong_is_not_opened_and_says_what_to_do(what: str) -> None:
    sealed = Sealer(KEY).seal(b"chimcanhcut", b"intake/1")
    sealer, about = Sealer(KEY), b"intake/1"
    match what:
        case "another key":
            sealer = Sealer(b"j" * 32)
        case "another row":
            about = b"intake/2"
        case "altered":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        case "cut off":
            sealed = sealed[:9]
        case "newer format":
            sealed = b"\x02" + sealed[1:]
        case _:
            sealed = b""
    with pytest.raises(StorageUnfit) as failed:
        sealer.open(sealed, about)
    assert "chimcanhcut" not in str(failed.value)
    assert any(remedy in str(failed.value) for remedy in ("restore", "use that version"))


def test_a_lookup_is_the_same_every_time_and_another_for_every_kind_and_key() -> None:
    sealer = Sealer(KEY)
    assert sealer.lookup("address", "42") == Sealer(KEY).lookup("address", "42")
    assert len({sealer.lookup(kind, "42") for kind in ("address", "receipt", "session")}) == 3
    assert sealer.lookup("address", "42") != Sealer(b"j" * 32).lookup("address", "42")
    assert len(sealer.lookup("address", "42")) == 32


def test_a_code_counts_however_it_is_typed_and_a_token_does_not() -> None:
    sealer = Sealer(KEY)
    assert sealer.lookup("receipt", "7055-1234 ") == sealer.lookup("receipt", "70551234")
    assert sealer.lookup("invite", "ab-c1") == sealer.lookup("invite", "ABC1")
    assert sealer.lookup("session", "ab") != sealer.lookup("session", "AB")


def test_the_key_is_never_shown() -> None:
    assert repr(Sealer(KEY)) == "Sealer(…)"
    with pytest.raises(ValueError, match="31 bytes instead of 32"):
        Sealer(b"k" * 31)


# ----------------------------------------------------------------------------------------------------------- records


def renamed(record: dict[str, object]) -> dict[str, object]:
    return {"fullname": record["name"]}


def shouted(record: dict[str, object]) -> dict[str, object]:
    return {"fullname": str(record["fullname"]).upper()}


def test_a_record_of_any_older_version_is_read_as_of_today() -> None:
    first = Record[dict[str, str]]("thing", dict[str, str])
    second = Record[dict[str, str]]("thing", dict[str, str], (renamed,))
    third = Record[dict[str, str]]("thing", dict[str, str], (renamed, shouted))
    assert third.read(first.write({"name": "lan"})) == {"fullname": "LAN"}
    assert third.read(second.write({"fullname": "lan"})) == {"fullname": "LAN"}
    assert third.read(third.write({"fullname": "lan"})) == {"fullname": "lan"}


@pytest.mark.parametrize("record", [b"", b"{", b'{"v":1}', b'{"v":1,"it":[]}', b'{"v":"x","it":{}}', b"[]"])
def test_a_record_that_is_nonsense_is_refused_with_a_remedy(record: bytes) -> None:
    with pytest.raises(StorageUnfit, match="restore a backup"):
        Record[dict[str, str]]("thing", dict[str, str]).read(record)


def test_a_record_of_a_newer_version_asks_for_the_newer_program() -> None:
    newer = Record[dict[str, str]]("thing", dict[str, str], (renamed,))
    with pytest.raises(StorageUnfit, match="use the newer program"):
        Record[dict[str, str]]("thing", dict[str, str]).read(newer.write({"fullname": "x"}))
