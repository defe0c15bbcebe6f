"""The closed lists: every code that a fact, an answer's coding or a rule may use (docs/doors.md)."""

from __future__ import annotations

from collections.abc import Mapping

LEVELS = ("L0", "L1", "L2", "L3", "L4")
ELEMENTS = ("act", "means", "purpose")
DIMENSIONS = ("DR", "CR", "AV", "EX", "CD", "VD")
STRENGTHS = ("strong", "medium", "weak")

ROUTES = (
    "police",
    "border_guard",
    "coast_guard",
    "social_affairs",
    "hotline_111",
    "legal_aid",
    "womens_union",
    "consular",
    "emergency_113",
    "medical_115",
    "labour_authority",
)

ALL_ROUTES = "all"
"""The code of a consent to every agency that the rules name."""

ONE_OF: Mapping[str, tuple[str, ...]] = {
    "kind": ("tip", "self", "other", "missing", "support", "info"),
    "reporter": ("self_victim", "relative", "witness", "returned_victim", "official", "unknown"),
    "danger": ("now", "imminent", "watched", "none", "unknown"),
    "age": ("under_16", "16_17", "adult", "unknown"),
    "where": ("domestic", "border", "sea", "abroad", "unknown"),
    "stage": ("not_left", "on_the_way", "there", "out", "unknown"),
    "retaliation": ("yes", "no"),
    "held_now": ("yes", "no"),
}
"""Facts that hold one code. The last is what a fact is when nobody answered."""

ANY_OF: Mapping[str, tuple[str, ...]] = {
    "act": ("recruited", "transported", "harboured", "transferred", "received"),
    "means": (
        "force",
        "threat",
        "deceit",
        "debt",
        "documents_held",
        "confined",
        "abuse_of_hardship",
        "drugs",
        "other",
    ),
    "purpose": (
        "sexual_exploitation",
        "forced_labour",
        "forced_criminality",
        "forced_marriage",
        "organ",
        "child_sale",
        "surrogacy",
        "begging",
        "ransom_or_resale",
        "other",
    ),
    "signs": (
        "domestic_violence",
        "child_abuse",
        "labour_dispute",
        "irregular_migration",
        "online_fraud",
        "self_harm",
        "missing",
        "suspicious_recruiter",
    ),
    "needs": (
        "shelter",
        "essentials",
        "medical",
        "legal",
        "papers",
        "psychological",
        "school",
        "job",
        "travel",
        "interpreter",
        "protection",
    ),
    "share": (*ROUTES, ALL_ROUTES),
}
"""Facts that hold any number of codes."""

COUNTS = ("strong", "medium", "indicators", "elements", "unknown")
"""What a rule may count."""

SEVERITY = ("unknown", "none", "watched", "imminent", "now")
"""Danger from least to most: of two answers the graver counts."""

HIGHEST_UNKNOWN = 9
"""At most so many questions of one conversation count as unknown; no rule may count further."""

ACTIONS = ("acknowledge", "accept", "return", "transfer", "close", "classify", "withdraw")


def says(code: str) -> str:
    """A code in words, for an error that a person reads: `under_16` is "under 16"."""
    return code.replace("_", " ")
