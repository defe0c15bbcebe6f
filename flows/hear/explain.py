"""Why a text was heard as it was, for whoever tends the word lists: what was met, and what weighed how much. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterator

from flows.hear.hear import hear, heard_parts
from flows.hear.lexicon import Lexicon
from flows.hear.weigh import URGENT, total

MOST = 12
"""Parts that are listed each way."""


def explain(lexicon: Lexicon, text: str) -> Iterator[str]:
    """Lines for a person to read: the decision, what the lists met, and the parts that weighed most for and against danger
    and for the intent."""
    heard = hear(lexicon, text)
    parts, alone = heard_parts(lexicon, text)
    weights = lexicon.weights
    limit = weights.limit_alarmed if heard.alarmed else weights.limit
    yield f"intent {heard.intent}, urgent {'yes' if heard.urgent else 'no'}, language {heard.lang}, child {heard.child}"
    yield f"words that told it: {', '.join(heard.words) or '(none)'}"
    met = [part.removeprefix("§") for part in parts if part.startswith("§") and not part.startswith("§long")]
    yield f"lists and rules that met it: {', '.join(met) or '(none)'}"
    if alone:
        yield "one of them makes it urgent by itself"
    lower = " (lower: a phrase of danger was met)" if heard.alarmed else ""
    yield f"weight for danger {total(weights, parts, URGENT):.2f}, limit {limit:.2f}{lower}"
    for name in (URGENT, heard.intent):
        given = {part: weights.parts[part][name] for part in parts if name in weights.parts.get(part, {})}
        order = sorted(given, key=lambda part: -given[part])
        yield f"for {name}: " + ", ".join(_weighed(part, given[part]) for part in order[:MOST] if given[part] > 0)
        yield f"against {name}: " + ", ".join(
            _weighed(part, given[part]) for part in order[::-1][:MOST] if given[part] < 0
        )


def _weighed(part: str, weight: float) -> str:
    return f"{part or '(every message)'} {weight:+.2f}"
