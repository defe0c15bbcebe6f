"""What an agency may see of a person's own words: decided anew whenever a case is opened or sent.

- Identified (consent that still stands, or a legal ground): everything.
- Not identified, kinds tip, other, missing, info: the report or the question itself. It was written to be passed on
  (Law 53/2024, Article 22), so the texts, the notes, the photos, voice messages and places go to the routed agency; how
  to reach the writer and who they are do not: no contact, no name, no contact card.
- Not identified, kinds self, support: nothing but the coded facts, which live outside `Content`. The words of
  somebody who tells of themselves are who they are (Article 3, clause 10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from referral.codes import ALL_ROUTES
from referral.model import Consent, Content, Intake, Referral

WHO_WRITES = frozenset({"contact", "contact_safe", "name", "phone", "address"})
"""Questions whose answers say who the writer is or how to reach them."""

NOBODY = "none"
"""Where a refusal of every agency is recorded."""
REPORTS = frozenset({"tip", "other", "missing", "info"})
"""Kinds whose words were written to be passed on."""
_WITHHELD_MEDIA = frozenset({"contact"})

WORDS, CONTACT = "words", "contact"
"""The parts in which content is sealed: what was written to be passed on, and who wrote it and how to reach them."""


def visible(intake: Intake, referral: Referral, consents: Sequence[Consent]) -> Content:
    """Exactly what this referral's agency may see. `consents` are all that were recorded, read at this moment."""
    if is_identified(referral, consents):
        return intake.content
    if intake.kind not in REPORTS:
        return Content()
    return _without_the_writer(intake.content)


def parts_of(content: Content) -> Mapping[str, Content]:
    """The content in its parts; together they are all of it but `asked`, which stays with the service."""
    texts = {name: text for name, text in content.texts.items() if name in WHO_WRITES}
    media = tuple(item for item in content.media if item[0] in _WITHHELD_MEDIA)
    return {
        WORDS: replace(_without_the_writer(content), asked=(), asked_rows=()),
        CONTACT: Content(texts=texts, media=media),
    }


def parts_for(kind: str, *, identified: bool) -> tuple[str, ...]:
    """The parts that an agency may open; `visible` is asked again over what they hold whenever a case is opened."""
    if identified:
        return (WORDS, CONTACT)
    return (WORDS,) if kind in REPORTS else ()


def allowed(intake: Intake, referral: Referral, consents: Sequence[Consent]) -> tuple[str, ...]:
    """The parts that this referral's agency may open. `consents` are all that were recorded, read at this moment."""
    return parts_for(intake.kind, identified=is_identified(referral, consents))


def is_identified(referral: Referral, consents: Sequence[Consent]) -> bool:
    """True when this agency may learn now who the person is: on a recorded ground, or a consent that stands at this moment."""
    return bool(referral.ground) or consent_stands(referral.to, consents)


def consent_stands(to: str, consents: Sequence[Consent]) -> bool:
    """The last word of the person about this agency (or about all) counts; of two at the same moment the refusal."""
    said = [consent for consent in consents if consent.to in (to, ALL_ROUTES, NOBODY)]
    if not said:
        return False
    last = max(consent.at for consent in said)
    return all(consent.given for consent in said if consent.at == last)


def _without_the_writer(content: Content) -> Content:
    return replace(
        content,
        texts={name: text for name, text in content.texts.items() if name not in WHO_WRITES},
        media=tuple(item for item in content.media if item[0] not in _WITHHELD_MEDIA),
    )
