"""What people write is understood: danger is heard, stories and slang are not taken for it, typed choices are found.

The messages are in tests/hear/*.yaml. All files but heldout*.yaml were used to make the word lists and the weights, so
their figures say only that nothing was lost. The held-out files were written before the lists that they judge; what a
stranger's message may expect is what `python tests/hear/train.py --report` says of the fifths that are left out in turn
(flows/hear/README.md), still far from the aim. A few authors wrote all, so even that flatters. `-s` prints the figures
and the time a message takes.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.hear.choice import match, way
from flows.hear.clues import clues
from flows.hear.explain import explain
from flows.hear.hear import hear
from flows.hear.lexicon import Lexicon
from flows.hear.normal import fold, normalise
from flows.hear.read import INTENTS, read_lexicon
from flows.hear.receipt import parse_receipt
from flows.hear.weigh import Weights

HERE = Path(__file__).parent / "hear"
LISTS = Path(__file__).parent.parent / "flows" / "hear" / "lexicon"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(LISTS.glob("*.[yt]*"))}
HELD_OUT = ("heldout", "heldout2", "heldout3", "heldout4", "heldout5")
MESSAGE_FILES = sorted(path.stem for path in HERE.glob("*.yaml") if path.stem != "choices")


@dataclass(frozen=True)
class Message:
    say: str
    intent: str
    urgent: bool
    kind: str
    held_out: bool


def load() -> Lexicon:
    lexicon, problems = read_lexicon(TEXTS)
    assert not problems
    assert lexicon is not None
    return lexicon


LEXICON = load()


def messages() -> list[Message]:
    return [
        Message(say, block["intent"], block["urgent"] == "yes", block["kind"], name in HELD_OUT)
        for name in MESSAGE_FILES
        for block in yaml.load((HERE / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)  # noqa: S506
        for say in block["say"]
    ]


MESSAGES = messages()


def share(part: list[Message], right: list[Message]) -> float:
    return len(right) / len(part)


def urgent_recall(part: list[Message]) -> float:
    urgent = [m for m in part if m.urgent]
    return share(urgent, [m for m in urgent if hear(LEXICON, m.say).urgent])


def false_alarms(part: list[Message]) -> float:
    calm = [m for m in part if not m.urgent]
    return share(calm, [m for m in calm if hear(LEXICON, m.say).urgent])


def intents(part: list[Message]) -> float:
    return share(part, [m for m in part if hear(LEXICON, m.say).intent == m.intent])


def report(line: str) -> None:
    sys.stdout.write(f"\n{line}\n")


# ------------------------------------------------------------------------------------------------------ the messages


def test_the_messages_are_many_and_of_every_kind():
    assert len({m.say for m in MESSAGES}) == len(MESSAGES) >= 5_000
    assert sum(not m.urgent for m in MESSAGES) * 2 >= len(MESSAGES)
    assert sum(m.kind == "hard_negative" for m in MESSAGES) >= 1_000
    assert sum(m.kind == "no_alarm_words" for m in MESSAGES) >= 1_000
    assert {m.intent for m in MESSAGES} == set(INTENTS)


@pytest.mark.parametrize(
    ("held", "recall", "alarms", "right"),
    [(False, 0.95, 0.06, 0.95), (True, 0.94, 0.06, 0.90)],
    ids=["tuned", "held out"],
)
def test_urgent_messages_are_heard_and_others_are_not_alarms(held: bool, recall: float, alarms: float, right: float):
    part = [m for m in MESSAGES if m.held_out == held]
    reached = urgent_recall(part), false_alarms(part), intents(part)
    report(f"{len(part)} messages: recall {reached[0]:.3f}, false alarms {reached[1]:.3f}, intent {reached[2]:.3f}")
    assert reached[0] >= recall
    assert reached[1] <= alarms
    assert reached[2] >= right


def test_a_cry_for_help_gets_the_same_hearing_without_diacritics():
    """Everything urgent that is written with diacritics is urgent without them, but for very few."""
    urgent = [m for m in MESSAGES if m.urgent and hear(LEXICON, m.say).urgent and fold(m.say) != m.say]
    lost = [m.say for m in urgent if not hear(LEXICON, fold(m.say)).urgent]
    report(f"{len(lost)} of {len(urgent)} lost without diacritics")
    assert len(lost) <= len(urgent) * 0.05


@pytest.mark.parametrize(
    ("say", "intent", "words"),
    [
        ("cuu em voi", "emergency_self", ("cuu em voi",)),
        ("đừng gọi lại số này", "emergency_self", ("đừng gọi lại",)),
        ("Cứu con tôi với", "emergency_other", ("cứu con tôi",)),
        ("xin chào", "greeting", ("xin chào",)),
    ],
)
def test_the_words_that_decided_are_told(say: str, intent: str, words: tuple[str, ...]):
    heard = hear(LEXICON, say)
    assert heard.intent == intent
    assert set(words) <= set(heard.words)


@pytest.mark.parametrize(
    ("calm", "urgent"),
    [
        ("em không bị nhốt", "em bị nhốt"),
        ("trong phim cô ấy bị nhốt", "không phải phim đâu, em bị nhốt"),
        ("năm ngoái em bị bán sang Trung Quốc, đã về nhà rồi", "năm ngoái em bị bán sang Trung Quốc, giờ vẫn bị giữ"),
        ("cứu em bài tập này", "cứu em"),
        ("em đang xem phim cô gái bị nhốt", "họ đang xem phim, em bị nhốt trong phòng"),
        ("em đọc báo thấy người ta bị nhốt", "em đọc báo thấy người ta bị nhốt nhưng giờ em cũng bị giữ"),
        ("I am not locked in", "I am locked in"),
    ],
)
def test_denied_quoted_and_long_ago_is_calm_until_it_is_now(calm: str, urgent: str):
    assert not hear(LEXICON, calm).urgent
    assert hear(LEXICON, urgent).urgent


@pytest.mark.parametrize(
    ("say", "child"),
    [
        ("em 15 tuổi bị nhốt", True),
        ("con học lớp 8", True),
        ("em gái em mười bốn tuổi", True),
        ("tôi 34 tuổi", False),
        ("she is 16 years old", True),
        ("em bị nhốt", None),
    ],
)
def test_a_child_is_heard_and_silence_about_age_is_unknown(say: str, child: bool | None):
    assert hear(LEXICON, say).child is child


@pytest.mark.parametrize(
    ("say", "country", "province"),
    [
        ("em bi giu o Bavet", "KH", None),
        ("họ đưa em tới Myawaddy", "MM", None),
        ("em quê Nghệ An đang ở Campuchia", "KH", None),
        ("quán ở Hà Giang", "VN", "08"),
        ("o lang son", "VN", "20"),
        ("quê Thái Bình, đang ở Lạng Sơn", "VN", "20"),
        ("bên Lào", "LA", None),
        ("xe đi Lào Cai", "VN", "15"),
        ("ho dua em qua thai nguyen", "VN", "19"),
        ("em o vinh long", "VN", "86"),
        ("đang ở sân bay Nội Bài", "VN", "01"),
        ("bi giu o tro Di An", "VN", "79"),
        ("làm bên Miên, sát cửa khẩu", "KH", None),
        ("em o con minh, ho khoa cua", "CN", None),
        ("locked in a nail bar in Leeds", "GB", None),
        ("chị ấy giúp việc ở Riyadh", "SA", None),
    ],
)
def test_places_are_heard_with_the_province_of_today(say: str, country: str, province: str | None):
    place = hear(LEXICON, say).place
    assert place is not None
    assert (place["country"], place["province"]) == (country, province)


@pytest.mark.parametrize(
    ("calm", "urgent"),
    [
        ("giúp em với bài này", "giúp em với"),
        ("giup minh doi mat khau", "da anh chi oi, giup minh voi a"),
        ("app bị lỗi, giúp em với", "em sợ lắm, giúp em với, nhanh nhé"),
        ("help me with my password", "i need help please"),
        ("khi nào thì gọi công an", "gọi công an giúp em"),
        ("đường này có nguy hiểm không", "nguy hiểm"),
        ("em mệt muốn chết", "em muốn chết"),
        ("met muon chet", "toi muon chet"),
    ],
)
def test_a_bare_cry_is_urgent_and_a_thing_of_every_day_makes_it_none(calm: str, urgent: str):
    assert not hear(LEXICON, calm).urgent
    assert hear(LEXICON, urgent).urgent
    assert hear(LEXICON, urgent).words


def test_a_cry_after_much_politeness_is_bounded():
    """A text of politeness only takes no longer than any other, and a cry in the middle of it is not the whole."""
    assert not hear(LEXICON, "dạ anh chị ơi " * 200 + "nguy hiểm " + "ạ anh chị " * 200).alarmed


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZ-", min_size=4, max_size=24))
def test_the_letters_of_a_code_are_no_cry(code: str):
    assert not hear(LEXICON, f"/canbo {code}").urgent


def test_a_cry_after_a_slash_is_one():
    assert hear(LEXICON, "/cứu em với, em bị nhốt").urgent


def test_a_short_word_beside_words_with_marks_is_not_another_word():
    assert hear(LEXICON, "chị gửi cho em").intent == "greeting"  # cho, not chó
    assert hear(LEXICON, "con cho nha em").intent == "offtopic"  # without any marks it may be


@pytest.mark.parametrize(
    "say",
    [
        "con dao o trong bep",
        "no ba trieu tien",
        "di an com roi",
        "chi ma khong ve",
        "qua han visa",
        "nha be lam",
        "con minh",
    ],
)
def test_a_word_that_is_also_a_place_is_none_without_its_marks(say: str):
    assert hear(LEXICON, say).place is None


def test_no_place_is_made_up():
    assert hear(LEXICON, "tôi bị người lao động bạn bè giữ lại").place is None


@pytest.mark.parametrize(
    ("say", "lang"),
    [
        ("xin chào", "vi"),
        ("toi muon hoi ve cong viec", "vi"),
        ("I need help, they have my passport", "en"),
        ("请帮帮我", "zh"),
        ("ຊ່ວຍດ້ວຍ", "lo"),
        ("ជួយខ្ញុំផង", "km"),
        ("12345", "vi"),
        ("/canbo be-do-is-me-IT3X", "vi"),
        ("", "vi"),
    ],
)
def test_the_language_is_told_as_far_as_the_first_reply_needs(say: str, lang: str):
    assert hear(LEXICON, say).lang == lang


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_heard_the_same_twice(text: str):
    first = hear(LEXICON, text)
    assert first == hear(LEXICON, text)
    assert first.intent in INTENTS
    normalise(text), way(text), clues(text), parse_receipt(text)
    match([("yes", "Có"), ("no", "Không")], text)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([m.say for m in MESSAGES if m.urgent and hear(LEXICON, m.say).urgent]), min_size=1, max_size=3
    )
)
def test_hidden_characters_do_not_hide_a_cry(parts: list[str]):
    text = "\n".join(parts)
    hidden = "\u200b".join(text.split(" ")).replace("\u200b", " \u200b\u202e")
    assert hear(LEXICON, hidden) == hear(LEXICON, text)


def test_a_long_message_takes_no_more_than_its_length():
    """Reported, not asserted: a shared machine is no clock."""
    hear(LEXICON, "a")
    times = [timed(m.say) for m in MESSAGES]
    long = timed("họ không cho em về " * 500)
    report(f"median {statistics.median(times):.3f} ms, slowest {max(times):.3f} ms, 10,000 characters {long:.0f} ms")
    assert times


def timed(say: str) -> float:
    begin = time.perf_counter()
    hear(LEXICON, say)
    return (time.perf_counter() - begin) * 1000


# ----------------------------------------------------------------------------------------------------------- weights


def test_the_weights_are_those_that_the_messages_give():
    """Learning takes a minute, so the file names what it was made from."""
    spec = importlib.util.spec_from_file_location("train", HERE / "train.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["train"] = script
    spec.loader.exec_module(script)
    assert f"# made from {script.digest()}\n" in TEXTS["weights.tsv"], "messages or lists changed: make train-hear"


def test_what_stands_by_itself_is_urgent_whatever_the_weights_say_and_they_tell_the_words_that_weighed():
    calm = replace(LEXICON, weights=Weights(limit=1e9, limit_alarmed=1e9, parts={"em": {"urgent": -1.0}}))
    alone = [m.say for m in MESSAGES if m.urgent and hear(calm, m.say).urgent]
    assert alone
    assert all(hear(LEXICON, say).urgent for say in alone)
    added = [m.say for m in MESSAGES if hear(LEXICON, m.say).weighed]
    assert added
    for say in added:
        heard = hear(LEXICON, say)
        assert heard.urgent
        assert not heard.alarmed
        assert all(set(words.split()) <= set(normalise(say).words) for words in heard.words)
    assert not hear(LEXICON, "cứu em với").weighed


def test_a_decision_is_explained_by_what_was_met_and_what_weighed():
    lines = list(explain(LEXICON, "ban ngày họ ngủ em mới được cầm máy"))
    assert lines[0].startswith("intent emergency_self, urgent yes")
    assert "phone_window" in lines[2]
    assert any(line.startswith("against urgent: ") and "(every message)" in line for line in lines)
    calm = list(explain(LEXICON, "xin chào"))
    assert calm[0].startswith("intent greeting, urgent no")
    assert not any("by itself" in line for line in calm)


def test_without_weights_a_phrase_of_danger_is_urgent():
    bare = replace(LEXICON, weights=Weights())
    assert hear(bare, "em bị nhốt").urgent
    assert hear(bare, "xin chào").intent == "greeting"


def test_nothing_and_a_wall_of_one_word_weigh_little():
    assert not hear(LEXICON, "").urgent
    assert not hear(LEXICON, "em " * 2000).urgent


# -------------------------------------------------------------------------------------------------------- word lists


def test_the_lists_are_as_large_as_promised():
    assert LEXICON.size["vi"] >= 5_000
    assert LEXICON.size["en"] >= 80


BROKEN = {
    "an unknown key": ("language: vi\nwords: []", "unknown key 'words'"),
    "a doubled key": ("language: vi\nlanguage: en", "stands twice"),
    "no language": ("groups: {}", "has no language"),
    "no note": ("language: vi\ngroups: {a: {danger: self, phrases: [x]}}", "neither note nor source"),
    "no phrases": ("language: vi\ngroups: {a: {danger: self, note: n}}", "has no phrases"),
    "an unknown danger": ("language: vi\ngroups: {a: {danger: us, note: n, phrases: [x]}}", "danger: 'us' is unknown"),
    "an unknown intent": ("language: vi\ngroups: {a: {intent: sos, note: n, phrases: [x]}}", "unknown intent 'sos'"),
    "no role": ("language: vi\ngroups: {a: {note: n, phrases: [x]}}", "not exactly one thing"),
    "a weight of ten": ("language: vi\ngroups: {a: {intent: tip, weight: 10, note: n, phrases: [x]}}", "is not 1 to 9"),
    "an unknown class": ("language: vi\ngroups: {a: {danger: self, note: n, phrases: [<ai>]}}", "names '<ai>'"),
    "an open gap": ("language: vi\ngroups: {a: {danger: self, note: n, phrases: [a …]}}", "begin and end with a word"),
    "a phrase twice": ("language: vi\ngroups: {a: {danger: self, note: n, phrases: [x, x]}}", "repeats x"),
    "a lonely combination": ("language: vi\ncombinations: {c: {all: [a], note: n}}", "fewer than two"),
    "one sign of some": ("language: vi\ncombinations: {c: {some: [a, b], least: 1, note: n}}", "fewer than two"),
    "more than there are": ("language: vi\ncombinations: {c: {some: [a], least: 2, note: n}}", "does not fit `some`"),
    "signs without a number": ("language: vi\ncombinations: {c: {all: [a, b], some: [c], note: n}}", "does not fit"),
    "a stand unknown": ("language: vi\ngroups: {a: {danger: self, stands: up, note: n, phrases: [x]}}", "stands: 'up'"),
    "an unknown group": ("language: vi\ncombinations: {c: {all: [a, b], note: n}}", "names 'a'"),
    "a strange country": ("language: vi\nplaces: {P: {country: Lao, note: n, phrases: [p]}}", "not ISO 3166"),
    "a strange province": (
        "language: vi\nplaces: {P: {country: VN, province: '5', note: n, phrases: [p]}}",
        "two-digit",
    ),
    "a list": ("- a", "is not a mapping"),
    "no YAML": ("a: [", "is not readable YAML"),
    "not yes or no": (
        "language: vi\ngroups: {a: {danger: self, trafficking: ja, note: n, phrases: [x]}}",
        "neither yes nor no",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_list_names_the_file_and_the_fault(name: str):
    text, sentence = BROKEN[name]
    lexicon, problems = read_lexicon({"bad.yaml": text})
    assert lexicon is None
    assert any(sentence in str(problem) and problem.where.startswith("bad.yaml") for problem in problems)
    assert all(problem.remedy for problem in problems)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("limit\t1\nlimit_alarmed\t0\nho\turgent=heavy", "line 3"),
        ("ho\turgent=1", "no line `limit`"),
        ("limit\t1\nlimit_alarmed\t0\nho\t1.5", "'ho'"),
    ],
)
def test_a_broken_file_of_weights_names_its_line(text: str, wrong: str):
    lexicon, problems = read_lexicon({"vi.yaml": TEXTS["vi.yaml"], "weights.tsv": text})
    assert lexicon is None
    assert any(wrong in str(problem) and problem.where == "weights.tsv" for problem in problems)


def test_all_faults_are_told_at_once():
    bad = "language: vi\nx: 1\ngroups: {a: {danger: us, note: n, phrases: [q]}, b: {intent: no, note: n, phrases: [q]}}"
    assert len(read_lexicon({"bad.yaml": bad})[1]) == 3


def test_no_list_at_all_is_a_fault():
    assert read_lexicon({})[0] is None


# ----------------------------------------------------------------------------------------------------------- choices


def choice_rows() -> Iterator[tuple[tuple[tuple[str, str], ...], str, tuple[str, ...]]]:
    tables = yaml.load((HERE / "choices.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    for table in tables:
        for row in table["said"]:
            yield tuple(table["choices"].items()), row["text"], tuple(row["means"])


@pytest.mark.parametrize(("choices", "text", "means"), list(choice_rows()))
def test_a_typed_text_is_a_choice(choices: tuple[tuple[str, str], ...], text: str, means: tuple[str, ...]):
    assert match(choices, text) == means


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dừng", "stop"),
        ("dung lai", "stop"),
        ("Thoát!", "stop"),
        ("STOP", "stop"),
        ("exit", "stop"),
        ("quay lại", "back"),
        ("back", "back"),
        ("bỏ qua", "skip"),
        ("skip", "skip"),
        ("gặp người", "person"),
        ("nguoi that", "person"),
        ("cho em gặp người thật ạ", "person"),
        ("talk to a person", "person"),
        ("ngôn ngữ", "language"),
        ("english", "language"),
        ("tieng viet", "language"),
        ("中文", "language"),
        ("sửa", "review"),
        ("đừng", ""),
        ("đúng", ""),
        ("dung", ""),
        ("sữa", ""),
        ("họ bảo tôi dừng lại", ""),
        ("em gặp người ở bến xe", ""),
        ("", ""),
    ],
)
def test_only_a_whole_message_is_a_way(text: str, name: str):
    assert way(text) == name


# ------------------------------------------------------------------------------------------------ receipts and clues


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1234567890123456", "1234567890123456"),
        ("1234 5678 9012 3456", "1234567890123456"),
        ("1234-5678-9012-3456", "1234567890123456"),
        (" 1234.5678.9012.3456. ", "1234567890123456"),
        ("１２３４ 5678 9012 3456", "1234567890123456"),
        ("mã của em là 1234 5678 9012 3456", "1234567890123456"),
        ("123456789012345", ""),
        ("12345678901234567", ""),
        ("chuyển vào tài khoản 1234567890123456", ""),
        ("1234 5678 9012 3456 và 7", ""),
        ("xin chào", ""),
        ("", ""),
    ],
)
def test_a_receipt_is_sixteen_digits_however_grouped(text: str, code: str):
    assert parse_receipt(text) == code


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gọi 0901 234 567", (("phone", "+84901234567"),)),
        ("+84 901.234.567", (("phone", "+84901234567"),)),
        ("số bên đó +855 12 345 678 nhé", (("phone", "+85512345678"),)),
        ("xe 29A-123.45", (("plate", "29A12345"),)),
        ("biển số 12c1 234.56", (("plate", "12C123456"),)),
        ("https://t.me/viec_nhe?x=1.", (("link", "https://t.me/viec_nhe?x=1"),)),
        ("zalo.me/g/abc", (("link", "zalo.me/g/abc"),)),
        ("tele @Viec_Nhe", (("account", "@viec_nhe"),)),
        ("stk 190 3456 7890 12", (("bank", "190345678901" + "2"),)),
        ("mail a.b@example.org", (("email", "a.b@example.org"),)),
        ("em 15 tuổi, 111 và 113", ()),
    ],
)
def test_clues_are_found_in_one_spelling(text: str, found: tuple[tuple[str, str], ...]):
    assert clues(text) == found


# ------------------------------------------------------------------------------------------------------- normalising


@pytest.mark.parametrize(
    ("text", "normal", "folded"),
    [
        ("Cứuuuuu  EM", "cứuu em", "cuuu em"),
        ("C\u200bứ\u202eu", "cứu", "cuu"),
        ("Đi về", "đi về", "di ve"),
        ("cư\u0301u", "cứu", "cuu"),
        ("c\u0336ứ\u0334u\u0337", "cứu", "cuu"),
    ],
)
def test_one_spelling_for_what_people_type(text: str, normal: str, folded: str):
    assert normalise(text).text == normal
    assert normalise(text).folded == folded


def test_a_text_of_any_size_is_normalised():
    assert len(normalise("a" * 100_000).text) == 2
    assert sys.getsizeof(normalise("\u0301" * 1000).text) < 1000


def test_an_explanation_that_is_read_no_further_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "hear", "explain", "cứu em với"],
            stdout=nobody,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
