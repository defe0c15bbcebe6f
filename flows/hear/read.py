"""YAML text of the word lists → Lexicon. Refuses unknown and doubled keys; tells all faults with file and remedy."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from flows.hear.lexicon import NUMBER, POLITE, YEAR, Combination, Group, Lexicon, Node, Place, Role, parts, plant
from flows.hear.normal import fold
from flows.hear.told import AGE, PERSON
from flows.hear.weigh import BadWeights, Weights, read_weights
from flows.model import Problem

INTENTS = (
    "emergency_self emergency_other missing_person tip victim_support info greeting other_crisis offtopic abuse spam"
).split()
TOP = set("language note spellings common classes groups combinations places".split())
_TOLD_TOP = set("language classes people told age taken_back".split())
REACHES = frozenset({"next", "after", "sentence", "message", "overlap"})
WEIGHTS = "weights.tsv"
_GROUP = set("danger frame part child intent weight trafficking unless stands alone note source phrases".split())
_COMBINATION = set("all none some least intent trafficking alone note source".split())
_PLACE = set("country province note source phrases".split())
_VALUES: Mapping[str, frozenset[str]] = {
    "danger": frozenset({"self", "other", "either", "crisis"}),
    "frame": frozenset({"overlap", "next", "sentence", "message", "undo"}),
    "part": frozenset({"yes"}),
    "child": frozenset({"yes", "no", "age"}),
}
_ROLES: tuple[Role, ...] = ("danger", "frame", "part", "child")


class _Doubled(yaml.YAMLError):
    """A key stands twice in one mapping."""


class _Text(yaml.CBaseLoader):
    """Every scalar stays text (a hotline number must not become octal), and a doubled key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise _Doubled(f"key {key!r} stands twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep=deep)


@dataclass(slots=True)
class _Reading:
    """What has been gathered so far; becomes a Lexicon when there is no problem."""

    problems: list[Problem] = field(default_factory=list)
    phrases: Node = field(default_factory=Node)
    classes: Node = field(default_factory=Node)
    combinations: list[Combination] = field(default_factory=list)
    spellings: dict[str, str] = field(default_factory=dict)
    common: dict[str, frozenset[str]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    size: dict[str, int] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    weights: Weights = field(default_factory=Weights)
    names: set[str] = field(default_factory=set)
    class_names: set[str] = field(default_factory=lambda: {NUMBER, YEAR, POLITE})
    wanted: list[tuple[str, str]] = field(default_factory=list)

    def wrong(self, where: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(where, what, remedy))


def read_lexicon(texts: Mapping[str, str]) -> tuple[Lexicon | None, list[Problem]]:
    """Read the word lists (file name → YAML text; `weights.tsv` → its own). With any problem, no lexicon; all are listed."""
    reading = _Reading()
    _weights(reading, texts.get(WEIGHTS, ""))
    lists = sorted(texts.keys() - {WEIGHTS})
    files = {name: tree for name in lists if (tree := _tree(reading, name, texts[name])) is not None}
    for name, tree in files.items():
        _classes(reading, name, tree)
    for name, tree in files.items():
        _file(reading, name, tree)
    _known(reading)
    if not any(problem.where for problem in reading.problems) and not files:
        reading.wrong("lexicon", "no word list was given", "hand in the texts of flows/hear/lexicon/*.yaml")
    return (None if reading.problems else _lexicon(reading)), reading.problems


def read_told(texts: Mapping[str, str], spellings: Mapping[str, str]) -> tuple[Lexicon | None, list[Problem]]:
    """Read what a first message may answer (file name → YAML text), with the short spellings of the word lists.

    In it a `part` is an answer (`name` the question, `value` the answer) or a person (`PERSON`), a `child` an age and whose it
    is, a `frame` what takes others away. With any problem there is none; all are listed.
    """
    reading = _Reading(spellings=dict(spellings))
    files = {name: tree for name in sorted(texts) if (tree := _tree(reading, name, texts[name], _TOLD_TOP)) is not None}
    for name, tree in files.items():
        _classes(reading, name, tree)
    for name, tree in files.items():
        for where, item, group in _told_groups(reading, name, tree):
            allowed = {"note", "source", "phrases"} | ({"reach"} if group.role == "frame" else set())
            if (fields := _fields(reading, where, item, allowed)) is not None:
                _plant(reading, where, reading.phrases, fields, group)
    _known(reading)
    return (None if reading.problems else _lexicon(reading)), reading.problems


def _told_groups(reading: _Reading, name: str, tree: dict[str, object]) -> Iterator[tuple[str, object, Group]]:
    language = str(tree["language"])
    for question, answers in _pairs(reading, f"{name} told", tree.get("told")):
        for answer, item in _pairs(reading, f"{name} told.{question}", answers):
            yield f"{name} told.{question}.{answer}", item, Group(question, "part", answer, language=language)
    for who, item in _pairs(reading, f"{name} people", tree.get("people")):
        yield f"{name} people.{who}", item, Group(PERSON, "part", who, language=language)
    for who, item in _pairs(reading, f"{name} age", tree.get("age")):
        yield f"{name} age.{who}", item, Group(AGE, "child", who, language=language)
    for key, item in _pairs(reading, f"{name} taken_back", tree.get("taken_back")):
        where, reach = f"{name} taken_back.{key}", str(item.get("reach", "")) if isinstance(item, dict) else ""
        if reach not in REACHES:
            reading.wrong(where, f"reach {reach!r} is unknown", f"use one of {', '.join(sorted(REACHES))}")
        yield where, item, Group(key, "frame", reach, language=language)


def _lexicon(reading: _Reading) -> Lexicon:
    return Lexicon(
        phrases=reading.phrases,
        classes=reading.classes,
        combinations=tuple(reading.combinations),
        spellings=reading.spellings,
        common=reading.common,
        places=reading.places,
        size=reading.size,
        plain=frozenset(reading.plain),
        weights=reading.weights,
    )


def _tree(reading: _Reading, name: str, text: str, top: set[str] = TOP) -> dict[str, object] | None:
    try:
        tree = yaml.load(text, Loader=_Text)  # noqa: S506  # BaseLoader builds text, lists and mappings only
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        reading.wrong(
            name, f"is not readable YAML ({error if where is None else f'line {where.line + 1}'})", "correct it"
        )
        return None
    if not isinstance(tree, dict):
        reading.wrong(name, "is not a mapping", "begin with `language:` and `groups:`")
        return None
    _refuse(reading, name, tree, top)
    if not isinstance(tree.get("language"), str):
        reading.wrong(name, "has no language", "write `language: vi` (or en, zh, any) at the top")
        return None
    return tree


def _file(reading: _Reading, name: str, tree: dict[str, object]) -> None:
    language = str(tree["language"])
    for typed, standard in _pairs(reading, f"{name} spellings", tree.get("spellings")):
        if isinstance(standard, str):
            reading.spellings[typed.casefold()] = standard.casefold()
    common = _texts(reading, f"{name} common", tree.get("common", []))
    if common:
        reading.common[language] = frozenset(fold(word.casefold()) for word in common)
    for key, item in _pairs(reading, f"{name} groups", tree.get("groups")):
        _group(reading, f"{name} groups.{key}", key, item, language)
    for key, item in _pairs(reading, f"{name} combinations", tree.get("combinations")):
        _combination(reading, f"{name} combinations.{key}", key, item)
    for key, item in _pairs(reading, f"{name} places", tree.get("places")):
        _place(reading, f"{name} places.{key}", key, item)


def _weights(reading: _Reading, text: str) -> None:
    try:
        reading.weights = read_weights(text)
    except BadWeights as wrong:
        reading.wrong(WEIGHTS, str(wrong), "let `make train-hear` write the file anew")


def _classes(reading: _Reading, name: str, tree: dict[str, object]) -> None:
    for key, item in _pairs(reading, f"{name} classes", tree.get("classes")):
        where, label = f"{name} classes.{key}", f"<{key}>"
        reading.class_names.add(label)
        if (fields := _fields(reading, where, item, {"note", "source", "phrases"})) is not None:
            _plant(reading, where, reading.classes, fields, Group(label, "class"))


def _group(reading: _Reading, where: str, name: str, item: object, language: str) -> None:
    if (fields := _fields(reading, where, item, _GROUP)) is None:
        return
    role, value = _role(reading, where, fields)
    intent, weight = str(fields.get("intent", "")), str(fields.get("weight", "1"))
    if intent and intent not in INTENTS:
        reading.wrong(where, f"unknown intent {intent!r}", f"use one of {', '.join(INTENTS)}")
    if not weight.isdecimal() or not 1 <= int(weight) <= 9:
        reading.wrong(where, f"weight {weight!r} is not 1 to 9", "write a whole number from 1 to 9")
        weight = "1"
    unless = tuple(_texts(reading, where, fields.get("unless", [])))
    reading.wanted.extend((where, other) for other in unless)
    reading.names.add(name)
    trafficking = _yes(reading, where, fields.get("trafficking", "no"))
    stands = str(fields.get("stands", ""))
    if stands not in ("", "end", "whole"):
        reading.wrong(where, f"stands: {stands!r} is unknown", "write end or whole, or leave it out")
    alone = _yes(reading, where, fields.get("alone", "yes"))
    group = Group(name, role, value, intent, int(weight), trafficking, unless, language, stands, alone)
    _plant(reading, where, reading.phrases, fields, group)


def _role(reading: _Reading, where: str, fields: Mapping[str, object]) -> tuple[Role, str]:
    roles = [role for role in _ROLES if role in fields]
    if not roles and "intent" in fields:
        return "intent", ""
    if len(roles) != 1:
        reading.wrong(
            where, "says not exactly one thing it stands for", f"give one of {', '.join(_ROLES)}, or an intent"
        )
        return "intent", ""
    value = str(fields[roles[0]])
    if value not in _VALUES[roles[0]]:
        reading.wrong(where, f"{roles[0]}: {value!r} is unknown", f"use one of {', '.join(sorted(_VALUES[roles[0]]))}")
    return roles[0], value


def _combination(reading: _Reading, where: str, name: str, item: object) -> None:
    if (fields := _fields(reading, where, item, _COMBINATION)) is None:
        return
    together = tuple(_texts(reading, where, fields.get("all", [])))
    without = tuple(_texts(reading, where, fields.get("none", [])))
    some, least = tuple(_texts(reading, where, fields.get("some", []))), str(fields.get("least", "0"))
    if not least.isdecimal() or bool(some) != bool(int(least)) or int(least) > len(some):
        reading.wrong(
            where, f"least {least!r} does not fit `some`", "write from 1 to as many as `some` lists, or neither"
        )
        least = "0"
    if len(together) + int(least) < 2:
        reading.wrong(
            where, "names fewer than two groups", "list two or more groups under `all`, or `some` with `least`"
        )
    reading.wanted.extend((where, other) for other in together + without + some)
    intent = str(fields.get("intent", ""))
    if intent and intent not in INTENTS:
        reading.wrong(where, f"unknown intent {intent!r}", f"use one of {', '.join(INTENTS)}")
    trafficking = _yes(reading, where, fields.get("trafficking", "yes"))
    alone = _yes(reading, where, fields.get("alone", "yes"))
    reading.combinations.append(Combination(name, together, without, some, int(least), intent, trafficking, alone))


def _place(reading: _Reading, where: str, name: str, item: object) -> None:
    if (fields := _fields(reading, where, item, _PLACE)) is None:
        return
    country, province = str(fields.get("country", "")), str(fields.get("province", ""))
    if len(country) != 2 or not country.isupper():
        reading.wrong(where, f"country {country!r} is not ISO 3166-1 alpha-2", "write two capital letters, as KH")
    if province and not (len(province) == 2 and province.isdecimal()):
        reading.wrong(where, f"province {province!r} is not a two-digit code", "use a code of the 34 provinces, as 20")
    reading.places[name] = Place(name, country, province or None)
    _plant(reading, where, reading.phrases, fields, Group(f"place:{name}", "place", name))


def _plant(reading: _Reading, where: str, root: Node, fields: Mapping[str, object], group: Group) -> None:
    phrases = _texts(reading, where, fields.get("phrases", []))
    if not phrases:
        reading.wrong(where, "has no phrases", "list at least one under `phrases`, or remove the group")
    if len(set(phrases)) != len(phrases):
        twice = sorted({phrase for phrase in phrases if phrases.count(phrase) > 1})
        reading.wrong(where, f"repeats {', '.join(twice)}", "keep one of each")
    for phrase in phrases:
        words = parts(phrase)
        if not words or words[0] == "…" or words[-1] == "…":
            reading.wrong(where, f"phrase {phrase!r} does not begin and end with a word", "write it out")
            continue
        reading.wanted.extend((where, word) for word in words if word.startswith("<"))
        if not phrase.isascii():
            folded = list(map(fold, words))
            if folded != words:
                reading.plain.update(word for word, bare in zip(words, folded, strict=True) if word == bare)
        plant(root, phrase, group)
    reading.size[group.language] = reading.size.get(group.language, 0) + len(phrases)


def _known(reading: _Reading) -> None:
    for where, name in reading.wanted:
        known = reading.class_names if name.startswith("<") else reading.names
        if name not in known:
            reading.wrong(where, f"names {name!r}, which no list defines", "correct the name or add its phrases")


def _fields(reading: _Reading, where: str, item: object, allowed: set[str]) -> dict[str, object] | None:
    if not isinstance(item, dict):
        reading.wrong(where, "is not a mapping", "give its phrases and a note")
        return None
    _refuse(reading, where, item, allowed)
    if not (item.get("note") or item.get("source")):
        reading.wrong(
            where, "has neither note nor source", "say in `note` what the phrases mean, or where they are from"
        )
    return item


def _refuse(reading: _Reading, where: str, item: Mapping[str, object], allowed: set[str]) -> None:
    for key in sorted(set(item) - allowed):
        reading.wrong(where, f"unknown key {key!r}", f"use one of {', '.join(sorted(allowed))}")


def _pairs(reading: _Reading, where: str, item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, dict):
        yield from ((str(key), value) for key, value in item.items())
    elif item is not None:
        reading.wrong(where, "is not a mapping", "write one `name:` a line")


def _texts(reading: _Reading, where: str, item: object) -> list[str]:
    if isinstance(item, list) and all(isinstance(text, str) and text.strip() for text in item):
        return [str(text) for text in item]
    reading.wrong(
        where, "holds something that is not a list of texts", "write `- phrase` lines, in quotes if it has a colon"
    )
    return []


def _yes(reading: _Reading, where: str, item: object) -> bool:
    if item not in ("yes", "no"):
        reading.wrong(where, f"{item!r} is neither yes nor no", "write yes or no")
    return item == "yes"
