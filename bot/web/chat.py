"""The citizens' page. Works without JavaScript: a form, one turn, a redirect, the answer. Nothing older than it is shown.

Nobody has an account: a random token in a cookie of the session is the whole address. Looking at the page stores nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from bot.channels import web
from bot.channels.base import Button, Inbound, Message
from bot.decide import decide
from bot.events import Event
from bot.web.files import kind_of
from bot.web.form import FILE_BYTES, Form, Unreadable, fresh_nonce, read_form
from bot.web.pages import LOCALE_COOKIE, dialable, locale_of, render, safe
from bot.web.parts import Site, site_of
from storage.base import Address, Snapshot, StorageAway

COOKIE: Final = "nc"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
DROPS_TEXT: Final = frozenset({"stop", "back"})
"""After these what stands in the text box is not sent: the person turned away from it."""
ALWAYS_HEARD: Final = frozenset({"danger", "person"})
"""These count even when the text that was sent with them has already led on to another question."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: the message, in which language, and whether the conversation goes on."""

    message: Message
    locale: str
    flow: str
    echo: str = ""

    @property
    def quiet(self) -> bool:
        """True where somebody may read along: neutral words, no alarming colour."""
        return self.message.quiet


# ------------------------------------------------------------------------------------------------------------ pages


async def show(request: Request) -> Response:
    """GET /: what was last said to this person, or the greeting. A new visitor is given a token; nothing is stored."""
    token = token_of(request)
    shown = await _shown(request, token)
    response = _page(request, shown)
    if not token:
        set_token(request, response, new_token())
    _keep_language(request, response)
    return response


async def post(request: Request) -> Response:
    """POST /: one form is one turn. 303 back to the page once it is stored; 503 with the safe sentence when it is not."""
    try:
        form = await read_form(request)
    except ClientDisconnect:
        return Response(status_code=400)
    except Unreadable:
        return _page(request, await _shown(request, token_of(request)), status=400, notice="unreadable")
    token = token_of(request)
    if not token:
        return await _without_cookie(request, form)
    if form.too_long or sum(map(len, form.files)) > FILE_BYTES:
        return _page(request, await _shown(request, token), status=413, notice="too_long", form=form)
    try:
        refused = await _turn(request, token, form)
        left = web.choice_of(form.chose) == "stop" or await _has_left(request, token)
    except StorageAway:
        return unsent(request, form)
    if left:
        response = RedirectResponse("/left", 303)
        clear_token(response)
        return response
    return RedirectResponse("/?file=refused" if refused else "/", 303)


async def left(request: Request) -> Response:
    """GET /left: after stop. One line, and the way back."""
    locale = locale_of(request)
    book = site_of(request).book
    lines = [
        book.catalogues.translate(locale, "stop.left", line)
        for step in book.flows.flows["stop"].steps.values()
        for line in step.say
    ]
    response = render(request, "left.html", locale=locale, lines=lines)
    clear_token(response)
    return response


async def leave(request: Request) -> Response:
    """GET or POST /exit: away at once. The cookie goes, and with it the only way back into the chat."""
    response = RedirectResponse("/trong", 303)
    clear_token(response)
    return response


async def blank(request: Request) -> Response:
    """GET /trong: a page about nothing."""
    return render(request, "blank.html", locale=locale_of(request))


def unsent(request: Request, form: Form) -> Response:
    """503: nothing was stored. Whom to call, and what was written, ready to be sent again by the same button."""
    locale = locale_of(request)
    return render(request, "unsent.html", 503, locale=locale, form=form, safe=safe(request, locale))


async def _without_cookie(request: Request, form: Form) -> Response:
    """A form without a token: a first visit whose cookie was refused, or a chat that was left. Nothing typed is lost."""
    response = _page(request, await _shown(request, ""), notice="no_cookie", form=form)
    set_token(request, response, new_token())
    return response


def _page(request: Request, shown: Shown, *, status: int = 200, notice: str = "", form: Form | None = None) -> Response:
    message = shown.message
    notice = notice or ("file" if request.query_params.get("file") == "refused" else "")
    answers = [button for button in message.buttons if button.role == "answer"]
    # `done` finishes what can have several answers; elsewhere it is an answer like the others.
    done = (
        next((button for button in answers if button.id == "done"), None) if message.many or message.free_text else None
    )
    return render(
        request, "chat.html", status, locale=shown.locale, quiet=shown.quiet, echo=shown.echo,
        bubbles=[dialable(request, text) for text in message.texts],
        answers=[button for button in answers if button is not done], done=done,
        many=message.many, ways=[button for button in message.buttons if button.role == "way"],
        danger=_danger(request, shown),
        goes_on=bool(shown.flow), nonce=fresh_nonce(), notice=notice, text=form.text if form else "",
        languages=site_of(request).book.catalogues.locales, asks_text=message.free_text,
    )  # fmt: skip


def _danger(request: Request, shown: Shown) -> Button | None:
    """The danger button: on every page but those that the danger path itself shows."""
    found = next((button for button in shown.message.buttons if button.role == "danger"), None)
    if found or shown.flow == "danger":
        return found
    book = site_of(request).book
    way = book.flows.way("danger")
    quiet = book.flows.everywhere.quiet_labels.get("danger", way.label)
    context, label = ("everywhere.quiet.danger", quiet) if shown.quiet else (way.context, way.label)
    return Button("p0:danger", book.catalogues.translate(shown.locale, context, label), "danger", "danger")


# ------------------------------------------------------------------------------------------------------- what is shown


async def _shown(request: Request, token: str) -> Shown:
    parts = site_of(request)
    if token:
        snapshot = await parts.storage.load(Address(web.CHANNEL, token))
        if snapshot.conversation is not None:
            message, echo = _joined(await _says(parts, snapshot.conversation.id))
            if message.texts:
                return Shown(message, snapshot.conversation.locale, snapshot.conversation.flow, echo)
    return _greeting(request)


async def _says(parts: Site, conversation: str) -> list[Message]:
    return [msgspec.convert(body, Message) for body in await parts.storage.says(conversation)]


def _joined(messages: Sequence[Message]) -> tuple[Message, str]:
    """Everything said since the person was last heard as one message: all bubbles, the buttons of the last question."""
    texts = tuple(text for message in messages for text in message.texts)
    asked = next((message for message in reversed(messages) if message.buttons), None)
    last = asked or (messages[-1] if messages else Message(()))
    echo = "" if last.quiet else next((m.press[web.ECHO] for m in messages if web.ECHO in m.press), "")
    return replace(last, texts=texts), echo


def _greeting(request: Request) -> Shown:
    """What a newcomer would be told, decided on nothing and stored nowhere."""
    parts, locale = site_of(request), locale_of(request)
    event = Event(seed="", at=parts.now(), what=web.opened("", "", locale).event, channel=web.CHANNEL, language=locale)
    commit = decide(Snapshot(), event, parts.book)
    body: Mapping[str, Any] = next(row.body for row in commit.outbox if row.kind == "say")
    return Shown(msgspec.convert(body, Message), locale, "hello")


# -------------------------------------------------------------------------------------------------------------- turn


async def _turn(request: Request, token: str, form: Form) -> bool:
    """Everything of one form, in an order that loses nothing: files, then words, then the button. True: a file was refused.

    Words come last but one so that a word of danger among them decides what is shown.
    """
    parts, locale = site_of(request), form.language or locale_of(request)
    receive = parts.receiver.citizen
    before = await parts.storage.load(Address(web.CHANNEL, token))
    buttons = await _buttons(request, before)
    pressed = web.choice_of(form.chose)
    text = "" if pressed in DROPS_TEXT else form.text
    if pressed == "stop":
        if before.conversation is not None:
            await receive(_press(form, token, buttons, now=False, locale=locale))
        return False
    if form.opens or (before.conversation is None and (form.chose or form.language) and not text):
        await receive(web.opened(token, form.external_id(token, "open"), locale))
    refused = await _files(parts, token, form, before, locale)
    if text:
        await receive(web.said(token, form.external_id(token, "text"), text, locale))
    if form.language:
        await _switch_language(parts, token, form)
    if form.chose:
        await _choose(parts, token, form, before, buttons, led_on=bool(text or form.files), locale=locale)
    await _never_blank(parts, token, form)
    return refused


async def _choose(
    parts: Site, token: str, form: Form, before: Snapshot, buttons: Mapping[str, Button], *, led_on: bool, locale: str
) -> None:
    """The button pressed. With words sent along it counts for the question that was shown, if that still stands."""
    if led_on:
        now = (await parts.storage.load(Address(web.CHANNEL, token))).conversation
        was = before.conversation
        stands = now is not None and was is not None and (now.flow, now.step) == (was.flow, was.step)
        in_danger = now is not None and now.flow == "danger"
        if not stands and (in_danger or web.choice_of(form.chose) not in ALWAYS_HEARD):
            return
    await parts.receiver.citizen(_press(form, token, buttons, now=led_on, locale=locale))


def _press(form: Form, token: str, buttons: Mapping[str, Button], *, now: bool, locale: str) -> Inbound:
    is_done = web.choice_of(form.chose) == "done"
    pressed = (*form.picked, form.chose) if is_done else (form.chose,)
    known = [buttons[one].label for one in pressed if one in buttons and buttons[one].role == "answer"]
    echo = ", ".join(label for label in (known[:-1] if is_done and len(known) > 1 else known))
    return web.chose(token, form.external_id(token, "choose"), pressed, now=now, language=locale, echo=echo)


async def _files(parts: Site, token: str, form: Form, before: Snapshot, locale: str) -> bool:
    """Keep each file by what it really is. True when one was of a kind that is not taken."""
    refused = False
    owner = before.conversation.id if before.conversation else ""
    for number, content in enumerate(form.files):
        kind = kind_of(content)
        if kind is None:
            refused = True
            continue
        ref = f"web/{secrets.token_hex(16)}"
        await parts.storage.keep_file(ref, owner, kind[0], content, parts.now())
        await parts.receiver.citizen(web.sent(token, form.external_id(token, f"file{number}"), kind[0], ref, locale))
    return refused


async def _switch_language(parts: Site, token: str, form: Form) -> None:
    """Two turns: to the question of the language, and its answer; the flow then goes back to where it was."""
    conversation = (await parts.storage.load(Address(web.CHANNEL, token))).conversation
    if conversation is None or conversation.locale == form.language:
        return
    receive = parts.receiver.citizen
    await receive(web.chose(token, form.external_id(token, "lang"), ["p0:language"], now=False, language=""))
    await receive(web.chose(token, form.external_id(token, "lang/to"), [f"p0:{form.language}"], now=True, language=""))


async def _never_blank(parts: Site, token: str, form: Form) -> None:
    """A second tap is answered with nothing, which suits a chat; a page must show the question that stands."""
    conversation = (await parts.storage.load(Address(web.CHANNEL, token))).conversation
    if conversation is None or not conversation.flow:
        return
    if not any(message.texts for message in await _says(parts, conversation.id)):
        await parts.receiver.citizen(web.ask_again(token, form.external_id(token, "again")))


async def _has_left(request: Request, token: str) -> bool:
    """True when the conversation has just ended by the way called stop, whatever word led there."""
    parts = site_of(request)
    conversation = (await parts.storage.load(Address(web.CHANNEL, token))).conversation
    if conversation is None or conversation.flow:
        return False
    return any(message.step.startswith("stop.") for message in await _says(parts, conversation.id))


async def _buttons(request: Request, before: Snapshot) -> dict[str, Button]:
    """The buttons on the page that the form came from, by what they send back."""
    if before.conversation is None:
        return {button.data: button for button in _greeting(request).message.buttons}
    messages = await _says(site_of(request), before.conversation.id)
    return {button.data: button for message in messages for button in message.buttons}


# ------------------------------------------------------------------------------------------------------------ cookies


def new_token() -> str:
    """32 random bytes: nobody can guess an address."""
    return secrets.token_urlsafe(32)


def token_of(request: Request) -> str:
    """The token that the browser sent, or empty."""
    token = request.cookies.get(COOKIE, "")
    return token if _TOKEN.fullmatch(token) else ""


def set_token(request: Request, response: Response, token: str) -> None:
    """A cookie until the browser closes, out of reach of scripts and of other sites."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=is_https(request), path="/")


def clear_token(response: Response) -> None:
    """The browser forgets the chat."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    response.delete_cookie(LOCALE_COOKIE, path="/", httponly=True, samesite="strict")


def is_https(request: Request) -> bool:
    """Whether the browser speaks https, to us or to what stands before us."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))


def _keep_language(request: Request, response: Response) -> None:
    wished = request.query_params.get("lang", "")
    if wished in site_of(request).book.catalogues.locales:
        response.set_cookie(LOCALE_COOKIE, wished, httponly=True, samesite="strict", secure=is_https(request), path="/")
