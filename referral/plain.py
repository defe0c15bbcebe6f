"""From the plain mappings of a data file to tests and codings, with every code checked against the closed lists.

How a test is written in YAML:

    {fact: age, is: [under_16, "16_17"]}    {fact: means, has: [force, threat], at_least: "2"}    {fact: act, has: any}
    {element: purpose}    {level: [L3, L4]}     {count: strong, of: [CD], at_least: "2"}
    {all: [...]}  {any: [...]}  {not: ...}      {word: child}      always
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from referral.codes import ANY_OF, COUNTS, DIMENSIONS, ELEMENTS, LEVELS, ONE_OF

Plain = Any  # text, lists and mappings of it, as YAML gave them
Words = Mapping[str, Plain]


class Unreadable(Exception):
    """A test or a coding that cannot be read: what is wrong, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def plain_when(test: Plain, words: Words, inside: tuple[str, ...] = ()) -> dict[str, Plain]:
    """The fields of a When. `words` are the named tests; `inside` those being read (a word may not name itself)."""
    if test == "always":
        return {"op": "always"}
    if isinstance(test, dict):
        for key, read in _FORMS.items():
            if key in test:
                return read(test, words, inside)
    raise Unreadable(
        "this test is not of a known form", f"Begin it with one of {', '.join(_FORMS)}, or write `always`."
    )


def plain_coding(coded: Plain) -> dict[str, Plain]:
    """The fields of a Coding, with its facts and codes checked. `adds` and `also` take one code or a list."""
    if not isinstance(coded, dict):
        raise Unreadable("this answer's coding is not a mapping", "Write for example {adds: {means: [deceit]}}.")
    plain = dict(coded)
    for name, code in plain.get("sets", {}).items():
        _known(code, ONE_OF[_known(name, ONE_OF, "fact that holds one code")], f"code of {name}")
    plain["sets"] = {name: code for name, code in plain.get("sets", {}).items()}
    plain["adds"] = {name: _added(name, codes) for name, codes in plain.get("adds", {}).items()}
    plain["also"] = {question: _several(answers) for question, answers in plain.get("also", {}).items()}
    return plain


def _added(name: str, codes: Plain) -> list[str]:
    known = ANY_OF[_known(name, ANY_OF, "fact that holds several codes")]
    return [_known(code, known, f"code of {name}") for code in _several(codes)]


# ------------------------------------------------------------------------------------------------------ forms of test


def _parts(op: str) -> Callable[[Mapping[str, Plain], Words, tuple[str, ...]], dict[str, Plain]]:
    def read(test: Mapping[str, Plain], words: Words, inside: tuple[str, ...]) -> dict[str, Plain]:
        _only(test, {op})
        parts = test[op] if isinstance(test[op], list) else [test[op]]
        if not parts or (op == "not" and len(parts) > 1):
            raise Unreadable(f"`{op}` has {len(parts)} parts", "Give `not` one part, `all` and `any` at least one.")
        return {"op": op, "parts": [plain_when(part, words, inside) for part in parts]}

    return read


def _fact(test: Mapping[str, Plain], words: Words, inside: tuple[str, ...]) -> dict[str, Plain]:
    name = test["fact"]
    if "is" in test:
        _only(test, {"fact", "is"})
        known = ONE_OF[_known(name, ONE_OF, "fact that holds one code")]
        return {
            "op": "is",
            "name": name,
            "values": [_known(code, known, f"code of {name}") for code in _several(test["is"])],
        }
    _only(test, {"fact", "has", "at_least"})
    known = ANY_OF[_known(name, ANY_OF, "fact that holds several codes")]
    codes = (
        []
        if test.get("has") == "any"
        else [_known(code, known, f"code of {name}") for code in _several(test.get("has"))]
    )
    return {"op": "has", "name": name, "values": codes, "at_least": _at_least(test)}


def _element(test: Mapping[str, Plain], words: Words, inside: tuple[str, ...]) -> dict[str, Plain]:
    _only(test, {"element"})
    return {"op": "element", "name": _known(test["element"], ELEMENTS, "element of the law")}


def _level(test: Mapping[str, Plain], words: Words, inside: tuple[str, ...]) -> dict[str, Plain]:
    _only(test, {"level"})
    return {"op": "level", "values": [_known(level, LEVELS, "level") for level in _several(test["level"])]}


def _count(test: Mapping[str, Plain], words: Words, inside: tuple[str, ...]) -> dict[str, Plain]:
    _only(test, {"count", "of", "at_least"})
    dimensions = [_known(code, DIMENSIONS, "dimension") for code in _several(test.get("of", []))]
    name = _known(test["count"], COUNTS, "thing to count")
    return {"op": "count", "name": name, "values": dimensions, "at_least": _at_least(test)}


def _word(test: Mapping[str, Plain], words: Words, inside: tuple[str, ...]) -> dict[str, Plain]:
    _only(test, {"word"})
    word = test["word"]
    if word not in words:
        raise Unreadable(f"the word `{word}` is not defined", f"Use one of {', '.join(sorted(words))}.")
    if word in inside:
        raise Unreadable(f"the word `{word}` is explained by itself", "Explain it by facts.")
    return plain_when(words[word], words, (*inside, word))


_FORMS: Mapping[str, Callable[[Mapping[str, Plain], Words, tuple[str, ...]], dict[str, Plain]]] = {
    "all": _parts("all"),
    "any": _parts("any"),
    "not": _parts("not"),
    "fact": _fact,
    "element": _element,
    "level": _level,
    "count": _count,
    "word": _word,
}


# ------------------------------------------------------------------------------------------------------------- checks


def _known(code: Plain, known: Collection[str], what: str) -> str:
    if not isinstance(code, str) or code not in known:
        raise Unreadable(f"`{code}` is not a known {what}", f"Use one of {', '.join(known)}.")
    return code


def _several(codes: Plain) -> list[Plain]:
    if isinstance(codes, list):
        return codes
    if isinstance(codes, str) and codes:
        return [codes]
    raise Unreadable("a list of codes is missing", "Write one code or a list of codes.")


def _only(test: Mapping[str, Plain], allowed: set[str]) -> None:
    for key in sorted(set(test) - allowed):
        raise Unreadable(
            f"`{key}` does not belong beside {', '.join(sorted(allowed))}", f"Remove `{key}` or its neighbour."
        )


def _at_least(test: Mapping[str, Plain]) -> int:
    text = test.get("at_least", "1")
    if not (isinstance(text, str) and text.isdigit() and 1 <= int(text) <= 9):
        raise Unreadable(f"`at_least: {text}` is not a number from 1 to 9", "Write a number from 1 to 9.")
    return int(text)
