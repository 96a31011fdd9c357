"""The desk's papers: which a matter asks for, what was found lacking, and the slips that told it once."""

from collections.abc import Mapping, Sequence
from typing import Any

from floor import lines
from floor.catalogue.kept import Known
from floor.database import Db
from floor.pages.staffed import clock
from floor.pages.wording import day, matter_name
from floor.words import Words, words
from queueing import prechecks, slips
from queueing.halls import Hall
from queueing.matters import Matter, in_language, some
from queueing.slips import Slip

SHOWN = 6  # matters in the list under the field
BOTH = "both"
APPLICANTS = {"natural": "person", "legal": "company"}


def choices(
    kept: Known,
    typed: str,
    picked: Sequence[str],
    who: str,
    doors: Mapping[str, str],
    say: Words,
    decided: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """Matters to pick: those picked already, then what fits the words typed and the kind of visitor; with the windows that
    decide on the spot, where others only take papers in."""
    kind = APPLICANTS.get(who)
    chosen = [matter for matter in kept.catalogue.named(picked) if not matter.retired]
    found = [each for each in kept.index.find(typed) if kind is None or each.applicant in (kind, BOTH)]
    listed = [*chosen, *(each for each in found if each.code not in picked)][: SHOWN + len(chosen)]
    return [
        {"code": each.code, "name": matter_name(say, each), "service": each.service, "picked": each.code in picked,
         "open": doors.get(each.service) == "open", "decided": "、".join(decided.get(each.code, ()))} for each in listed
    ]  # fmt: skip


async def papers_of(db: Db, hall: Hall, ticket: int | None, codes: Sequence[str], say: Words) -> dict[str, Any] | None:
    """The papers these matters ask for, each with whether it was found lacking; None without a matter that is known."""
    matters = await some(db, hall, codes)
    checked = await prechecks.of_ticket(db, ticket) if ticket else None
    if not matters:
        return None
    asked = list(dict.fromkeys(paper for matter in matters for paper in materials(say, matter)))
    lacking = checked.lacking if checked else []
    names = await lines.names(db, hall)
    return {
        "codes": [matter.code for matter in matters], "names": [matter_name(say, matter) for matter in matters],
        "asked": [(paper, paper in lacking) for paper in asked], "other": [paper for paper in lacking if paper not in asked],
        "mistakes": list(dict.fromkeys(each for matter in matters for each in mistakes(say, matter))),
        "checked": checked and {"ready": checked.ready, "at": clock(checked.at, hall), "by": who(names, checked.checked_by)},
    }  # fmt: skip


async def in_visitors_words(db: Db, hall: Hall, codes: Sequence[str], lacking: Sequence[str], say: Words, lang: str) -> list[str]:
    """Papers ticked in the desk's language as the visitor reads them; what was typed by hand stays as it is."""
    own: dict[str, str] = {}
    for matter in await some(db, hall, codes):
        own |= dict(zip(materials(say, matter), materials(words(lang), matter), strict=False))
    return [own.get(paper, paper) for paper in lacking]


def materials(say: Words, matter: Matter) -> tuple[str, ...]:
    return in_language(say.lang, matter.materials, matter.materials_hant, matter.materials_en)


def mistakes(say: Words, matter: Matter) -> tuple[str, ...]:
    return in_language(say.lang, matter.mistakes, matter.mistakes_hant, matter.mistakes_en)


def who(names: Mapping[str, str], actor: str) -> str:
    """What to call an actor of the record: `desk:desk01` is 苏敏."""
    username = actor.partition(":")[2]
    return names.get(username, username or actor)


async def slip_told(db: Db, hall: Hall, slip: Slip, say: Words) -> dict[str, Any]:
    """One slip as the desk reads it out."""
    names = await lines.names(db, hall)
    return {
        "code": slip.code, "spoken": f"{slip.code[:4]} {slip.code[4:]}",
        "at": f"{day(say, hall, slip.at)} {clock(slip.at, hall)}",
        "teller": slip.teller, "first": who(names, slip.first_asked), "lacking": slip.lacking, "good": slip.good,
        "used": clock(slip.used_at, hall), "until": slip.good_until.isoformat(), "codes": slip.matters,
        "matters": [matter_name(say, each) for each in await some(db, hall, slip.matters)],
    }  # fmt: skip


async def slips_of(db: Db, hall: Hall, ticket: int | None, say: Words) -> list[dict[str, Any]]:
    """The slips told at a visit and the one it came with."""
    if ticket is None:
        return []
    return [await slip_told(db, hall, slip, say) for slip in await slips.of_ticket(db, hall, ticket)]
