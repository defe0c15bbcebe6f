"""People who write to the whole service through the small platforms, and three stories that are told on every door.

A person knows of a platform what stands on their screen: buttons where there are any, else numbers before the answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections.abc import Callable
from typing import Any, ClassVar

from bot.book import Book
from storage.base import Address
from storage.turns import address_id
from tests.fakes.on_its_way import OnItsWay
from tests.fakes.telegram import FakeTelegram
from tests.fakes.zalo_bot import FakeZaloBot
from tests.fakes.zalo_oa import FakeZaloOa
from tests.service import Service
from tests.world import SAID

TIP_WORDS = "Quán ở cạnh chợ, xã Bắc Quang, Hà Giang cũ, xe biển 23A-445.67"
ANSWERED_WITHIN_S = 15

_chats = itertools.count(1_000_000_007)
_ids = itertools.count(2_512_523_625_412_515)


class Person:
    """Somebody with a phone: writes, answers the question on the screen, and waits for what comes."""

    channel: ClassVar[str]
    hello: ClassVar[str] = "xin chào"

    def __init__(self, platform: OnItsWay[Any, Any], address: str) -> None:
        self.address = address
        self._platform = platform
        SAID.add(address)

    @property
    def heard(self) -> list[str]:
        """All texts that the bot has sent or changed here, in order."""
        raise NotImplementedError

    def _type(self, text: str) -> None:
        raise NotImplementedError

    async def _choose(self, label: str) -> str:
        raise NotImplementedError

    async def say(self, *texts: str) -> str:
        """Type these one after the other; the last answer."""
        for text in texts:
            SAID.add(text)
            answer = await self.does(self._type, text)
        return answer

    async def choose(self, *labels: str) -> str:
        """Answer the question on the screen, one after the other; the last answer."""
        for label in labels:
            answer = await self._choose(label)
        return answer

    async def pick(self, label: str) -> str:
        """The one answer to a question that takes several."""
        return await self.choose(label)

    async def skip(self) -> str:
        return await self.choose("Bỏ qua")

    async def does(self, does: Callable[..., Any], *given: Any, **more: Any) -> str:
        """Whatever this is, and the answer to it."""
        before = len(self.heard)
        does(*given, **more)
        await self._platform.until(lambda: len(self.heard) > before, ANSWERED_WITHIN_S)
        return self.heard[-1]

    async def hears(self, text: str) -> str:
        """Wait for something that holds this text."""
        await self._platform.until(lambda: any(text in one for one in self.heard), ANSWERED_WITHIN_S)
        return next(one for one in self.heard if text in one)

    def number_of(self, label: str) -> int:
        """The number that stands before this answer."""
        found = re.search(rf"^(\d+)\. (?:✓ )?{re.escape(label)}$", self.heard[-1], re.MULTILINE)
        assert found, f"{label!r} is no answer of {self.heard[-1]!r}"
        return int(found[1])


class OnTelegram(Person):
    """Presses what is shown."""

    channel = "telegram"
    hello = "/start"

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.chat = next(_chats)
        super().__init__(telegram, str(self.chat))

    @property
    def heard(self) -> list[str]:
        mine = self.telegram.called("sendMessage", "editMessageText")
        return [c.fields["text"] for c in mine if c.status == 200 and int(c.fields["chat_id"]) == self.chat]

    def _type(self, text: str) -> None:
        self.telegram.say(self.chat, text)

    async def _choose(self, label: str) -> str:
        return await self.does(self.telegram.press, self.chat, label)

    async def pick(self, label: str) -> str:
        return await self.choose(label, "Chọn xong")


class OnZaloBot(Person):
    """Types numbers: there are no buttons."""

    channel = "zalo_bot"

    def __init__(self, zalo: FakeZaloBot) -> None:
        self.zalo = zalo
        self.chat = hashlib.blake2b(str(next(_ids)).encode(), digest_size=10).hexdigest()
        super().__init__(zalo, self.chat)

    @property
    def heard(self) -> list[str]:
        return self.zalo.texts(self.chat)

    def _type(self, text: str) -> None:
        self.zalo.say(self.chat, text)

    async def _choose(self, label: str) -> str:
        return await self.say(str(self.number_of(label)))

    async def skip(self) -> str:
        assert "Hoặc nhắn: " in self.heard[-1], "where nothing can be pressed, it says what to type"
        return await self.say("bỏ qua")


class OnZaloOa(Person):
    """Presses the button where there is one, and else types the number."""

    channel = "zalo_oa"

    def __init__(self, zalo: FakeZaloOa) -> None:
        self.zalo = zalo
        self.id = str(next(_ids))
        super().__init__(zalo, self.id)

    @property
    def heard(self) -> list[str]:
        return self.zalo.texts(self.id)

    def _type(self, text: str) -> None:
        self.zalo.say(self.id, text)

    async def _choose(self, label: str) -> str:
        if label in self.zalo.buttons(self.id):
            return await self.does(self.zalo.press, self.id, label)
        return await self.say(str(self.number_of(label)))


# -------------------------------------------------------------------------------------------------------- the stories


async def tell_a_tip(person: Person) -> str:
    hello = await person.say(person.hello)
    assert "hệ thống trả lời tự động, không phải công an" in hello
    assert "113" in hello
    assert hello.index("111") < hello.index("Bây giờ bạn nhắn tin có an toàn không?")
    await person.choose("An toàn", "Tôi thấy việc đáng ngờ")
    await person.pick("Quán karaoke, quán bar")
    await person.choose("Không còn", "Trong nước", "Kể thêm vài điều")
    await person.say(TIP_WORDS)
    await person.choose("Đúng nơi đó", "Hôm nay", "Tôi không rõ", "Tôi không rõ")
    await person.say("Xe bảy chỗ, hay đỗ sau quán buổi tối", "Có hai cô gái trẻ, hỏi chuyện thì có người gọi vào ngay")
    await person.skip()
    review = await person.choose("Không", "Được")
    assert TIP_WORDS in review
    return await person.choose("Gửi")


async def a_child_is_screened(person: Person) -> str:
    await person.say(person.hello)
    asked = [await person.choose("An toàn"), await person.choose("Tôi lo cho mình hoặc cho ai đó")]
    for label in ("Tôi đồng ý", "Cho tôi", "Dưới 16", "Đang ở Việt Nam"):
        asked.append(await person.choose(label))
    last = await person.choose("Lúc được lúc không")
    told = " ".join((*asked, last))
    for never in ("Giấy tờ hoặc điện thoại có bị", "trả nợ", "Có bị đánh", "Có bị ép", "khác lời hứa"):
        assert never not in told, "a child writing alone is never asked about means or purpose"
    return last


async def a_call_for_help(person: Person) -> str:
    first = await person.say("cứu em với, họ nhốt em trong phòng không cho ra")
    assert first.index("113") < first.index("?"), "the numbers come before any question"
    assert "111" in first
    assert "+84 981 848 484" in first
    await person.choose("Ở Việt Nam", "Chỉ nhắn tin ở đây")
    return await person.say("Nhà trọ sau bến xe, Lạng Sơn")


async def the_three_stories(service: Service, an: Person, binh: Person, chi: Person) -> tuple[str, str, str]:
    """A tip, a child's screening and a call for help at the same time; what each was told last."""
    tip, child, help_ = await asyncio.gather(tell_a_tip(an), a_child_is_screened(binh), a_call_for_help(chi))
    assert "Đã gửi. Mã của bạn" in tip
    assert "Nơi nhận tin: Công an" in tip
    assert "Bạn kể vậy là đủ rồi" in child
    assert "111" in child
    assert "Người trực đã được báo" in help_
    await service.at_rest()
    assert set(referrals_of(service, an)) == {"police"}
    assert {state for state, _, _ in referrals_of(service, an).values()} == {"sent"}, (
        "nobody of that office has a phone"
    )
    assert "hotline_111" in referrals_of(service, binh)
    assert {"police", "hotline_111"} <= set(referrals_of(service, chi))
    assert referrals_of(service, chi)["police"][1:] == ("L4", 1)
    assert referrals_of(service, chi)["hotline_111"] == ("delivered", "L4", 1)
    return tip, child, help_


# ------------------------------------------------------------------------------------------------ what became of them


async def somebody_on_duty(service: Service, telegram: FakeTelegram, book: Book) -> OnTelegram:
    """An officer of 111 with a phone."""
    officer = OnTelegram(telegram)
    code = await service.invite(office_of(book, "hotline_111"))
    assert "nhận thông báo" in await officer.say(f"/canbo {code}")
    return officer


def office_of(book: Book, route: str) -> str:
    return next(one.id for one in book.referral.offices if one.route == route)


def where(service: Service, person: Person) -> str:
    """The keyed hash under which this person's address is stored."""
    return address_id(Address(person.channel, person.address), service.sealer)


def referrals_of(service: Service, person: Person) -> dict[str, tuple[str, str, int]]:
    """Route → (state, level, urgent) of what this person's intake became."""
    rows = service.rows(
        "SELECT r.route, r.state, r.level, r.urgent FROM referral r JOIN intake i ON i.id = r.intake "
        "JOIN conversation c ON c.id = i.conversation WHERE c.address = ?", where(service, person),
    )  # fmt: skip
    return {route: (state, level, urgent) for route, state, level, urgent in rows}
