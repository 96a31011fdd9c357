"""The one form by which a visit is asked for, wherever it stands: what it offers, and what was typed into it."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.datastructures import FormData

from floor.acts.doorstep import Wish
from floor.acts.tickets import phone_number
from floor.api.faults import told as fault_told
from floor.database import Db
from floor.pages.calendar import day_word
from floor.pages.console import text
from floor.pages.wording import service_name
from floor.words import Words
from queueing.errors import BadInput
from queueing.halls import Hall, business_day, services
from queueing.matters import in_language
from scheduling import teams
from scheduling.day_types import day_types, kind_on, moment
from scheduling.days import calendar
from scheduling.doorstep import APPLICANTS, DELIVERIES, FORGET_AFTER

PARTS = {"am": (time(9), time(12)), "pm": (time(13, 30), time(17))}  # when somebody says they are at home
DAYS, AHEAD, MOST_PARTS = 5, 14, 6  # days that are offered, of so many to come; parts of them that can be ticked
TYPED = (
    "name", "phone", "address", "evidence", "note", "area", "reason", "delivery", "lang", "channel", "ticket", "applicant",
    "asker", "relation",
)  # fmt: skip
PAPERS = ("elderly", "disabled", "doctor", "work", "none")  # what a kiosk offers to touch as evidence


async def offered(db: Db, hall: Hall, t: Words) -> dict[str, Any]:
    """What can be chosen: matters, reasons, areas, days, each in the reader's language."""
    known = {service.code: service_name(t, service) for service in await services(db, hall)}
    return {
        "matters": [
            {"code": each.code, "name": named(t, each), "of": known[each.service], "minutes": each.minutes}
            for each in await teams.door_matters(db, hall)
        ],
        "reasons": [
            {"code": each.code, "kind": each.kind, "name": named(t, each), "needs": each.needs_evidence}
            for each in await teams.reasons(db, hall) if each.offered
        ],
        "areas": [{"code": each.code, "name": named(t, each)} for each in await teams.areas(db, hall)],
        "days": [(day.isoformat(), day_word(day, t)) for day in await open_days(db, hall)],
        "deliveries": DELIVERIES, "applicants": APPLICANTS, "kept": hall.value(FORGET_AFTER),
    }  # fmt: skip


def named(t: Words, each: Any) -> str:
    name: str = in_language(t.lang, each.name, each.name_hant, each.name_en) or each.name
    return name


async def open_days(db: Db, hall: Hall) -> list[date]:
    """The next days on which the hall works."""
    today, known, kinds = await business_day(db, hall), await calendar(db, hall), await day_types(db, hall)
    ahead = (today + timedelta(n) for n in range(1, AHEAD + 1))
    return [day for day in ahead if kind_on(known, kinds, day).sessions][:DAYS]


def wish_of(form: FormData, hall: Hall, choices: dict[str, Any], lang: str, *, needs_consent: bool = True) -> Wish:
    """What the form asks for."""
    picked, applicant = text(form, "reason") or "", text(form, "applicant") or "self"
    kind = next((each["kind"] for each in choices["reasons"] if each["code"] == picked), "")
    return Wish(
        kind, [str(code) for code in form.getlist("matter")][:20], text(form, "name"), text(form, "phone"), text(form, "address"),
        area=text(form, "area"), preferred=preferred(hall, [str(part) for part in form.getlist("part")]), because=picked or None,
        evidence=text(form, "evidence"), note=text(form, "note"), delivery=text(form, "delivery") or "collect",
        lang=text(form, "lang") or lang, consent=bool(text(form, "consent")) or not needs_consent,
        notices=bool(text(form, "notices")), applicant=applicant if applicant in APPLICANTS else "self",
        asker=text(form, "asker") if applicant != "self" else None,
        relation=text(form, "relation") if applicant != "self" else None,
    )  # fmt: skip


def preferred(hall: Hall, parts: list[str]) -> list[tuple[datetime, datetime]]:
    """Ticked parts of days as periods; what is none is left out."""
    found = []
    for part in parts[:MOST_PARTS]:
        day, _, of = part.partition(" ")
        try:
            on = date.fromisoformat(day)
        except ValueError:
            continue
        if of in PARTS:
            found.append((moment(hall, on, PARTS[of][0]), moment(hall, on, PARTS[of][1])))
    return found


def faults(wish: Wish, t: Words, *, needs_matters: bool = True, shows: Collection[str] = ()) -> dict[str, str]:
    """What is missing or can't be used, by field, all at once. `shows`: the hall's reasons for which a paper is named."""
    wrong = {}
    if needs_matters and not wish.matters:
        wrong["matter"] = t["doorstep.matter_missing"]
    if not wish.reason:
        wrong["reason"] = t["doorstep.reason_missing"]
    if wish.because in shows and not wish.evidence:
        wrong["evidence"] = t["doorstep.evidence_missing"]
    others = {"self": (), "family": ("asker", "relation"), "agent": ("asker",)}[wish.applicant]
    for field in (*others, "name", "address"):
        if not getattr(wish, field):
            wrong[field] = t[f"doorstep.{field}_missing"]
    try:
        phone_number(wish.phone or "")
    except BadInput as refused:
        wrong["phone"] = fault_told(str(refused.details["message"]), t)
    if not wish.consent:
        wrong["consent"] = t["doorstep.consent_missing"]
    return wrong


def typed_of(form: FormData) -> dict[str, Any]:
    """What was typed, so that it stays."""
    return {
        **{name: text(form, name) or "" for name in TYPED},
        "matters": [str(code) for code in form.getlist("matter")],
        "parts": [str(part) for part in form.getlist("part")],
        "consent": bool(text(form, "consent")), "notices": bool(text(form, "notices")),
    }  # fmt: skip
