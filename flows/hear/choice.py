"""What a typed text means among the offered choices, and the words that work everywhere. Touches nothing.

A whole message must be the word; a story that merely contains "có" chooses nothing. Ambiguous is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

from flows.hear.normal import Normal, fold, marks, normalise

Choices = Sequence[tuple[str, str]]
Read = Callable[[Choices, Normal], list[str]]

_YES = (
    "có|có chứ|có ạ|ừ|ừm|uh|ừa|ờ|vâng|dạ|dạ vâng|dạ có|đúng|đúng rồi|đúng vậy|phải|phải rồi"
    "|rồi|ok|oke|okie|được|đồng ý"
    "|yes|y|yep|yeah|yup|sure|c|cóa|coá|chuẩn|是|有|对|是的"
)
_NO = (
    "không|ko|k|kh|kg|khg|hong|hông|hok|hem|hổng|khum|khong|kô|không có|không phải|chưa"
    "|chưa có|đâu có|dạ không|hông có|ko có"
    "|no|n|nope|not|never|没有|不|不是|没"
)
_UNSURE = (
    "không biết|ko biết|k biết|hông biết|hong biết|không rõ|ko rõ|k rõ|không chắc|ko chắc|chịu"
    "|không nhớ|ko nhớ|ko bik|k bik"
    "|hok bik|hem bik|ko bít|k bít|chưa biết|chưa rõ|không rành|idk|dont know|don't know"
    "|i don't know|i dont know|not sure"
    "|unsure|unknown|不知道|不清楚"
)
_SKIP = (
    "bỏ qua|bỏ qua đi|skip|pass|bỏ|tiếp|tiếp đi|không muốn nói|không muốn trả lời"
    "|ko muốn trả lời|không trả lời|next|跳过"
)
_NUMBERS = "một|hai|ba|bốn|năm|sáu|bảy|tám|chín|mười"
_POLITE = frozenset(
    "dạ ạ vâng thưa nha nhé nhe nhá ad admin bạn em mình tôi chị anh cô chú con cháu ơi oi thôi đó nè".split()
)
_SEPARATORS = frozenset(",;\n")
_COUNTERS = frozenset(
    "số so câu cau chọn chon ý y đáp án dap an phương phuong number option no và va and mục muc".split()
)

_WAYS = {
    "stop": "dừng|dừng lại|dung lai|thoát|thoát ra|stop|exit|quit|kết thúc|hủy|huỷ|ngừng|ngưng"
    "|ngừng lại|dừng chat|tôi muốn dừng"
    "|em muốn dừng|thôi không nói nữa|cancel|停止|退出",
    "back": "quay lại|trở lại|lùi lại|quay về|back|go back|về trước|câu trước|返回",
    "skip": "bỏ qua|bỏ qua đi|bỏ qua câu này|skip|skip this|跳过",
    "person": "gặp người|người thật|gặp người thật|nói chuyện với người|nói chuyện với người thật"
    "|gặp cán bộ|gặp tư vấn viên"
    "|tư vấn viên|gặp nhân viên|cho em gặp người thật|cho tôi gặp người thật"
    "|em muốn gặp người thật|tôi muốn gặp người thật"
    "|cho em gặp cán bộ|talk to a person|talk to someone|talk to human|talk to a human|human|real person|agent|人工|真人",
    "language": "ngôn ngữ|đổi ngôn ngữ|chọn ngôn ngữ|language|change language|english|tiếng anh|tiếng việt"
    "|vietnamese|chinese"
    "|tiếng trung|tiếng lào|tiếng khmer|tiếng campuchia|中文|语言|ລາວ|ພາສາລາວ|ខ្មែរ|ភាសាខ្មែរ",
    "rights": "dữ liệu của tôi|dữ liệu cá nhân|xóa dữ liệu|xoá dữ liệu|xóa dữ liệu của tôi|xoá dữ liệu của tôi"
    "|xóa thông tin của tôi|xoá thông tin của tôi|xóa tin đã gửi|xoá tin đã gửi|xóa tin của tôi|xoá tin của tôi"
    "|xem dữ liệu của tôi|sửa dữ liệu của tôi|rút đồng ý|rút lại đồng ý|tôi muốn xóa dữ liệu|tôi muốn xoá dữ liệu"
    "|tôi muốn xóa dữ liệu của tôi|tôi muốn rút đồng ý|em muốn xóa dữ liệu"
    "|my data|delete my data|erase my data|see my data|correct my data|withdraw my consent|withdraw consent|delete my report",
    "review": "sửa|sửa lại|xem lại|chỉnh lại|sửa câu trả lời|xem lại câu trả lời|review|edit|修改",
}
# Without marks these are as easily another word ("dung": dừng, đừng or đúng), so alone they mean nothing.
_UNCLEAR = frozenset({"dung", "sua", "roi", "nam", "bay", "thoi", "bo"})


LONGEST = 200
"""Code points: a longer text is a story and no answer, whatever it begins with."""


def _spoken(listed: str) -> tuple[Normal, ...]:
    return tuple(normalise(text) for text in listed.split("|"))


_ANSWERS = {"yes": _spoken(_YES), "no": _spoken(_NO), "unsure": _spoken(_UNSURE), "skip": _spoken(_SKIP)}
_NUMBER_WORDS = {spoken.folded: (at, spoken) for at, spoken in enumerate(_spoken(_NUMBERS), start=1)}


def match(choices: Choices, text: str) -> tuple[str, ...]:
    """The ids of the choices that `text` means, in the order offered; empty when none or not clear."""
    if len(text) > LONGEST:
        return ()
    read_as = (_label_of(text), _plain(text))
    ids = next((ids for typed in read_as if typed.words and (ids := _chosen(choices, typed))), [])
    return tuple(id for id, _ in choices if id in ids)


def _chosen(choices: Choices, typed: Normal) -> list[str]:
    steps: tuple[Read, ...] = (_label, _answer, _numbers, _beginning, _nearly, _several)
    return next((ids for read in steps if (ids := read(choices, typed))), [])


def typed_whole(choices: Choices, text: str) -> set[str]:
    """The ids whose label the text is and nothing else, its marks perhaps left out; never by being merely near it."""
    if len(text) > LONGEST:
        return set()
    typed = _label_of(text)
    return {id for id, label in choices if _same(typed, _offered(label))}


def way(text: str) -> str:
    """The way that the whole message names (stop, back, skip, person, language, review), or empty."""
    if len(text) > LONGEST:
        return ""
    found = (_way_of(typed) for typed in (_label_of(text), _plain(text)))
    return next((name for name in found if name), "")


def _way_of(typed: Normal) -> str:
    return next((name for name, words in _ways_by_words().get(typed.folded, ()) if _same(typed, words)), "")


@cache
def _ways_by_words() -> Mapping[str, Sequence[tuple[str, Normal]]]:
    """The ways' words without marks, to the ways that they may name."""
    found: dict[str, list[tuple[str, Normal]]] = {}
    for name, listed in _WAYS.items():
        for words in _spoken(listed):
            found.setdefault(_folded(words.words), []).append((name, words))
    return found


def _plain(text: str) -> Normal:
    """The words alone, without "dạ … ạ" around them."""
    normal = normalise(text)
    words = _bare(list(normal.words))
    pause = not _SEPARATORS.isdisjoint(normal.text)
    kept = " ".join(words)
    return Normal(normal.text if pause else kept, fold(kept), tuple(words))


def _bare(words: list[str]) -> list[str]:
    first, last = 0, len(words)
    while first < last and words[first] in _POLITE:
        first += 1
    while first < last and words[last - 1] in _POLITE:
        last -= 1
    return words[first:last] or words[:1]


def _label_of(label: str) -> Normal:
    """A text word for word: in a label, or in a label typed whole, "bạn" is no politeness."""
    words = normalise(label).words
    kept = " ".join(words)
    return Normal(kept, fold(kept), words)


@lru_cache(maxsize=2048)
def _offered(label: str) -> Normal:
    """`_label_of` for the labels of the flows, which are few and come again and again; never for what a person typed."""
    return _label_of(label)


@lru_cache(maxsize=4096)
def _folded(known: tuple[str, ...]) -> str:
    """Words of our own lists and labels without marks, word by word."""
    return " ".join(fold(word) for word in known)


def _same(typed: Normal, known: Normal) -> bool:
    """The same words, with the same marks or fewer ("dung lai" for "dừng lại"), unless that leaves another word."""
    if len(typed.words) != len(known.words) or typed.folded != _folded(known.words):
        return False
    if typed.words == known.words:
        return True
    return typed.folded not in _UNCLEAR and all(
        marks(a) <= marks(b) for a, b in zip(typed.words, known.words, strict=True)
    )


def _only(ids: list[str]) -> list[str]:
    return ids if len(ids) == 1 else []


def _label(choices: Choices, typed: Normal) -> list[str]:
    labels = [(id, _offered(label)) for id, label in choices]
    exact = [id for id, label in labels if label.words == typed.words]
    return _only(exact) or _only([id for id, label in labels if _same(typed, label)])


def _answer(choices: Choices, typed: Normal) -> list[str]:
    said = next((name for name, words in _answers_by_words().get(typed.folded, ()) if _same(typed, words)), "")
    return _only([id for id, label in choices if said and _stands_for(id, label) == said])


@cache
def _answers_by_words() -> Mapping[str, Sequence[tuple[str, Normal]]]:
    """The plain answers' words without marks, to the answers that they may be."""
    found: dict[str, list[tuple[str, Normal]]] = {}
    for name in ("unsure", "skip", "no", "yes"):
        for words in _ANSWERS[name]:
            found.setdefault(_folded(words.words), []).append((name, words))
    return found


def _stands_for(id: str, label: str) -> str:
    """Which plain answer a choice is: by its id, else when its label begins as one ("Không biết, không chắc")."""
    if id in _ANSWERS:
        return id
    plain = _offered(label)
    for name in ("unsure", "skip", "no", "yes"):
        if any(plain.words == word.words for word in _ANSWERS[name]):
            return name
    return ""


def _numbers(choices: Choices, typed: Normal) -> list[str]:
    words = [word for word in typed.words if word not in _COUNTERS]
    found: list[str] = []
    for word in words:
        number = _number(word)
        if not 1 <= number <= len(choices):
            return []  # most texts are none: the first word tells
        found.append(choices[number - 1][0])
    return found


def _number(word: str) -> int:
    if word.isascii() and word.isdecimal():
        return int(word) if len(word) <= 2 else 0
    folded = fold(word)
    at, spoken = _NUMBER_WORDS.get(folded, (0, None))
    return at if spoken is not None and _same(Normal(word, folded, (word,)), spoken) else 0


def _beginning(choices: Choices, typed: Normal) -> list[str]:
    if sum(map(len, typed.words)) < 2:
        return []
    begun = [id for id, label in choices if _begins(typed, _offered(label))]
    return _only(begun)


def _begins(typed: Normal, label: Normal) -> bool:
    head = Normal("", fold(" ".join(label.words[: len(typed.words)])), label.words[: len(typed.words)])
    if _same(typed, head):
        return True
    return len(typed.folded) >= 3 and label.folded.startswith(typed.folded) and typed.folded == " ".join(typed.words)


def _nearly(choices: Choices, typed: Normal) -> list[str]:
    labels = [(id, _offered(label).folded) for id, label in choices]
    return _only([id for id, label in labels if len(label.replace(" ", "")) >= 5 and _one_off(typed.folded, label)])


def _one_off(one: str, other: str) -> bool:
    """Edit distance of at most one: a letter changed, missing, too many, or two neighbours swapped."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or one[at + 1 :] == other[at + 1 :]


def _several(choices: Choices, typed: Normal) -> list[str]:
    """Labels separated by commas: all must be clear."""
    pieces = [piece for piece in re.split("[,;\n]", typed.text) if piece.strip()]
    if len(pieces) < 2:
        return []
    steps: tuple[Read, ...] = (_label, _numbers, _beginning, _nearly)
    found = [next((ids for read in steps if (ids := read(choices, _plain(piece)))), []) for piece in pieces]
    return [id for ids in found for id in ids] if all(found) else []
