"""What else a text is about than trafficking, and the one sentence with the right number for each. Touches nothing.

Somebody who is beaten at home or not paid gets that number and is told what we cannot do; where trafficking is heard as well,
both are said. Which words mean what stands in `flows/hear/lexicon/`, the sentences in `everywhere.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SENTENCE_OF: Mapping[str, str] = {
    "self_harm": "matter_self_harm",
    "medical": "matter_injury",
    "fire_flood": "matter_fire",
    "domestic": "matter_home",
    "about_home": "matter_home",
    "child_abuse": "matter_child",
    "about_child": "matter_child",
    "about_smuggling": "matter_smuggling",
    "about_wages": "matter_wages",
    "about_fraud": "matter_fraud",
    "about_secrets": "not_told",
}
"""What was heard, by the name of its list → what is said of it; the most pressing first."""
OTHER = "other_crisis"
SECRETS = "about_secrets"
MOST = 2
"""So many at once: whoever is in trouble cannot read more."""


def sentences_of(heard: Iterable[str]) -> tuple[str, ...]:
    """The names of the sentences for what was heard; another trouble that no list names gets the numbers that help in most."""
    names = set(heard)
    told = dict.fromkeys(sentence for name, sentence in SENTENCE_OF.items() if name in names)
    return tuple(told)[:MOST] or (("matter_other",) if OTHER in names else ())
