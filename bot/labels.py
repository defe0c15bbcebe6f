"""Coded answers → the words that were on the page, for officers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.book import Book
from flows.model import SKIPPED, Answer, Step
from flows.together import helper_of

OWN_WORDS: Mapping[str, str] = {
    "story": "Lời viết đầu tiên",
    "safety": "An toàn khi nhắn",
    "contact": "Cách liên lạc",
    "danger_where": "Nơi đang nguy hiểm",
    "danger_place": "Chỗ cụ thể, số gọi lại",
    "danger_call": "Liên lạc thế nào là an toàn",
    "danger_text": "Kể thêm cho người trực",
    "person_word": "Nhắn người trực",
    "add_text": "Kể thêm sau khi gửi",
    "question": "Câu hỏi",
    "consent": "Đồng ý cho biết mình là ai",
    "talk_consent": "Đồng ý được hỏi",
    "keep": "Đồng ý giữ lời kể",
    "doctor_now": "Cần bác sĩ ngay",
    "card": "Muốn biết về",
    "trick": "Chuyện gần giống",
    "tip_pictures": "Ảnh, tin nhắn",
    "missing_pictures": "Ảnh, tin nhắn",
    "tip_heard": "Lấy từ lời viết đầu, người nhắn đã xác nhận",
    "missing_heard": "Lấy từ lời viết đầu, người nhắn đã xác nhận",
    "support_heard": "Lấy từ lời viết đầu, người nhắn đã xác nhận",
    "person_heard": "Lấy từ lời viết đầu, người nhắn đã xác nhận",
    "helper": "Điền cùng",
    "helper_agreed": "Người trong cuộc đồng ý điền cùng",
    "helper_private": "Người trong cuộc tự chọn",
    "place_from": "Nơi này theo",
    "clue_kinds": "Trong lời kể có",
    "danger_place_unit": "Nơi người nhắn đã xác nhận",
    "tip_place_unit": "Nơi người nhắn đã xác nhận",
    "missing_place_unit": "Nơi người nhắn đã xác nhận",
    "support_place_unit": "Nơi người nhắn đã xác nhận",
    "province_text_unit": "Nơi người nhắn đã xác nhận",
}
"""Short names for officers, of answers whose question is written to the person and has no name in the review list."""
PLACE_FROM: Mapping[str, str] = {
    "confirmed": "người nhắn đã xác nhận",
    "words": "lời viết, người nhắn chưa xác nhận",
    "point": "vị trí đã gửi, người nhắn chưa xác nhận",
}
"""On what the place of a report rests (`bot.intake.place_from`)."""
BESIDE = ("Lưu ý", "Người này ngồi cạnh khi viết: câu trả lời có thể không tự do.")
"""Beside the answers that somebody of the family or a companion helped to write (screening.md §5: often an acquaintance)."""
MAY_CONTROL = frozenset({"relative", "other"})
HIDDEN = frozenset(
    "watched_way door story code code_found language danger_after after person_way tip_quick tip_review missing_review "
    "support_review screening_review code_way instead".split()
)
"""Answers that only steered the conversation: they say nothing about the matter."""


CLUES: Mapping[str, str] = {
    "phone": "Số điện thoại",
    "plate": "Biển số xe",
    "link": "Đường dẫn",
    "account": "Tài khoản",
    "bank": "Số tài khoản, dãy số",
    "email": "Thư điện tử",
}
"""Kinds of clues (`flows/hear/clues.py`)."""


def coded_answers(book: Book, answers: Mapping[str, Answer]) -> list[tuple[str, str]]:
    """(question, answer in words) in the order they were given; what only steered the conversation is left out."""
    questions = _questions(book)
    beside = [BESIDE] if helper_of(answers) in MAY_CONTROL else []
    return beside + [
        (_name(questions.get(slot), slot), _in_words(book, questions.get(slot), answer))
        for slot, answer in answers.items()
        if slot not in HIDDEN
    ]


def text_name(book: Book, slot: str) -> str:
    """What a free text answers, as a short heading."""
    return _name(_questions(book).get(slot), slot)


def _questions(book: Book) -> dict[str, Step]:
    """The step that asks for each slot: the first, or the first with a name in the review list."""
    found: dict[str, Step] = {}
    for step in _steps(book):
        if step.remember and not (step.remember in found and (found[step.remember].review or not step.review)):
            found[step.remember] = step
    return found


def _steps(book: Book) -> Iterator[Step]:
    for flow in book.flows.flows.values():
        yield from flow.steps.values()


def _name(step: Step | None, slot: str) -> str:
    if slot in OWN_WORDS or step is None:
        return OWN_WORDS.get(slot, slot)
    return step.review or (step.say[-1] if step.say else slot)


def _in_words(book: Book, step: Step | None, answer: Answer) -> str:
    ids = answer if isinstance(answer, tuple) else (answer,)
    labels = {choice.id: choice.label for choice in step.choices} if step else {}
    names = {route: name[0] for route, name in book.referral.route_names.items()} | {SKIPPED: "Bỏ qua", "none": "Không"}
    names |= {**PLACE_FROM, **CLUES}
    if step is not None and step.choices_from == "heard":
        names |= {slot: one.review for slot, one in _questions(book).items() if one.review}
    return ", ".join(labels.get(one) or names.get(one) or one for one in ids)
