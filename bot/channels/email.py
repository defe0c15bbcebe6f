"""Officers' notices by e-mail, through the operator's own mail server (RFC 5321), and through it to SMS gateways that take mail.

The subject never changes, nobody can answer, and the text is level, code and the address of the officers' page: mail lies in many
machines. The library that sends blocks, so it runs on threads of its own, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

from bot.channels.base import Ignored, Inbound, Limits, Message, SendError, Sent, What

CHANNEL: Final = "email"
SUBJECT: Final = "Nhịp Cầu"
STEP_S: Final = 10.0
"""Seconds for one step of the conversation with the server."""
WITHIN_S: Final = 30.0
"""Seconds for the whole of it: then it is tried again."""
AT_ONCE: Final = 4
ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}", re.ASCII)
"""What can be typed as an address: nothing that could begin another header or another command."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `tls`: from the first byte; else by STARTTLS, which is demanded unless `plain` (this machine)."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    tls: bool = False
    plain: bool = False

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"


class MailChannel:
    """Channel protocol, one way: nothing comes in here."""

    name = CHANNEL
    limits = Limits(text=10_000, buttons=0, has_buttons=False, can_clear=False)

    def __init__(self, server: MailServer, trusted: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._trusted = trusted or ssl.create_default_context()
        self._threads = ThreadPoolExecutor(AT_ONCE, "email")

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        """Nothing comes in by mail."""
        return Ignored("mail only leaves")

    async def send(self, address: str, message: Message) -> Sent:
        """Hand one letter in. Raises SendError."""
        if not ADDRESS.fullmatch(address):
            raise SendError("never", "email_address")
        letter = self._letter(address, message)
        try:
            handed_in = asyncio.get_running_loop().run_in_executor(self._threads, self._hand_in, address, letter)
            await asyncio.wait_for(handed_in, WITHIN_S)
        except (OSError, smtplib.SMTPException) as error:  # a TimeoutError is an OSError
            what, code = _outcome(error)
            raise SendError(what, code) from None  # what the server said may repeat the address
        return Sent()

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        """A letter cannot be taken back."""

    async def close(self) -> None:
        """Wait for nobody: what is under way is tried again after the next start."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _letter(self, address: str, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self._server.sender, address, SUBJECT
        letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain=_domain(self._server.sender))
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no robot answers
        letter.set_content("\n".join((*message.texts, *([message.link] if message.link else []))) + "\n")
        return letter

    def _hand_in(self, address: str, letter: EmailMessage) -> None:
        it, name = self._server, _domain(self._server.sender)
        made: smtplib.SMTP = (
            smtplib.SMTP_SSL(it.host, it.port, name, timeout=STEP_S, context=self._trusted)
            if it.tls
            else smtplib.SMTP(it.host, it.port, name, timeout=STEP_S)
        )
        with made as server:
            if not (it.tls or it.plain):
                server.starttls(context=self._trusted)
            if it.user:
                server.login(it.user, it.password)
            server.send_message(letter, it.sender, [address])


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _outcome(error: Exception) -> tuple[What, str]:
    """What to do next, by the server's answer (RFC 5321 §4.2.1: 4yz again, 5yz never), and a code without any of its words."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return ("blocked", "email_refused") if all(500 <= code < 600 for code in codes) else ("again", "email_later")
    if isinstance(error, smtplib.SMTPNotSupportedError | smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused):
        return "misconfigured", "email_server"
    if isinstance(error, smtplib.SMTPResponseException) and 500 <= error.smtp_code < 600:
        return "misconfigured", f"email_{error.smtp_code}"
    if isinstance(error, ssl.SSLError):
        return "misconfigured", "email_tls"
    return "again", "email_away"
