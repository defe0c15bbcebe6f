"""The signed list of official addresses: what is taken, what stops the start, and what the page shows of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.accounts.qr import drawn
from bot.official import Official, read_official
from bot.settings import BadSetting, read_settings
from tests.test_web_chat import client_of, site_over
from tests.world import World

LIST = """signed: 2026-11-01
until: 2027-05-01
Trang web: https://nhipcau.example/
Zalo: https://zalo.example/1234567890
Onion: http://abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion/
"""
PROMISE = "Chúng tôi không bao giờ hỏi xin tiền, mật khẩu hay mã OTP."


def signed(folder: Path, text: str = LIST) -> Path:
    """A list, its signature and its public key, as the operator brings them here."""
    key, path = Ed25519PrivateKey.generate(), folder / "official.txt"
    path.write_bytes(text.encode())
    Path(f"{path}.sig").write_bytes(key.sign(text.encode()))
    Path(f"{path}.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def listed(folder: Path, text: str = LIST) -> Official:
    found = read_official(signed(folder, text))
    assert found is not None
    return found


@pytest.fixture
async def client(world: World, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    site = site_over(world, tmp_path)
    site.state.parts = replace(site.state.parts, official=listed(tmp_path))
    async with client_of(site) as one:
        yield one


def test_a_signed_list_is_read(tmp_path: Path):
    found = listed(tmp_path)
    assert [name for name, _ in found.accounts] == ["Trang web", "Zalo", "Onion"]
    assert (found.signed, found.until) == (date(2026, 11, 1), date(2027, 5, 1))
    assert re.fullmatch(r"([0-9a-f]{4} ){15}[0-9a-f]{4}", found.fingerprint)
    assert read_official(None) is None
    assert read_settings({"NHIPCAU_OFFICIAL": "official.txt"}).official == Path("official.txt").absolute()


def test_an_address_more_than_was_signed_stops_the_start(tmp_path: Path):
    path = signed(tmp_path)
    path.write_text(LIST + "Zalo mới: https://lua-dao.example/\n", "utf-8")
    with pytest.raises(BadSetting, match=r"no signature of official\.txt"):
        read_official(path)


def test_a_list_signed_by_somebody_else_stops_the_start(tmp_path: Path):
    path = signed(tmp_path)
    (tmp_path / "other").mkdir()
    Path(f"{path}.sig").write_bytes(Path(f"{signed(tmp_path / 'other')}.sig").read_bytes())
    with pytest.raises(BadSetting, match="no signature"):
        read_official(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("until: 2027-05-01\nZalo: https://zalo.example/1\n", "needs `signed`"),
        ("signed: 2026-11-01\nuntil: 2027-05-01\n", "1 to 20 addresses"),
        (LIST + "Web: http://nhipcau.example/\n", "line 6"),
        (LIST + "Web: javascript:alert(1)\n", "line 6"),
        (LIST + 'Web: https://x.example/"><script>\n', "line 6"),
        (LIST + "until: soon\n", "line 6"),
        (LIST + "hãy gửi tiền vào tài khoản này\n", "line 6"),
        (LIST + "".join(f"a{n}: https://x.example/{n}\n" for n in range(20)), "1 to 20"),
        (LIST + " \n" * 9000, "larger than"),
    ],
)
def test_what_is_no_list_of_addresses_stops_the_start(tmp_path: Path, text: str, why: str):
    with pytest.raises(BadSetting, match=why):
        read_official(signed(tmp_path, text))


def test_a_missing_file_and_another_kind_of_key_stop_the_start(tmp_path: Path):
    path = signed(tmp_path)
    other = generate_private_key(65537, 2048).public_key()
    Path(f"{path}.pem").write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(BadSetting, match=r"official\.txt\.pem is no Ed25519"):
        read_official(path)
    Path(f"{path}.sig").unlink()
    with pytest.raises(BadSetting, match=r"official\.txt\.sig cannot be read"):
        read_official(path)


async def test_the_page_shows_what_was_signed_and_what_is_never_asked_for(client: httpx.AsyncClient):
    page = (await client.get("/that")).text
    assert PROMISE in page
    for address in ("https://nhipcau.example/", "https://zalo.example/1234567890"):
        assert f'href="{address}" rel="noreferrer' in page
        assert str(drawn(address)) in page
    assert "01/11/2026" in page
    assert "01/05/2027" in page
    assert "quá hạn" not in page
    assert "style=" not in page  # which the page's policy refuses


async def test_a_list_that_is_over_says_so(world: World, client: httpx.AsyncClient):
    world.now += timedelta(days=400)
    assert "đã quá hạn" in (await client.get("/that")).text


def passes(command: list[str], folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=20).returncode == 0  # noqa: S603


async def test_anybody_can_check_the_signature_with_openssl(client: httpx.AsyncClient, tmp_path: Path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    page = (await client.get("/that")).text
    found = re.findall(r"<pre[^>]*>openssl ([^<]+)</pre>", page)
    for ending in ("", ".sig", ".pem"):
        (tmp_path / f"that.txt{ending}").write_bytes((await client.get(f"/that.txt{ending}")).content)
    command = [openssl, *found[0].split()]
    assert passes(command, tmp_path)
    (tmp_path / "that.txt").write_bytes(b"Zalo: https://lua-dao.example/\n")
    assert not passes(command, tmp_path)


async def test_without_a_list_the_promise_stands_and_no_address_is_claimed(world: World, tmp_path: Path):
    async with client_of(site_over(world, tmp_path)) as client:
        page = await client.get("/that?lang=en")
        assert "We never ask for money, passwords or OTP codes." in page.text
        assert "has not published" in page.text
        for ending in ("", ".sig", ".pem", ".exe"):
            assert (await client.get(f"/that.txt{ending}")).status_code == 404
