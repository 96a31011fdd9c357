"""The story of one ticket: every act on it, why it was chosen, and what boards, speakers and printers confirmed."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from devices import health, jobs
from floor import acts
from floor.api.routes import acceptable, answer, get
from floor.api.tickets import STAFF
from floor.database import Db, acquire
from floor.pages.wording import matter_name
from floor.signin import allow, current
from floor.words import Words, language, words
from queueing import journal, windows
from queueing.halls import Hall
from queueing.journal import Entry
from queueing.matters import some
from queueing.tickets import Ticket

CALLS = ("ticket.called", "ticket.recalled")
PRINTED = ("ticket.taken", "ticket.reprinted")


class Confirmed(Struct):
    """What a machine says it did: a board `shown`, a speaker or printer the state of its job."""

    device: str
    kind: str
    state: str
    at: datetime | None


class Deed(Struct):
    """One act. `actor` is told to staff alone; `rule` is what chose the ticket for a call, `because` its sentence."""

    offset: int
    at: datetime
    kind: str
    rule: str | None
    because: str | None
    data: dict[str, Any]
    confirmed: list[Confirmed]
    actor: str | UnsetType = UNSET


class Story(Struct):
    """A ticket's life, oldest act first."""

    number: str
    items: list[Deed]
    matters: list[str] = []  # what the visitor came for, by name


async def story(request: Request) -> Response:
    """Staff of the hall read who acted; whoever holds the key reads what happened."""
    acceptable(request)
    hall, ticket = await acts.ticket_of(request, request.path_params["key"])
    person = await current(request)
    told_in_full = person is not None and person.hall == hall.id and not person.roles.isdisjoint(STAFF)
    if person is not None and person.via == "token":
        allow(person, *STAFF, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        entries = await journal.story(db, ticket.id)
        confirmed = await confirmations(db, hall, ticket, entries)
        named = [matter_name(words(language(request)), matter) for matter in await some(db, hall, ticket.matters)]
    say = words(language(request))
    deeds = [deed(entry, confirmed.get(entry.offset, []), told_in_full, say) for entry in entries]
    return answer(Story(ticket.number, deeds, named))


def deed(entry: Entry, confirmed: list[Confirmed], told_in_full: bool, say: Words) -> Deed:
    rule, actor = entry.data.get("rule"), entry.actor if told_in_full else UNSET
    return Deed(entry.offset, entry.at, entry.kind, rule, because(entry, say), entry.data, confirmed, actor)


def because(entry: Entry, say: Words) -> str | None:
    """The sentence of the rule behind a call, with its values, in the reader's language."""
    key = f"rules.because.{entry.data.get('rule')}"
    return say(key, **{"credit": 0, **entry.data.get("by", {})}) if key in say else None


async def confirmations(db: Db, hall: Hall, ticket: Ticket, entries: list[Entry]) -> dict[int, list[Confirmed]]:
    """By offset: the boards and speakers of each call, and the papers of the taking and of each copy."""
    epoch = (await journal.top(db, hall.id)).epoch
    zones = {window.no: window.zone for window in await windows.list_windows(db, hall)}
    papers = await jobs.prints_of(db, ticket.ticket_id)
    told = {
        entry.offset: await of_call(db, hall, epoch, entry, zones.get(entry.window or ""))
        for entry in entries
        if entry.kind in CALLS
    }
    for entry in entries:
        if entry.kind in PRINTED:
            stem = f"ticket:{ticket.ticket_id}:" + (f"c{entry.offset}:" if entry.kind == "ticket.reprinted" else "")
            told[entry.offset] = [of_job(paper) for paper in papers if paper.key.rpartition(":")[0] + ":" == stem]
    return told


async def of_call(db: Db, hall: Hall, epoch: str, entry: Entry, zone: str | None) -> list[Confirmed]:
    """The boards that show this window, and every speaker that owed the sentence."""
    boards = [
        Confirmed(board.device, board.kind, "shown", board.at)
        for board in await health.confirmations(db, hall.id, epoch, entry.offset)
        if board.window == entry.window or (board.window is None and board.zone in (None, zone))
    ]
    return boards + [of_job(job) for job in await jobs.of_key(db, hall.id, f"call:{entry.data['call']}")]


def of_job(job: jobs.Job) -> Confirmed:
    return Confirmed(job.device, job.kind, job.state, job.ended_at or job.started_at or job.accepted_at)


ROUTES = [
    get("/api/v1/tickets/{key}/story", story, "The story of a ticket", "Staff; whoever holds the key, without actors", Story),
]
