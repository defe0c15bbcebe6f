"""What the bot says on Telegram, seen from the other end of the wire: a small Bot API on loopback."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.base import Button, Inbound, Message, SendError
from bot.channels.telegram.read import read
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import KEPT_S, TelegramChannel
from bot.channels.telegram.shape import keyboard
from tests.fakes.telegram import TOKEN, FakeTelegram

AN = 7
QUESTION = "Bây giờ bạn có thể viết an toàn không?"
DANGER = Button("p3:danger", "Tôi đang gặp nguy hiểm", "danger", id="danger")
WAYS = (Button("p3:back", "Quay lại", "way"), Button("p3:skip", "Bỏ qua", "way"), Button("p3:stop", "Dừng", "way"))
YES_NO = (Button("p3:yes", "Có"), Button("p3:no", "Không"), *WAYS, DANGER)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        server.say(AN, "/start")
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def channel(telegram: FakeTelegram, clock: Clock) -> AsyncIterator[TelegramChannel]:
    found = TelegramChannel(TOKEN, api=telegram.url, request=AiohttpRequest(read_timeout=0.3), clock=clock)
    yield found
    await found.close()


ONE, TWO, THREE = ("một " * 900).strip(), ("hai " * 900).strip(), ("ba " * 1300).strip()
"""Each fits into one message, no two of them do."""


def say(*texts: str, **more: Any) -> Message:
    return Message(texts=texts, **more)


def arrived(telegram: FakeTelegram) -> Inbound:
    """The newest thing that a person did, as the channel reads it."""
    inbound = read(telegram.pending[-1])
    assert isinstance(inbound, Inbound)
    return inbound


async def pressed(telegram: FakeTelegram, button: str) -> dict[str, str]:
    """Press what is shown; what the channel needs for closing it later."""
    telegram.press(AN, button)
    return dict(arrived(telegram).press)


async def fails(channel: TelegramChannel, message: Message) -> SendError:
    with pytest.raises(SendError) as caught:
        await channel.send(str(AN), message)
    return caught.value


# ---------------------------------------------------------------------------------------------- what is on the wire


async def test_a_message_is_one_protected_call_in_plain_text(telegram, channel):
    sent = await channel.send(str(AN), say("Xin chào <b>bạn</b> *nhé*"))
    assert [(call.method, call.fields) for call in telegram.called()] == [
        (
            "sendMessage",
            {
                "chat_id": "7",
                "text": "Xin chào <b>bạn</b> *nhé*",
                "link_preview_options": {"is_disabled": True},
                "protect_content": True,
            },
        )
    ]
    assert sent.message_ids == (str(telegram.shown(AN)[0]["message_id"]),)


async def test_bubbles_are_one_message_with_the_buttons_under_it(telegram, channel):
    sent = await channel.send(str(AN), say("Một", "Hai", QUESTION, buttons=YES_NO))
    assert telegram.texts(AN) == [f"Một\n\nHai\n\n{QUESTION}"]
    assert len(sent.message_ids) == 1


async def test_what_is_too_long_for_one_message_comes_in_order_with_the_buttons_under_the_last(telegram, channel):
    await channel.send(str(AN), say(ONE, TWO, QUESTION, buttons=YES_NO))
    assert telegram.texts(AN) == [ONE, f"{TWO}\n\n{QUESTION}"]
    assert ["reply_markup" in message for message in telegram.shown(AN)] == [False, True]


async def test_answers_stand_below_one_another_then_the_ways_then_danger_alone():
    assert [[key["text"] for key in row] for row in keyboard(YES_NO)] == [
        ["Có"],
        ["Không"],
        ["Quay lại", "Bỏ qua"],
        ["Dừng"],
        ["Tôi đang gặp nguy hiểm"],
    ]


async def test_many_short_answers_stand_two_by_two():
    short = [Button(f"p1:{i}", f"Nơi {i}") for i in range(5)]
    assert [len(row) for row in keyboard(short)] == [2, 2, 1]
    assert [len(row) for row in keyboard(short[:4])] == [1, 1, 1, 1]
    assert [len(row) for row in keyboard([*short, Button("p1:x", "Một nơi khác, không có ở đây")])] == [1] * 6


async def test_too_many_answers_never_push_out_the_ways_and_the_danger_button(telegram, channel):
    answers = tuple(Button(f"p1:{i}", f"Một câu trả lời dài số {i}") for i in range(120))
    await channel.send(str(AN), say("Chọn", buttons=(*answers, *WAYS, DANGER)))
    shown = telegram.buttons(AN)
    assert len(shown) == 100
    assert shown[-4:] == ["Quay lại", "Bỏ qua", "Dừng", "Tôi đang gặp nguy hiểm"]


async def test_quiet_messages_make_no_sound(telegram, channel):
    await channel.send(str(AN), say("Chào bạn", quiet=True))
    assert telegram.called("sendMessage")[0].fields["disable_notification"] is True


async def test_a_link_is_shown_once(telegram, channel):
    link = "https://example.invalid/officers/r/1"
    await channel.send(str(AN), say("Tin mới", link=link))
    await channel.send(str(AN), say(f"Tin mới: {link}", link=link))
    assert telegram.texts(AN) == [f"Tin mới\n\n{link}", f"Tin mới: {link}"]


# ----------------------------------------------------------------------------------------------- the pressed button


async def test_a_pressed_button_stops_waiting_and_leaves_what_was_chosen(telegram, channel):
    await channel.send(str(AN), say(QUESTION, buttons=YES_NO))
    press = await pressed(telegram, "Có")
    await channel.send(str(AN), say("Cảm ơn bạn.", press=press, chosen="yes"))
    assert [call.method for call in telegram.called()[1:]] == [
        "answerCallbackQuery",
        "editMessageReplyMarkup",
        "sendMessage",
    ]
    assert [call.status for call in telegram.called()] == [200] * 4
    assert telegram.buttons(AN) == ["✓ Có"]


async def test_in_quiet_mode_nothing_of_the_choice_stays(telegram, channel):
    await channel.send(str(AN), say(QUESTION, buttons=YES_NO))
    press = await pressed(telegram, "Không")
    await channel.send(str(AN), say("Chào bạn", press=press, chosen="no", quiet=True))
    assert telegram.buttons(AN) == []


async def test_a_press_without_words_is_only_closed(telegram, channel):
    await channel.send(str(AN), say(QUESTION, buttons=YES_NO))
    sent = await channel.send(str(AN), Message(texts=(), press=await pressed(telegram, "Có")))
    assert sent.message_ids == ()
    assert [call.method for call in telegram.called()[1:]] == ["answerCallbackQuery", "editMessageReplyMarkup"]


async def test_a_press_that_is_too_old_does_not_hold_back_the_words(telegram, channel):
    await channel.send(str(AN), say(QUESTION, buttons=YES_NO))
    press = await pressed(telegram, "Có")
    telegram.forget_queries()
    for _ in range(2):  # the second time the old keyboard is as wished already: "message is not modified"
        await channel.send(str(AN), say("Tiếp theo", press=press, chosen="yes"))
    assert telegram.texts(AN)[1:] == ["Tiếp theo", "Tiếp theo"]
    assert [call.status for call in telegram.called()[1:]] == [400, 200, 200, 400, 400, 200]


async def test_the_words_come_even_if_closing_the_press_fails(telegram, channel):
    await channel.send(str(AN), say(QUESTION, buttons=YES_NO))
    press = await pressed(telegram, "Có")
    telegram.fault("answerCallbackQuery", status=502)
    telegram.fault("editMessageReplyMarkup", kind="drop")
    await channel.send(str(AN), say("Gọi 113.", press=press, chosen="yes"))
    assert telegram.texts(AN)[-1] == "Gọi 113."


def boxes(prompt: int, *picked: str) -> tuple[Button, ...]:
    ids = {"papers": "Giữ giấy tờ", "debt": "Bắt trả nợ"}
    answers = [Button(f"p{prompt}:{one}", label, picked=one in picked) for one, label in ids.items()]
    return (*answers, Button(f"p{prompt}:done", "Xong"), DANGER)


async def test_ticking_a_box_changes_the_message_in_place(telegram, channel):
    await channel.send(str(AN), say("Có điều nào đúng?", buttons=boxes(5), many=True))
    press = await pressed(telegram, "Giữ giấy tờ")
    ticked = say("Có thể chọn thêm.", "Có điều nào đúng?", buttons=boxes(6, "papers"), many=True, press=press)
    sent = await channel.send(str(AN), ticked)
    assert sent.message_ids == ()
    assert telegram.texts(AN) == ["Có thể chọn thêm.\n\nCó điều nào đúng?"]
    assert telegram.buttons(AN) == ["✓ Giữ giấy tờ", "Bắt trả nợ", "Xong", "Tôi đang gặp nguy hiểm"]

    press = await pressed(telegram, "✓ Giữ giấy tờ")
    await channel.send(str(AN), say("Có điều nào đúng?", buttons=boxes(7), many=True, press=press))
    assert telegram.buttons(AN) == ["Giữ giấy tờ", "Bắt trả nợ", "Xong", "Tôi đang gặp nguy hiểm"]
    assert len(telegram.shown(AN)) == 1


async def test_a_ticked_message_that_is_gone_is_sent_anew(telegram, channel):
    await channel.send(str(AN), say("Có điều nào đúng?", buttons=boxes(5), many=True))
    press = await pressed(telegram, "Giữ giấy tờ")
    await channel.clear(str(AN), (press["message_id"],))
    ticked = say("Có điều nào đúng?", buttons=boxes(6, "papers"), many=True, press=press)
    sent = await channel.send(str(AN), ticked)
    assert sent.message_ids == (str(telegram.shown(AN)[-1]["message_id"]),)


async def test_the_next_question_with_boxes_is_a_new_message(telegram, channel):
    await channel.send(str(AN), say("Giữ giấy tờ?", buttons=(Button("p4:papers", "Có, giấy tờ"),)))
    press = await pressed(telegram, "Có, giấy tờ")
    await channel.send(str(AN), say("Có điều nào đúng?", buttons=boxes(5), many=True, press=press, chosen="papers"))
    assert telegram.texts(AN) == ["Giữ giấy tờ?", "Có điều nào đúng?"]


# -------------------------------------------------------------------------------------------------------- splitting


async def test_a_long_text_arrives_whole_in_several_messages(telegram, channel):
    paragraphs = [f"Đoạn {i}. " + "Điều cần biết trước khi đi làm xa. " * 30 for i in range(8)]
    await channel.send(str(AN), say("\n\n".join(paragraphs), buttons=YES_NO))
    shown = telegram.texts(AN)
    assert len(shown) == 3
    assert "\n\n".join(shown).split() == " ".join(paragraphs).split()
    assert all(text.startswith("Đoạn") for text in shown)
    assert telegram.buttons(AN)[0] == "Có"


async def test_letters_beyond_the_basic_plane_count_twice(telegram, channel):
    await channel.send(str(AN), say("🌉" * 3000))
    assert [len(text) for text in telegram.texts(AN)] == [2048, 952]


# ----------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("fault", "what", "code", "after_s"),
    [
        ({"retry_after": 17}, "again", "flood", 17.0),
        ({"status": 429, "description": "Too Many Requests"}, "again", "flood", 1.0),
        ({"status": 500}, "again", "network", 2.0),
        ({"status": 502, "description": "Bad Gateway"}, "again", "network", 2.0),
        ({"kind": "drop"}, "again", "network", 2.0),
        ({"kind": "lost"}, "again", "network", 2.0),
        ({"kind": "hang"}, "again", "timeout", 2.0),
        ({"status": 403, "description": "Forbidden: bot was blocked by the user"}, "blocked", "forbidden", 0.0),
        ({"status": 403, "description": "Forbidden: user is deactivated"}, "blocked", "forbidden", 0.0),
        ({"status": 400, "description": "Bad Request: chat not found"}, "blocked", "chat_not_found", 0.0),
        ({"status": 400, "description": "Bad Request: BUTTON_DATA_INVALID"}, "never", "bad_request", 0.0),
        ({"status": 401, "description": "Unauthorized"}, "misconfigured", "token", 0.0),
        ({"status": 404, "description": "Not Found"}, "misconfigured", "token", 0.0),
        ({"status": 409, "description": "Conflict"}, "misconfigured", "conflict", 0.0),
    ],
)
async def test_an_error_says_what_to_do_next(telegram, channel, fault, what, code, after_s):
    telegram.fault("sendMessage", **fault)
    error = await fails(channel, say("Chào bạn"))
    assert (error.what, error.code, error.after_s) == (what, code, after_s)


async def test_a_server_that_is_not_there_is_tried_again(channel, telegram):
    await telegram.stop()
    assert (await fails(channel, say("Chào bạn"))).what == "again"


async def test_an_answer_that_is_no_json_is_tried_again(telegram, channel, monkeypatch):
    async def login_page(*_: object) -> tuple[int, bytes]:
        return 200, b"<html>hotel wifi</html>"

    monkeypatch.setattr(AiohttpRequest, "_carried", login_page)
    error = await fails(channel, say("Chào bạn"))
    assert (error.what, error.code) == ("again", "unreadable_answer")


async def test_half_a_character_is_refused_and_not_a_crash(channel):
    assert (await fails(channel, say("a\ud800"))).what == "never"


async def test_the_person_who_blocked_us_is_known_as_unreachable(telegram, channel):
    telegram.block(AN)
    assert (await fails(channel, say("Chào bạn"))).what == "blocked"
    with pytest.raises(SendError, match="chat_not_found"):
        await channel.send("999", say("Chào bạn"))


# ------------------------------------------------------------------------------------------------------- trying again


async def test_a_second_try_goes_on_behind_what_went_out(telegram, channel):
    await channel.send(str(AN), say(QUESTION, buttons=YES_NO))
    message = say(ONE, TWO, THREE, press=await pressed(telegram, "Có"), chosen="yes")
    telegram.fault("sendMessage", retry_after=3, skip=1)
    assert (await fails(channel, message)).after_s == 3.0
    sent = await channel.send(str(AN), message)
    assert [(call.method, call.status) for call in telegram.called()[1:]] == [
        ("answerCallbackQuery", 200),
        ("editMessageReplyMarkup", 200),
        ("sendMessage", 200),
        ("sendMessage", 429),
        ("sendMessage", 200),
        ("sendMessage", 200),
    ]
    assert telegram.texts(AN)[1:] == [ONE, TWO, THREE]
    assert sent.message_ids == tuple(str(message["message_id"]) for message in telegram.shown(AN)[1:])


async def test_a_press_that_could_not_be_closed_is_closed_by_the_second_try(telegram, channel):
    await channel.send(str(AN), say(QUESTION, buttons=YES_NO))
    message = say("Một", press=await pressed(telegram, "Có"), chosen="yes")
    telegram.fault("*", status=502, times=3)
    await fails(channel, message)
    await channel.send(str(AN), message)
    assert [call.status for call in telegram.called()[1:]] == [502, 502, 502, 200, 200, 200]


async def test_another_message_does_not_take_over_what_went_out_of_the_first(telegram, channel):
    telegram.fault("sendMessage", status=500, skip=1)
    await fails(channel, say(ONE, TWO))
    await channel.send(str(AN), say(ONE, THREE))
    assert telegram.texts(AN) == [ONE, ONE, THREE]


async def test_the_same_words_later_are_said_again(telegram, channel):
    for _ in range(2):
        await channel.send(str(AN), say(ONE, TWO))
    assert telegram.texts(AN) == [ONE, TWO] * 2


async def test_what_went_out_is_forgotten_after_a_quarter_of_an_hour(telegram, channel, clock):
    message = say(ONE, TWO)
    telegram.fault("sendMessage", status=500, skip=1)
    await fails(channel, message)
    clock.now += KEPT_S + 1
    await channel.send(str(AN), message)
    assert telegram.texts(AN) == [ONE, ONE, TWO]


async def test_a_message_that_may_have_arrived_is_sent_twice_rather_than_never(telegram, channel):
    telegram.fault("sendMessage", kind="lost")
    assert (await fails(channel, say("Gọi 113."))).what == "again"
    await channel.send(str(AN), say("Gọi 113."))
    assert telegram.texts(AN) == ["Gọi 113.", "Gọi 113."]
