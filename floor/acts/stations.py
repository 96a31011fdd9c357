"""Acts of a station: a number taken there for a window here, by an agent bound to it, or by the desk for who telephones."""

from collections.abc import Sequence

from starlette.requests import Request

from floor.acts.ground import hall_of, pressed, ring
from floor.acts.tickets import hashed, queues_of
from floor.database import acquire
from floor.refusals import NotAllowed
from floor.signin import require
from queueing import identity, sites, stations, tickets
from queueing.halls import Hall
from queueing.sites import Site
from queueing.tickets import Act

WORKERS = ("agent", "desk", "manager")


async def station_of(request: Request, hall_code: str, asked: str | None) -> tuple[Hall, str | None]:
    """The hall, and the station who asks may act for: an agent's own alone, any for desk and manager (None: none is named)."""
    hall = await hall_of(request, hall_code)
    person = await require(request, *WORKERS, hall=hall.id)
    if person.roles & {"desk", "manager"}:
        return hall, asked
    if person.site is None or asked not in (None, person.site):
        raise NotAllowed()
    return hall, person.site


async def take(
    request: Request,
    hall_code: str,
    site: str,
    *,
    services: Sequence[str] = (),
    matters: Sequence[str] = (),
    talk: str,
    print_point: str | None = None,
    id_number: str | None = None,
    lang: str = "zh-Hans",
    press: str | None = None,
) -> Act:
    """Take a number at a station. NotAllowed for another station's agent; BadInput, NotFound, and what taking a number raises."""
    hall, own = await station_of(request, hall_code, site)
    assert own is not None
    actor = (await require(request, *WORKERS, hall=hall.id)).actor
    shown = identity.read(id_number) if id_number else None
    who = hashed(request, "person", shown.number if shown else None)
    asked = [own, list(services), list(matters), talk, print_point, who, lang]
    async with acquire(request.app.state.pool) as db:
        await stations.check(db, hall, own, print_point, talk)
        wanted = list(services) if services and not matters else await queues_of(request, db, hall, matters)
        async with db.transaction():
            made = await tickets.take(
                db, hall, wanted, actor=actor, channel="remote", matters=matters, person=who,
                id_mask=shown.mask if shown else None, lang=lang, press=pressed(request, actor, press, asked),
            )  # fmt: skip
            await stations.bind(db, made.ticket.id, own, print_point, talk, actor=actor)
    ring(request, hall.id)
    return made


async def keep_site(request: Request, hall_code: str, site: Site) -> None:
    """Add a station of the centre, or change the one of that code. BadInput."""
    hall = await hall_of(request, hall_code)
    await require(request, "manager", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        await sites.keep(db, hall, site)
