"""The register of data breaches, from the command line: the clock, the draft, what it does not show."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.databases import database
from tests.desk import Desk
from tests.world import START

WHAT = "ổ cứng sao lưu bị mất ở bến xe"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, monkeypatch, capsys)


async def test_a_breach_has_72_hours_from_its_detection_and_a_draft_with_what_is_known(
    desk: Desk, tmp_path: Path
) -> None:
    async with database("sqlite", tmp_path) as made:
        await (await made.open()).close()
        detected = ("--detected", "2026-11-22T08:00+07:00")
        told = ("--kind", "crime", "--kind", "location", "--people", "12", "--harm", "life", "--what", WHAT)
        status, said = await desk.run(made.place, "breach", "record", "--act", "leak", *detected, *told)
        assert status == 0, said
        assert "notify by 25/11/2026 08:00\t48.0 h left" in said
        number = re.findall(r"^[0-9a-f]{8}", said)[0]
        _, draft = await desk.run(made.place, "breach", "notice", number)
        for known in (
            WHAT,
            "lộ, mất dữ liệu",
            "dữ liệu về tội phạm, vị trí",
            "12",
            "tính mạng",
            "22/11/2026 08:00",
            "Mẫu 08",
        ):
            assert known in draft
        assert draft.count("[người vận hành bổ sung]") == 5
        assert "Lý do gửi sau 72 giờ" not in draft
        # It is sealed, and in the audit without a word of it.
        assert all(WHAT.encode() not in bytes(row[0]) for row in await made.ask("SELECT sealed_fields FROM breach"))
        assert await made.ask("SELECT action, detail FROM audit WHERE action LIKE 'breach.%'") == [
            ("breach.recorded", ""), ("breach.drafted", ""),
        ]  # fmt: skip

        desk.clock.now = START + timedelta(days=3)
        assert "OVERDUE" in (await desk.run(made.place, "breach", "list"))[1]
        assert "Lý do gửi sau 72 giờ" in (await desk.run(made.place, "breach", "notice", number))[1]
        assert "notified." in (await desk.run(made.place, "breach", "notice", number, "--sent"))[1]
        assert "was notified before" in (await desk.run(made.place, "breach", "notice", number, "--sent"))[1]
        assert "notified 26/11/2026" in (await desk.run(made.place, "breach", "list"))[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("record", "--act", "leak", "--detected", "yesterday"), "write it like"),
        (("record", "--act", "leak", "--detected", "2027-01-01T00:00"), "in the future"),
        (("record", "--act", "leak", "--people", "-1"), "less than nobody"),
        (("notice", "ffffffff"), "no breach that was recorded"),
    ],
)
async def test_what_cannot_be_is_refused_in_one_sentence(
    arguments: tuple[str, ...], says: str, desk: Desk, tmp_path: Path
) -> None:
    async with database("sqlite", tmp_path) as made:
        await (await made.open()).close()
        status, said = await desk.run(made.place, "breach", *arguments)
        assert (status, says in said, len(said.splitlines())) == (2, True, 1), said
