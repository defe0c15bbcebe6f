"""The environment → one frozen `Settings`. Nothing else reads os.environ. Secrets never show in a repr."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.channels.email import ADDRESS, MailServer

SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}", re.ASCII)
"""What Telegram and Zalo allow (https://core.telegram.org/bots/api#setwebhook), and long enough not to be guessed."""


class BadSetting(Exception):
    """A setting cannot be used; the message names it and says what it should be."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value whose repr is dots."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class KeyAt:
    """Where the service key is: in the environment (64 hex digits), in a file of its own, or else in the home folder."""

    value: Secret = Secret("")
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class ZaloOa:
    """A Zalo Official Account (channels.md §1.2): its app, what signs the webhook, a first refresh token. Off without `app`."""

    app: str = ""
    app_secret: Secret = Secret("")
    key: Secret = Secret("")
    account: str = ""
    refresh_token: Secret = Secret("")
    api: str = "https://openapi.zalo.me"
    oauth: str = "https://oauth.zaloapp.com"
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs. Paths are absolute; `url` is how officers reach their page, without a slash at the end."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8080
    url: str = "http://127.0.0.1:8080"
    database: str = ""
    trial: bool = True
    telegram_token: Secret = Secret("")
    telegram_api: str = "https://api.telegram.org"
    telegram_webhook: str = ""
    telegram_secret: Secret = Secret("")
    telegram_proxy: str = ""
    telegram_files: Path | None = None
    zalo_bot_token: Secret = Secret("")
    zalo_bot_api: str = "https://bot-api.zaloplatforms.com"
    zalo_bot_webhook: str = ""
    zalo_bot_secret: Secret = Secret("")
    zalo_bot_proxy: str = ""
    zalo_bot_plan: tuple[int, int] = (50, 3000)
    zalo_oa: ZaloOa = ZaloOa()
    mail: MailServer | None = None
    exports: Path = Path("exports")
    backup_recipients: Path | None = None
    key_at: KeyAt = KeyAt()
    away: str = ""
    official: Path | None = None
    place_named: bool = False
    work_here: bool = True
    down_minutes: int = 10
    languages: tuple[str, ...] = ("en",)
    proxies: tuple[IPv4Network | IPv6Network, ...] = (ip_network("127.0.0.1"), ip_network("::1"))

    @property
    def shared(self) -> bool:
        """Whether several processes may use the database: it is PostgreSQL."""
        return self.database.startswith(("postgresql://", "postgres://"))

    @property
    def mode(self) -> str:
        """`trial` or `production`."""
        return "trial" if self.trial else "production"


NAMES = {
    "NHIPCAU_HOME": "folder of database, keys and exports (default: var/ beside the code)",
    "NHIPCAU_HOST": "address to listen on (default 127.0.0.1)",
    "NHIPCAU_PORT": "port to listen on (default 8080)",
    "NHIPCAU_URL": "how officers reach this service, for links in notices (default http://HOST:PORT)",
    "NHIPCAU_DATABASE": "database file (default HOME/nhipcau.db), or postgresql://user@host:5432/name",
    "NHIPCAU_SERVICE_KEY": "the service key itself, 64 hex digits (default: the file)",
    "NHIPCAU_SERVICE_KEY_FILE": "file of the service key (default HOME/keys/service.key)",
    "NHIPCAU_BACKUP_RECIPIENTS": "file with the age recipients of backups, one a line",
    "NHIPCAU_MAIL": "mail server for officers' notices: smtps://user:password@host or smtp://host (STARTTLS); off without",
    "NHIPCAU_MAIL_FROM": "the address that those notices come from",
    "NHIPCAU_AWAY": "https address of the page that quick exit leads to (default: a calendar of this service)",
    "NHIPCAU_OFFICIAL": "signed list of the official addresses, with .sig and .pem beside it, for the page /that",
    "NHIPCAU_MODE": "trial (default: demo officers and a banner) or production",
    "NHIPCAU_LANGUAGES": "in production: unchecked languages that are offered all the same, with commas (default en)",
    "NHIPCAU_WORK": "here (default: serve also delivers) or elsewhere (processes of `work` do; PostgreSQL only)",
    "NHIPCAU_DOWN_MINUTES": "a channel that fails for so long is down and told of (default 10)",
    "NHIPCAU_PROXIES": "addresses of https servers before this one, with commas (default 127.0.0.1,::1)",
    "NHIPCAU_TELEGRAM_TOKEN": "the bot's token; Telegram is off without it",
    "NHIPCAU_TELEGRAM_API": "Bot API server (default https://api.telegram.org)",
    "NHIPCAU_TELEGRAM_WEBHOOK": "public https URL of this service's /telegram; long polling without it",
    "NHIPCAU_TELEGRAM_SECRET": "secret of the webhook, 16 to 256 of A-Z a-z 0-9 _ -",
    "NHIPCAU_TELEGRAM_PROXY": "http proxy for calls to Telegram",
    "NHIPCAU_TELEGRAM_FILES": "folder in which a Bot API server of your own (--local) puts files",
    "NHIPCAU_ZALO_OA_APP": "id of the Zalo app; the Official Account is off without it",
    "NHIPCAU_ZALO_OA_APP_SECRET": "that app's secret, for its tokens",
    "NHIPCAU_ZALO_OA_KEY": "OA Secret Key of the webhook page: it signs what Zalo posts to this service's /zalo-oa",
    "NHIPCAU_ZALO_OA_ID": "id of the Official Account, where the app has several",
    "NHIPCAU_ZALO_OA_REFRESH_TOKEN": "a refresh token, used once: at the first start, or after an alarm about the token",
    "NHIPCAU_ZALO_OA_API": "its OpenAPI (default https://openapi.zalo.me)",
    "NHIPCAU_ZALO_OA_OAUTH": "where its tokens are renewed (default https://oauth.zaloapp.com)",
    "NHIPCAU_ZALO_OA_PROXY": "http proxy for calls to Zalo's OpenAPI",
    "NHIPCAU_ZALO_BOT_TOKEN": "the Zalo bot's token; the Zalo bot is off without it",
    "NHIPCAU_ZALO_BOT_API": "its Bot API server (default https://bot-api.zaloplatforms.com)",
    "NHIPCAU_ZALO_BOT_WEBHOOK": "public https URL of this service's /zalo-bot; getUpdates without it (for trying only)",
    "NHIPCAU_ZALO_BOT_SECRET": "secret of that webhook, 16 to 256 of A-Z a-z 0-9 _ -",
    "NHIPCAU_ZALO_BOT_PROXY": "http proxy for calls to the Zalo bot's server",
    "NHIPCAU_ZALO_BOT_PLAN": "people and messages a month of the bot's plan (default 50,3000: Basic)",
}
"""Every setting, with what it means: the README's table is checked against this."""


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises BadSetting with the first that cannot be used."""
    given = os.environ if environ is None else environ
    unknown = sorted(name for name in given if name.startswith("NHIPCAU_") and name not in NAMES)
    if unknown:
        raise BadSetting(f"{unknown[0]} is no setting; known are {', '.join(sorted(NAMES))}")
    home = Path(given.get("NHIPCAU_HOME") or Path(__file__).resolve().parent.parent / "var").absolute()
    host, port = given.get("NHIPCAU_HOST") or "127.0.0.1", _port(given.get("NHIPCAU_PORT") or "8080")
    settings = Settings(
        home=home,
        host=host,
        port=port,
        url=(given.get("NHIPCAU_URL") or f"http://{host}:{port}").rstrip("/"),
        database=given.get("NHIPCAU_DATABASE") or str(home / "nhipcau.db"),
        trial=_one_of("NHIPCAU_MODE", given, "trial", "production"),
        work_here=_one_of("NHIPCAU_WORK", given, "here", "elsewhere"),
        down_minutes=_minutes("NHIPCAU_DOWN_MINUTES", given.get("NHIPCAU_DOWN_MINUTES") or "10"),
        languages=_languages("NHIPCAU_LANGUAGES", given.get("NHIPCAU_LANGUAGES", "en")),
        proxies=_networks("NHIPCAU_PROXIES", given.get("NHIPCAU_PROXIES") or "127.0.0.1,::1"),
        telegram_token=Secret(given.get("NHIPCAU_TELEGRAM_TOKEN", "")),
        telegram_api=(given.get("NHIPCAU_TELEGRAM_API") or "https://api.telegram.org").rstrip("/"),
        telegram_webhook=given.get("NHIPCAU_TELEGRAM_WEBHOOK", ""),
        telegram_secret=Secret(given.get("NHIPCAU_TELEGRAM_SECRET", "")),
        telegram_proxy=given.get("NHIPCAU_TELEGRAM_PROXY", ""),
        telegram_files=Path(folder).absolute() if (folder := given.get("NHIPCAU_TELEGRAM_FILES")) else None,
        zalo_bot_token=Secret(given.get("NHIPCAU_ZALO_BOT_TOKEN", "")),
        zalo_bot_api=(given.get("NHIPCAU_ZALO_BOT_API") or "https://bot-api.zaloplatforms.com").rstrip("/"),
        zalo_bot_webhook=given.get("NHIPCAU_ZALO_BOT_WEBHOOK", ""),
        zalo_bot_secret=Secret(given.get("NHIPCAU_ZALO_BOT_SECRET", "")),
        zalo_bot_proxy=given.get("NHIPCAU_ZALO_BOT_PROXY", ""),
        zalo_bot_plan=_plan("NHIPCAU_ZALO_BOT_PLAN", given.get("NHIPCAU_ZALO_BOT_PLAN") or "50,3000"),
        zalo_oa=_zalo_oa(given),
        mail=_mail(given.get("NHIPCAU_MAIL", ""), given.get("NHIPCAU_MAIL_FROM", "")),
        exports=home / "exports",
        away=_away(given.get("NHIPCAU_AWAY", "")),
        official=Path(official).absolute() if (official := given.get("NHIPCAU_OFFICIAL")) else None,
        backup_recipients=Path(recipients) if (recipients := given.get("NHIPCAU_BACKUP_RECIPIENTS")) else None,
        key_at=_key_at(given),
        place_named=bool(given.get("NHIPCAU_HOME") or given.get("NHIPCAU_DATABASE")),
    )
    _secret_fits("NHIPCAU_TELEGRAM_SECRET", settings.telegram_webhook, settings.telegram_secret)
    _secret_fits("NHIPCAU_ZALO_BOT_SECRET", settings.zalo_bot_webhook, settings.zalo_bot_secret)
    return settings


def _zalo_oa(given: Mapping[str, str]) -> ZaloOa:
    """Raises BadSetting for an app without its secrets: anybody could post as Zalo."""
    usual, name = ZaloOa(), "NHIPCAU_ZALO_OA_"
    found = ZaloOa(
        app=given.get(f"{name}APP", ""),
        app_secret=Secret(given.get(f"{name}APP_SECRET", "")),
        key=Secret(given.get(f"{name}KEY", "")),
        account=given.get(f"{name}ID", ""),
        refresh_token=Secret(given.get(f"{name}REFRESH_TOKEN", "")),
        api=(given.get(f"{name}API") or usual.api).rstrip("/"),
        oauth=(given.get(f"{name}OAUTH") or usual.oauth).rstrip("/"),
        proxy=given.get(f"{name}PROXY", ""),
    )
    if found.app and not (found.app_secret and found.key):
        raise BadSetting(
            "NHIPCAU_ZALO_OA_APP_SECRET or NHIPCAU_ZALO_OA_KEY is missing: the Official Account needs both"
        )
    return found


def _secret_fits(name: str, webhook: str, secret: Secret) -> None:
    if webhook and not SECRET.fullmatch(secret.value):
        raise BadSetting(f"{name} is missing or unfit: a webhook needs 16 to 256 characters of A-Z a-z 0-9 _ -")


def _plan(name: str, text: str) -> tuple[int, int]:
    people, comma, messages = (one.strip() for one in text.partition(","))
    if not (comma and people.isdecimal() and messages.isdecimal() and int(people) and int(messages)):
        raise BadSetting(f"{name} is `{text}`; it should be two numbers, people and messages a month, like 50,3000")
    return int(people), int(messages)


def _key_at(given: Mapping[str, str]) -> KeyAt:
    value, file = given.get("NHIPCAU_SERVICE_KEY", ""), given.get("NHIPCAU_SERVICE_KEY_FILE", "")
    if value and file:
        raise BadSetting("NHIPCAU_SERVICE_KEY and NHIPCAU_SERVICE_KEY_FILE are both set: leave one of them out")
    if value and not re.fullmatch(r"[0-9A-Fa-f]{64}", value):
        raise BadSetting("NHIPCAU_SERVICE_KEY should hold 64 hex digits: bring the key back from where it is kept")
    return KeyAt(Secret(value), Path(file).absolute() if file else None)


def _mail(text: str, sender: str) -> MailServer | None:
    """Raises BadSetting for what is no mail server, without repeating it: it may hold a password."""
    if not text:
        return None
    try:
        at = urlsplit(text)
        port, host = at.port, at.hostname or ""
    except ValueError:
        port, host, at = None, "", urlsplit("")
    if at.scheme not in ("smtp", "smtps") or not host or at.path not in ("", "/") or at.query:
        raise BadSetting("NHIPCAU_MAIL should be smtps://user:password@host:465 or smtp://host:587")
    if not ADDRESS.fullmatch(sender):
        raise BadSetting("NHIPCAU_MAIL_FROM should be the address that notices come from, like thong-bao@example.vn")
    tls, here = at.scheme == "smtps", host in ("127.0.0.1", "::1", "localhost")
    return MailServer(
        host, port or (465 if tls else 587), sender, unquote(at.username or ""), unquote(at.password or ""),
        tls=tls, plain=here,
    )  # fmt: skip


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise BadSetting(f"NHIPCAU_PORT is `{text}`; it should be a number from 1 to 65535")
    return int(text)


def _minutes(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1440:
        raise BadSetting(f"{name} is `{text}`; it should be a number of minutes from 1 to 1440")
    return int(text)


def _away(text: str) -> str:
    if text and not re.fullmatch(r"https://[^\s\"'<>]+", text):
        raise BadSetting("NHIPCAU_AWAY should be an https address of a page that nobody would wonder about")
    return text


def _networks(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Raises BadSetting for what is neither an address nor a network."""
    try:
        return tuple(ip_network(one.strip()) for one in text.split(","))
    except ValueError:
        raise BadSetting(f"{name} is `{text}`; it should be addresses or networks, with commas between them") from None


def _languages(name: str, text: str) -> tuple[str, ...]:
    """Codes of languages; whether there are such is for the book to say (bot/app.py). Raises BadSetting."""
    found = tuple(one.strip() for one in text.split(",") if one.strip())
    if not all(re.fullmatch(r"[a-z]{2,3}", one) for one in found):
        raise BadSetting(f"{name} is `{text}`; it should be codes of languages with commas between them, like en,zh")
    return found


def _one_of(name: str, given: Mapping[str, str], usual: str, other: str) -> bool:
    """Whether it is the usual one. Raises BadSetting for a third."""
    text = given.get(name) or usual
    if text not in (usual, other):
        raise BadSetting(f"{name} is `{text}`; it should be {usual} or {other}")
    return text == usual
