"""What the guide desk does beside numbers: looks papers over, tells once what is missing, counts questions."""

from collections.abc import Sequence

from starlette.requests import Request

from floor.acts.ground import hall_of, pressed, ring
from floor.acts.tickets import hashed, printer_for, ticket_of
from floor.database import acquire
from floor.refusals import PrinterNotReady
from floor.signin import require
from queueing import consultations, identity, persons, prechecks, slips
from queueing.slips import Slip

AT_DESK = ("desk", "leader", "manager")
PAPERS = (*AT_DESK, "clerk")  # a clerk tells once at the window too


async def precheck(request: Request, key: str, lacking: Sequence[str], *, press: str | None = None) -> None:
    """Note what a ticket's papers lack; nothing is ready."""
    hall, _ = await ticket_of(request, key)
    actor = (await require(request, *PAPERS, hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db:
        await prechecks.check(
            db, hall, key, lacking, actor=actor, press=pressed(request, actor, press, [key, "precheck", list(lacking)])
        )
    ring(request, hall.id)


async def tell_once(
    request: Request,
    hall_code: str,
    lacking: Sequence[str],
    *,
    matters: Sequence[str] = (),
    key: str | None = None,
    id_number: str | None = None,
    note: str | None = None,
    lang: str = "zh-Hans",
    print_at: str | None = None,
    press: str | None = None,
) -> str:
    """Tell a visitor all that is missing, and print it where asked; the slip's code."""
    hall = await hall_of(request, hall_code)
    person = await require(request, *PAPERS, hall=hall.id)
    who = hashed(request, "person", id_number)
    asked = (list(lacking), list(matters), key, who, note, lang, print_at)
    async with acquire(request.app.state.pool) as db:
        printer = await printer_for(db, hall, person, print_at)
        code = await slips.tell(
            db,
            hall,
            lacking,
            actor=person.actor,
            teller=person.name or person.actor,
            matters=matters,
            key=key,
            person=who,
            note=note,
            lang=lang,
            print_at=printer,
            press=pressed(request, person.actor, press, asked),
        )
    ring(request, hall.id)
    return code


async def reprint_slip(request: Request, hall_code: str, code: str, print_at: str | None, *, press: str | None = None) -> None:
    """Print a slip again. PrinterNotReady without a printer that is."""
    hall = await hall_of(request, hall_code)
    person = await require(request, *PAPERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        printer = await printer_for(db, hall, person, print_at)
        if printer is None:
            raise PrinterNotReady()
        await slips.reprint(
            db, hall, code, printer, actor=person.actor, press=pressed(request, person.actor, press, [code, printer])
        )
    ring(request, hall.id)


async def count_question(
    request: Request, hall_code: str, tag: str, *, applicant: str | None = None, press: str | None = None
) -> int:
    """Count a question answered without a number; its id."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, *AT_DESK, hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db:
        counted = await consultations.count(
            db, hall, tag, actor=actor, applicant=applicant, press=pressed(request, actor, press, [tag, applicant])
        )
    ring(request, hall.id)
    return counted


async def undo_question(request: Request, hall_code: str, consultation: int, *, press: str | None = None) -> None:
    """Take back a question one counted oneself."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, *AT_DESK, hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db:
        await consultations.undo(
            db, hall, consultation, actor=actor, press=pressed(request, actor, press, [consultation, "undo"])
        )
    ring(request, hall.id)


async def slips_by_card(request: Request, hall_code: str, id_number: str) -> list[Slip]:
    """The newest slips told to whoever shows this ID card, those that still give priority first. BadInput for no ID number."""
    hall = await hall_of(request, hall_code)
    await require(request, *AT_DESK, hall=hall.id)
    who = hashed(request, "person", identity.read(id_number).number)
    assert who is not None
    async with acquire(request.app.state.pool) as db:
        return sorted(await slips.of_person(db, hall, who), key=lambda slip: not slip.good)


async def appeal(request: Request, hall_code: str, ban: int, words: str) -> None:
    """Keep what somebody with a pause says against it."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, *AT_DESK, hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db:
        await persons.appeal(db, hall, ban, words, actor=actor)
    ring(request, hall.id)


async def lift(request: Request, hall_code: str, ban: int, why: str) -> None:
    """End somebody's pause, with the reason."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, "desk", "manager", hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db:
        await persons.lift(db, hall, ban, why, actor=actor)
    ring(request, hall.id)
