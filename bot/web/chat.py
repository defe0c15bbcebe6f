"""The citizens' page. Works without JavaScript: a form, one turn, a redirect, the answer. Nothing older than it is shown.

Nobody has an account: a random token in a cookie of the session is the whole address. Looking at the page stores nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from markupsafe import Markup
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from bot.channels import web
from bot.channels.base import Button, Inbound
from bot.limits import TooFast
from bot.media.kinds import kind_of
from bot.receive import NEVER_REFUSED, takes_file
from bot.web import away, listen, said
from bot.web.form import FILE_BYTES, MOST_FILES, Form, Unreadable, fresh_nonce, read_form
from bot.web.pages import danger_button, dialable, locale_of, render, safe
from bot.web.parts import site_of
from bot.web.person import Person, person_of
from bot.web.said import Shown, Stands
from bot.web.visitor import clear_left, clear_token, has_left, new_token, set_token, token_of
from storage.base import Snapshot, StorageAway

DROPS_TEXT: Final = frozenset({"stop", "back"})
"""After these what stands in the text box is not sent: the person turned away from it."""
ALWAYS_HEARD: Final = frozenset({"danger", "person"})
"""These count even when the text that was sent with them has already led on to another question."""
NOTES: Final = frozenset({"file", "files_full", "large", "large_words", "later", "pick"})
"""What a page can be told to say about the form before it."""

Receive = Callable[[Inbound], Awaitable[None]]


# ------------------------------------------------------------------------------------------------------------ pages


async def show(request: Request) -> Response:
    """GET /: what was last said to this person, or the greeting. A new visitor is given a token; nothing is stored."""
    token, gone = token_of(request), has_left(request)
    shown = await said.shown(request, "" if gone else token)
    response = _page(request, shown)
    if gone:
        response.background = BackgroundTask(away.forget, request, token, site_of(request).now())
        clear_left(response)
    if gone or not token:
        set_token(request, response, new_token())
    return response


async def post(request: Request) -> Response:
    """POST /: one form is one turn. 303 back to the page once it is stored; 503 with the safe sentence when it is not."""
    token = token_of(request)
    try:
        form = await read_form(request)
    except ClientDisconnect:
        return Response(status_code=400)
    except Unreadable:
        return _page(request, await said.shown(request, token), status=400, notice="unreadable")
    if form.leaves:
        if token and not form.looks:
            await _came(request, token, form)  # nobody is there to be answered
        return await away.heard_last(request, token)
    if form.looks and token:
        return _page(request, await said.shown(request, token), notice="file_again" if form.files else "", form=form)
    if not token:
        return await _without_cookie(request, form)
    return await _came(request, token, form)


async def _came(request: Request, token: str, form: Form) -> Response:
    """The turn of a form, and the page that answers it."""
    if form.too_long:
        return await _too_long(request, token, form)
    return await _heard(request, token, form)


async def _heard(request: Request, token: str, form: Form) -> Response:
    try:
        person = person_of(request, token)
        before = await said.stands(request, token, person.left_after)
        cries = _cries(request, token, form)
        if not (_may_come(request, before) or cries):
            raise TooFast
        note = await _turn(request, person, form, before, spared=cries)
        now = await person.snapshot()
        if now.way_gone:
            return away.heard(request)
        if web.choice_of(form.chose) == "stop" or await _has_left(request, now):
            return _left_for_good(request, token, now)
        if before.letters and before.mark != form.seen:
            # An officer wrote after this form was shown: the answer to it must not take those words away unread.
            shown = await said.shown(request, token)
            return _page(request, replace(shown, letters=(*before.letters, *shown.letters)), notice=note)
    except TooFast:
        return _page(request, await said.shown(request, token), status=429, notice="too_fast", form=form)
    except StorageAway:
        return unsent(request, form)
    return RedirectResponse(f"./?note={note}" if note else "./", 303)


def _cries(request: Request, token: str, form: Form) -> bool:
    """Whether this form may be somebody in danger: nothing of it is refused then, whatever came from their network."""
    if web.choice_of(form.chose) in NEVER_REFUSED:
        return True
    return bool(form.text) and site_of(request).receiver.is_cry(web.said(token, "", form.text, "").event)


def _may_come(request: Request, before: Stands) -> bool:
    """Whether their network may send this form. What nobody has written from before takes room on the disk, so less of it."""
    limits, network = site_of(request).receiver.limits, request.state.network
    may = not network or limits.take("network", network)
    if may and before.snapshot.conversation is None:
        may = (not network or limits.take("newcomers", network)) and limits.take("newcomers_in_all")
    if not may:
        limits.refused("form")
    return may


async def _too_long(request: Request, token: str, form: Form) -> Response:
    """413 with the text to be shortened. Who pressed the danger button with it is heard all the same."""
    if web.choice_of(form.chose) in ALWAYS_HEARD:
        try:
            person = person_of(request, token)
            before = await said.stands(request, token, person.left_after)
            await _turn(request, person, replace(form, text=""), before, spared=True)
        except StorageAway:
            return unsent(request, form)
    return _page(request, await said.shown(request, token), status=413, notice="too_long", form=form)


async def left(request: Request) -> Response:
    """GET /left: after stop. One line, and the way back."""
    locale = locale_of(request)
    book = site_of(request).book
    lines = [
        book.catalogues.translate(locale, "stop.left", line) for line in book.flows.flows["stop"].steps["left"].say
    ]
    response = render(request, "left.html", locale=locale, lines=lines)
    clear_token(response)
    return response


async def offline(request: Request) -> Response:
    """GET /cho: what the page on a home screen shows without a network: whom to call."""
    return render(request, "offline.html", locale=locale_of(request), dial=lambda text: dialable(request, text))


def _left_for_good(request: Request, token: str, snapshot: Snapshot) -> Response:
    """303 to the page after stop. The token is gone from the browser and, a moment later, leads nowhere."""
    locale = snapshot.conversation.locale if snapshot.conversation else locale_of(request)
    response = RedirectResponse(f"left?lang={locale}", 303, background=BackgroundTask(away.forget, request, token))
    clear_token(response)
    return response


def unsent(request: Request, form: Form) -> Response:
    """503: nothing was stored. Whom to call, and what was written, ready to be sent again by the same button."""
    locale = locale_of(request)
    return render(
        request,
        "unsent.html",
        503,
        locale=locale,
        form=form,
        safe=safe(request, locale),
        dial=lambda text: dialable(request, text),
    )


async def _without_cookie(request: Request, form: Form) -> Response:
    """A form without a token: a first visit whose cookie was refused, or a chat that was left. Nothing typed is lost."""
    response = _page(request, await said.shown(request, ""), notice="no_cookie", form=form)
    set_token(request, response, new_token())
    return response


def _page(request: Request, shown: Shown, *, status: int = 200, notice: str = "", form: Form | None = None) -> Response:
    message = shown.message
    notice = notice or (note if (note := request.query_params.get("note", "")) in NOTES else "")
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
        listen=listen.sources(request, shown),
        picked=form.picked if form else (), languages=_languages(request, shown), begins=shown.flow == "hello",
        asks_text=message.free_text, letters=() if shown.quiet else shown.letters,
        # The numbers come before everything else on the screen of somebody in danger.
        letters_first=shown.flow != "danger",
        officer_wrote=site_of(request).book.flows.everywhere.sentences["officer_wrote"],
        sentences=site_of(request).book.flows.everywhere.sentences,
        can_skip=any(button.id == "skip" for button in message.buttons), most_bytes=FILE_BYTES, most_files=MOST_FILES,
        mark="" if shown.quiet else shown.mark, waits=shown.waits, query=_query(request),
        dial=lambda text: dialable(request, text),
        picture=lambda button: _picture(request, shown, button),
    )  # fmt: skip


def _languages(request: Request, shown: Shown) -> list[tuple[str, str]]:
    """The other languages, by their own names, the most likely first: only one fits beside the exit on a small phone."""
    return [(one, name) for one, name in site_of(request).book.catalogues.named if one != shown.locale]


def _picture(request: Request, shown: Shown, button: Button) -> Markup:
    """The drawing beside a choice, for who reads slowly; nothing is drawn for somebody who is watched."""
    shapes = "" if shown.quiet else site_of(request).book.pictures.of(shown.message.step, button.id)
    if not shapes:
        return Markup()
    # Ours, and proved to be nothing but paths and circles when it was read.
    return Markup('<svg viewBox="0 0 24 24" aria-hidden="true">' + shapes + "</svg>")  # noqa: S704


def _query(request: Request) -> str:
    """What a form repeats of its page's address: the language that a link to it asked for, until a conversation keeps one."""
    wished = request.query_params.get("lang", "")
    return f"?lang={wished}" if wished in site_of(request).book.catalogues.locales else ""


def _danger(request: Request, shown: Shown) -> Button | None:
    """The danger button: on every page but those that the danger path itself shows."""
    found = next((button for button in shown.message.buttons if button.role == "danger"), None)
    if found or shown.flow == "danger":
        return found
    return danger_button(request, shown.locale, quiet=shown.quiet)


# -------------------------------------------------------------------------------------------------------------- turn


async def _turn(request: Request, person: Person, form: Form, before: Stands, *, spared: bool) -> str:
    """Everything of one form, in an order that loses nothing: files, then words, then the button. What to say about it.

    Words come last but one so that a word of danger among them decides what is shown. `spared`: no limit holds for it.
    """
    token, locale = person.token, form.language or locale_of(request)
    receive = partial(person.did, spared=spared)

    talk = before.snapshot.conversation
    pressed = web.choice_of(form.chose)
    text = "" if pressed in DROPS_TEXT else form.text
    if pressed == "stop":
        if talk is not None:
            await receive(_press(form, token, before, now=False, locale=locale))
        return ""
    if form.opens or (talk is None and (form.chose or form.language) and not text):
        await receive(web.opened(token, form.external_id(token, "open"), locale))
    files = _few_enough(person, form)
    refused = await _files(person, receive, files, before, locale)
    if text:
        await receive(web.said(token, form.external_id(token, "text", text), text, locale))
    if form.language:
        await _switch_language(person, receive, form)
    # Several could be ticked and none is: a hint, not a turn.
    nothing_ticked = pressed == "done" and not form.picked and before.of_many(form.chose)
    if form.chose and not nothing_ticked:
        await _choose(person, receive, form, before, led_on=bool(text or form.files), locale=locale)
    await _never_blank(person, form)
    if files is not form:
        return "later"
    if form.cut:
        return "large_words" if text else "large"
    if refused == "files_full" and not (text or form.chose):
        return ""  # it is what was just answered
    return refused or ("pick" if nothing_ticked and not text else "")


async def _choose(person: Person, receive: Receive, form: Form, before: Stands, *, led_on: bool, locale: str) -> None:
    """The button pressed. With words sent along it counts for the question that was shown, if that still stands."""
    if led_on:
        now = (await person.snapshot()).conversation
        was = before.snapshot.conversation
        # Words that were heard before (the answer to them was lost on the way) lead nowhere now, and nobody saw where they led.
        led_on = (now and now.version) != (was and was.version)
    if led_on:
        stands = now is not None and was is not None and (now.flow, now.step) == (was.flow, was.step)
        in_danger = now is not None and now.flow == "danger"
        if not stands and (in_danger or web.choice_of(form.chose) not in ALWAYS_HEARD):
            return
    await receive(_press(form, person.token, before, now=led_on, locale=locale))


def _press(form: Form, token: str, before: Stands, *, now: bool, locale: str) -> Inbound:
    buttons = before.buttons
    is_done = web.choice_of(form.chose) == "done"
    pressed = (*form.picked, form.chose) if is_done else (form.chose,)
    known = [buttons[one].label for one in pressed if one in buttons and buttons[one].role == "answer"]
    echo = ", ".join(label for label in (known[:-1] if is_done and len(known) > 1 else known))
    return web.chose(
        token,
        form.external_id(token, "choose", form.chose, form.picked, now),
        pressed,
        now=now,
        language=locale,
        echo=echo,
    )


def _few_enough(person: Person, form: Form) -> Form:
    """The form, or the same without its files where too many bytes of them came from this network or from everybody."""
    limits, network, size = person.parts.receiver.limits, person.network, float(sum(map(len, form.files)))
    if not size or ((not network or limits.take("files", network, size)) and limits.take("files_in_all", count=size)):
        return form
    limits.refused("file")
    return replace(form, files=())


async def _files(person: Person, receive: Receive, form: Form, before: Stands, locale: str) -> str:
    """Keep each file by what it really is. What to say where one was not: of a kind that is not taken, or one too many."""
    refused, parts, token = "", person.parts, person.token
    talk = before.snapshot.conversation
    owner = talk.id if talk else ""
    for content in form.files:
        kind = kind_of(content)
        if kind is None:
            refused = "file"
            continue
        ref = f"web/{secrets.token_hex(16)}"
        part = form.external_id(token, "file", hashlib.sha256(content).digest())
        inbound = web.sent(token, part, kind[0], ref, locale, len(content))
        if takes_file((await person.snapshot()).conversation, inbound):
            await parts.storage.keep_file(ref, owner, kind[0], content, parts.now())
        else:
            refused = "files_full"
        await receive(inbound)
    return refused


async def _switch_language(person: Person, receive: Receive, form: Form) -> None:
    """Two turns: to the question of the language, and its answer; the flow then goes back to where it was."""
    conversation, token = (await person.snapshot()).conversation, person.token
    if conversation is None or conversation.locale == form.language:
        return
    await receive(
        web.chose(token, form.external_id(token, "lang", form.language), ["p0:language"], now=False, language="")
    )
    await receive(
        web.chose(
            token, form.external_id(token, "lang/to", form.language), [f"p0:{form.language}"], now=True, language=""
        )
    )


async def _never_blank(person: Person, form: Form) -> None:
    """A second tap is answered with nothing, which suits a chat; a page must show the question that stands."""
    conversation = (await person.snapshot()).conversation
    if conversation is None or not conversation.flow:
        return
    if not any(message.texts for message in await said.says(person.parts, conversation.id)):
        again = form.external_id(person.token, "again", form.text, form.chose, form.picked)
        await person.did(web.ask_again(person.token, again), spared=True)


async def _has_left(request: Request, now: Snapshot) -> bool:
    """True when the conversation has just ended by the way called stop, whatever word led there."""
    conversation = now.conversation
    if conversation is None or conversation.flow:
        return False
    return any(message.step.startswith("stop.") for message in await said.says(site_of(request), conversation.id))
