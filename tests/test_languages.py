"""Languages: the right one in the first reply, what it lacks in two, nothing shown as checked that nobody checked."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import offered_in
from bot.book import ROOT, Book, cross_check, read_catalogues
from bot.doors.triage import answer, first_reply
from bot.languages.model import EMERGENCY_SENTENCES, SAFE, Language, PhraseSet, is_urgent, turned_on
from bot.languages.read import read_languages, read_phrases
from bot.names import agency_name, hotline_lines
from bot.settings import BadSetting, Settings, read_settings
from flows.check import SENTENCES, WAYS, sentences
from flows.hear.hear import hear
from flows.hear.language import UNKNOWN

SAID = {
    "zh": "你好，我想问一下工作的事",
    "lo": "ສະບາຍດີ ຂ້ອຍຢາກຖາມ",
    "km": "សួស្តី ខ្ញុំចង់សួរព័ត៌មាន",
    "en": "hello, I want to ask about work",
    "vi": "cho em hoi ve viec lam",
}


def in_production(book: Book, *languages: str) -> Book:
    return offered_in(book, Settings(Path("/nowhere"), trial=False, languages=languages))


# --------------------------------------------------------------------------------------------------------- the guess


@pytest.mark.parametrize(
    ("say", "lang"),
    [
        *((say, lang) for lang, say in SAID.items()),
        ("em bi nhot o day, ho giu giay to", "vi"),
        ("lm on giup e vs, k bt lm s", "vi"),
        ("tụi nó kidnap em từ bar street, em ở trong trunk xe", "vi"),
        ("救命", "zh"),
        ("Kuv xav tau kev pab, lawv tsis pub kuv mus tsev", "hmn"),
        ("thov pab kuv", "hmn"),
        ("ช่วยด้วยค่ะ", "th"),
        ("저는 베트남에 있어요", "ko"),
        ("助けてください", "ja"),
        ("ꪹꪎꪉ ꪼꪕ", "blt"),
        ("مرحبا أريد أن أسأل", UNKNOWN),
        ("मुझे मदद चाहिए", UNKNOWN),
        ("tolong saya mau pulang sekarang", UNKNOWN),
        ("necesito ayuda por favor, no puedo salir", UNKNOWN),
        ("Tôi tên 李明 ở Hà Nội", "vi"),
        ("0912 345 678", "vi"),
        ("ok", "vi"),
    ],
)
def test_the_language_of_a_text_is_told_or_said_to_be_unknown(book: Book, say: str, lang: str) -> None:
    assert hear(book.flows.lexicon, say).lang == lang
    assert answer(book, {"id": "m", "text": say})["lang"] == lang


@pytest.mark.parametrize("lang", SAID)
def test_the_first_reply_is_in_the_language_of_the_first_words(book: Book, lang: str) -> None:
    reply = first_reply(book, SAID[lang], "telegram")
    welcome = [text for context, text in sentences(book.flows) if context == "hello.welcome"]
    assert book.catalogues.translate(lang, "hello.welcome", welcome[0]) in reply
    assert "111" in reply
    assert "113" in reply


@pytest.mark.parametrize(
    "say", ["ขอถามหน่อย", "Kuv xav tau kev pab, kuv tsis paub lus", "tolong saya mau pulang sekarang"]
)
def test_a_language_that_nobody_here_speaks_is_asked_for_with_the_numbers_first(book: Book, say: str) -> None:
    reply = first_reply(book, say, "telegram")
    assert reply.index("111") < reply.index("Which language?")
    assert "113" in reply
    assert "tự động" in reply
    assert "automated" in reply


@pytest.mark.parametrize("say", ["救命！他们把我关起来了，不让我走", "help me they lock me up"])
def test_danger_goes_before_the_language(book: Book, say: str) -> None:
    assert answer(in_production(book), {"id": "m", "text": say})["urgent"]
    assert "+84 981 848 484" in first_reply(in_production(book), say, "telegram")


# ------------------------------------------------------------------------------------------------- what a language has


def test_what_is_offered_is_whole(book: Book) -> None:
    assert book.catalogues.locales == ("vi", "en", "zh", "lo", "km")
    for context, text in sentences(book.flows):
        assert (context, text) in book.catalogues.texts["zh"], context
        for locale in ("lo", "km"):
            assert (context, text) in book.catalogues.texts[locale] or not is_urgent(context), (locale, context)
    assert {name.removeprefix("quiet.") for name in EMERGENCY_SENTENCES} <= SENTENCES | set(WAYS)


def test_every_translation_says_something(book: Book) -> None:
    for locale, texts in book.catalogues.texts.items():
        assert [key for key, text in texts.items() if not any(one.isalpha() for one in text)] == [], locale


def test_an_emergency_set_without_the_numbers_is_refused(book: Book) -> None:
    lao = {key: text for key, text in book.catalogues.texts["lo"].items() if key[0] != "danger.now"}
    thinner = replace(book, catalogues=replace(book.catalogues, texts={**book.catalogues.texts, "lo": lao}))
    assert any(one.where == "locales/lo danger.now" and not one.warning for one in cross_check(thinner))


def test_a_translation_with_another_number_is_refused(book: Book) -> None:
    wrong = {key: text.replace("113", "114") for key, text in book.catalogues.texts["zh"].items()}
    changed = replace(book, catalogues=replace(book.catalogues, texts={**book.catalogues.texts, "zh": wrong}))
    assert any("other numbers" in one.what and one.where == "locales/zh danger.now" for one in cross_check(changed))


def test_a_complete_language_names_every_agency_and_line_with_the_vietnamese_beside_it(book: Book) -> None:
    for route, (vietnamese, _) in book.referral.route_names.items():
        name = agency_name(book, route, "zh")
        assert any(word in name for word in vietnamese.replace("(", " ").split()), route
    chinese = book.catalogues.languages["zh"]
    nameless = {**book.catalogues.languages, "zh": replace(chinese, agencies={}, hotlines={})}
    found = cross_check(replace(book, catalogues=replace(book.catalogues, languages=nameless)))
    assert sum("has no name" in one.what for one in found) == len(book.referral.route_names) + len(
        book.referral.hotlines
    )
    assert hotline_lines(book, ["1900 969 680"], "zh") == (
        "1900 969 680: 平安之家，帮助女性 (Ngôi nhà Bình yên), 24/7（可能收费）",
    )


def test_chinese_keeps_to_one_voice_and_says_nothing_to_somebody_who_reads_along(book: Book) -> None:
    chinese = book.catalogues.texts["zh"]
    assert [text for text in chinese.values() if re.search("你|！|!|受害者|对象|为什么|违法|保证能|勇敢", text)] == []
    quiet = [
        (f"{flow.id}.{step.id}", text)
        for flow in book.flows.flows.values()
        for step in flow.steps.values()
        for text in step.quiet_say
    ]
    assert len(quiet) > 40
    assert [key for key in quiet if re.search("危险|公安|贩|被打|被逼|威胁|报复|孩子", chinese[key])] == []


def test_languages_stand_in_their_own_names_whatever_was_spoken_before(book: Book) -> None:
    assert dict(book.catalogues.named) == {
        "vi": "Tiếng Việt", "en": "English", "zh": "中文", "lo": "ພາສາລາວ", "km": "ភាសាខ្មែរ",
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- unchecked


def test_check_lists_what_no_native_speaker_has_signed(book: Book) -> None:
    warned = [one for one in cross_check(book) if one.warning and "native speaker" in one.what]
    told = {one.where.removeprefix("locales/languages.yaml ") for one in warned}
    assert (
        told == {one.id for one in book.catalogues.languages.values() if not one.is_checked} == {"en", "zh", "lo", "km"}
    )


@pytest.mark.parametrize("lang", ["en", "zh", "lo", "km"])
def test_the_person_is_told_that_nobody_checked_it_until_somebody_signs(book: Book, lang: str) -> None:
    said = book.flows.everywhere.sentences["translated"]
    doubt = book.catalogues.translate(lang, "everywhere.translated", said)
    assert doubt in first_reply(book, SAID[lang], "web")
    signed = replace(book.catalogues.languages[lang], checked_by="Nguyễn Thị A, phiên dịch", checked_on="2026-11-23")
    languages = {**book.catalogues.languages, lang: signed}
    checked = replace(book, catalogues=replace(book.catalogues, languages=languages))
    assert doubt not in first_reply(checked, SAID[lang], "web")


def test_a_name_without_a_day_signs_nothing() -> None:
    half = Language("lo", "ພາສາລາວ", "emergency", "s", checked_by="A")
    assert not half.is_checked
    _, found = read_languages(
        "vi: {name: V, extent: source, source: s}\nlo: {name: L, extent: emergency, source: s, checked_by: A}"
    )
    assert ["only one" in one.what for one in found] == [True]


def test_in_production_an_unchecked_language_is_off_until_the_operator_turns_it_on(book: Book) -> None:
    assert in_production(book).catalogues.locales == ("vi",)
    assert in_production(book, "en", "zh").catalogues.locales == ("vi", "en", "zh")
    assert offered_in(book, Settings(Path("/nowhere"))).catalogues.locales == ("vi", "en", "zh", "lo", "km")
    signed = replace(book.catalogues.languages["km"], checked_by="A", checked_on="2026-11-23")
    assert turned_on([signed], (), trial=False) == {"km"}


def test_of_a_language_that_is_off_only_the_numbers_and_who_speaks_are_left(book: Book) -> None:
    off = in_production(book, "en")
    assert {context for context, _ in off.catalogues.texts["zh"]} <= SAFE
    reply = first_reply(off, SAID["zh"], "telegram")
    assert "111（免费" in reply
    assert "Which language?" in reply
    assert "您想用哪种语言" not in reply


def test_the_setting_names_languages_that_there_are(book: Book) -> None:
    assert read_settings({}).languages == ("en",)
    assert read_settings({"NHIPCAU_LANGUAGES": "en, zh"}).languages == ("en", "zh")
    assert read_settings({"NHIPCAU_LANGUAGES": ""}).languages == ()
    with pytest.raises(BadSetting, match="codes of languages"):
        read_settings({"NHIPCAU_LANGUAGES": "Chinese"})
    with pytest.raises(BadSetting, match="names fr"):
        offered_in(book, Settings(Path("/nowhere"), languages=("fr",)))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("vi: [", "did not find"),
        ("en: {name: E, extent: complete, source: s}", "does not begin with"),
        ("vi: {name: V, extent: all, source: s}", "Invalid enum value"),
        ("vi: {name: V, extent: source, source: s}\nen: {name: E, extent: source, source: s}", "second source"),
        ("vi: {name: V, extent: source, source: s, checked_by: A, checked_on: today}", "is no day"),
    ],
)
def test_a_list_that_cannot_be_used_is_told(text: str, what: str) -> None:
    _, found = read_languages(text)
    assert any(what in one.what for one in found), found


# -------------------------------------------------------------------------------------------- languages of small peoples

HMONG = "Kuv xav tau kev pab, kuv tsis paub lus"


def in_hmong(book: Book, *, signed: bool) -> tuple[Book, PhraseSet]:
    """The book with a H'Mông set that is filled in, signed or not."""
    (found,) = [one for one in book.catalogues.phrases if one.id == "hmn"]
    by, on = ("Giàng A, cán bộ phụ nữ xã", "2026-11-23") if signed else ("", "")
    filled = [replace(one, say=f"HMN {one.vietnamese}", signed_by=by, signed_on=on) for one in found.phrases]
    name = replace(found.name, say="Lus Hmoob", signed_by=by, signed_on=on)
    made = replace(found, phrases=tuple(filled), name=name)
    known = {key: one for key, one in book.catalogues.languages.items() if one.extent != "phrases"}
    return replace(book, catalogues=read_catalogues(ROOT / "locales", known, [made])), made


def test_every_small_language_has_its_phrases_to_be_filled_in_and_nothing_is_signed_yet(book: Book) -> None:
    assert {one.id for one in book.catalogues.phrases} == {"tyz", "nut", "ium", "blt", "hmn", "hmn-VN"}
    for one in book.catalogues.phrases:
        assert 40 < len(one.phrases) <= 60
        assert all(phrase.vietnamese and phrase.purpose for phrase in one.phrases)
        assert {"hello.welcome", "danger.now", "stop.left"} <= {phrase.context for phrase in one.phrases}
        assert one.signed == {}


def test_a_phrase_that_nobody_signed_is_never_shown(book: Book) -> None:
    filled, made = in_hmong(book, signed=False)
    assert filled.catalogues.texts["hmn"] == {}
    assert "hmn" not in filled.catalogues.locales
    assert "Lus Hmoob" not in dict(filled.catalogues.named).values()
    for one in made.phrases:
        assert "HMN" not in filled.catalogues.translate("hmn", one.context, one.vietnamese)
        assert "HMN" not in filled.catalogues.label("hmn", one.context, one.vietnamese)
    for channel in ("web", "telegram", "zalo_bot", "zalo_oa"):
        assert "HMN" not in first_reply(filled, HMONG, channel)
    by_half = replace(made.phrases[0], say="HMN", signed_by="A")
    assert not by_half.is_signed


def test_what_a_native_speaker_signed_is_said_and_offered(book: Book) -> None:
    signed, made = in_hmong(book, signed=True)
    assert "hmn" in signed.catalogues.locales
    assert ("hmn", "Lus Hmoob") in signed.catalogues.named
    reply = first_reply(signed, HMONG, "telegram")
    assert reply.startswith("HMN Đây là hệ thống")
    assert "Which language?" not in reply
    assert not any(one.where.startswith("locales/hmn") for one in cross_check(signed))
    assert "hmn" in in_production(signed).catalogues.locales
    one_left = replace(made, phrases=(replace(made.phrases[0], signed_on=""), *made.phrases[1:]))
    assert not one_left.as_language().is_offered


def test_a_signed_phrase_with_another_number_is_refused(book: Book) -> None:
    signed, made = in_hmong(book, signed=True)
    wrong = [replace(one, say=one.say.replace("113", "114")) for one in made.phrases]
    known = {key: one for key, one in signed.catalogues.languages.items() if one.extent != "phrases"}
    catalogues = read_catalogues(ROOT / "locales", known, [replace(made, phrases=tuple(wrong))])
    found = cross_check(replace(signed, catalogues=catalogues))
    assert any("other numbers" in one.what and one.where == "locales/hmn danger.now" for one in found)


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("say: A, signed_by: B", "has only one of"),
        ("signed_by: B, signed_on: '2026-11-23'", "is signed and says nothing"),
        ("say: A, signed_by: B, signed_on: hôm nay", "is no day"),
        ("sai: A", "unknown field"),
    ],
)
def test_a_signature_that_is_none_is_refused(entry: str, what: str) -> None:
    text = f"language: hmn\nvietnamese: M\nname: {{}}\nentries: [{{context: a.b, purpose: p, vi: v, {entry}}}]"
    found, problems = read_phrases("locales/phrases/hmn.yaml", text)
    assert found is None
    assert any(what in one.what for one in problems), problems
    many = "language: tyz\nvietnamese: M\nname: {}\nentries:\n" + "  - {context: a.b, purpose: p, vi: v}\n" * 61
    told = [one.what for one in read_phrases("locales/phrases/hmn.yaml", many)[1]]
    assert told == ["has 61 phrases", "`language: tyz` is not the file's name"]


def test_a_phrase_whose_words_were_changed_is_told(book: Book) -> None:
    signed, made = in_hmong(book, signed=True)
    old = replace(made, phrases=(replace(made.phrases[0], vietnamese="Câu cũ."), *made.phrases[1:]))
    found = cross_check(replace(signed, catalogues=replace(signed.catalogues, phrases=(old,))))
    assert any("says other words now" in one.what and one.warning for one in found)
