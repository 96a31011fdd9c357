"""The team's phone at the door: today's visits in order, each act kept on the phone until the hall has answered it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import segno
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from floor import acts, lines
from floor.acts import field as doing
from floor.acts.doorstep import envelopes_of
from floor.acts.visit_names import open_handle
from floor.api.routes import answer, asked
from floor.browser import csrf_token
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.calendar import day_word
from floor.pages.desk_papers import materials
from floor.pages.staffed import now_of
from floor.pages.wording import hours, matter_name
from floor.quality.ratings import REASONS
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing.halls import Hall, business_day
from queueing.matters import Matter
from queueing.windows import list_windows
from scheduling import doorstep, field, looks, receipts, visit_notes
from scheduling.doorstep import DELIVERIES, OUTCOMES, Visit
from scheduling.envelopes import Details, Unreadable
from scheduling.errors import NotYourVisit
from scheduling.receipts import DESK, HandIn
from scheduling.teams import Kit, kits

WHO = ("doorstep", "clerk", "desk", "leader", "manager")  # a team's second may be anybody who works here
ASKED_WHY = (2, 1)  # bad levels offer reasons
SCRIPT = "field.script."
OPEN = ("scheduled", "on_the_way", "on_site")
WORKER = Path(__file__).parents[1] / "static" / "fieldworker.js"


class Partner(Struct):
    """The other of the two, at the same phone."""

    username: Annotated[str, Meta(max_length=40)]
    password: Annotated[str, Meta(max_length=200)]


async def entered(request: Request) -> tuple[Hall, Person]:
    """The hall, and who of its staff holds the phone."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    return hall, await require(request, *WHO, hall=hall.id)


async def page(request: Request) -> Response:
    """The frame of the page. Nothing of any visit is in it, so that a phone may keep it."""
    hall, _ = await entered(request)
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        windows = await list_windows(db, hall)
    places = [{"no": DESK, "name": t["field.hand_to_desk"]}]
    places += [{"no": window.no, "name": t("field.hand_to_window", no=window.no)} for window in windows]
    return render(
        request, "field.html", hall=hall, late=field.LATE_MIN, outcomes=OUTCOMES, deliveries=DELIVERIES, places=places,
        consent={"version": doing.CONSENT_VERSION, "text": doing.consent_text(hall, t.lang)},
        reasons=[(level, REASONS[level]) for level in ASKED_WHY],
        texts=[(key.removeprefix(SCRIPT), t[key]) for key in sorted(t.keys()) if key.startswith(SCRIPT)],
    )  # fmt: skip


async def worker(request: Request) -> Response:
    """What lets the page open without a net, for this page alone."""
    await acts.hall_of(request, request.path_params["hall"])
    scope = f"/{request.path_params['hall']}/field"
    return FileResponse(
        WORKER, media_type="text/javascript", headers={"service-worker-allowed": scope, "cache-control": "no-cache"}
    )


async def day(request: Request) -> Response:
    """Today's list. Who lives where is told only of visits the phone does not know yet (`known`), for each look is on record."""
    hall, person = await entered(request)
    return answer(await told(request, hall, person, {part for part in request.query_params.get("known", "").split(",") if part}))


async def told(request: Request, hall: Hall, person: Person, holds: set[str]) -> dict[str, Any]:
    """The day of whoever holds the phone, as the phone keeps it."""
    t, me = words(language(request)), person.username or ""
    async with acquire(request.app.state.pool) as db:
        team, today, now = await field.team_of(db, hall, me), await business_day(db, hall), await now_of(db)
        mine = await doorstep.find(db, hall, day=today, team=team.id, limit=200) if team else []
        late = [await doorstep.by_key(db, key) for key in await receipts.owed(db, hall, me)]
        every = sorted({visit.key: visit for visit in (*mine, *late)}.values(), key=lambda visit: (visit.start or now, visit.id))
        shown = await drawn(request, db, hall, person, t, every, holds)
        names, coming = await lines.names(db, hall), await field.next_outing(db, hall, me)
    return {
        "told": hours(hall, now), "ends": await ends(request, hall, today), "csrf": csrf_token(request), "me": me,
        "most_bytes": doing.MOST_PHOTO, "consent": {"version": doing.CONSENT_VERSION},
        "team": {
            "name": team.name,
            "members": [
                {"username": each, "name": names.get(each, each), "here": each in team.present} for each in team.members
            ],
        } if team else None,
        "visits": shown,
        "next": t(
            "field.next_day", day=day_word(coming.day, t), team=coming.team, start=hours(hall, coming.start), n=coming.visits
        ) if coming else None,
    }  # fmt: skip


ENDS = "SELECT (($2::date + 1) + h.day_starts) AT TIME ZONE h.time_zone FROM halls h WHERE h.id = $1"


async def ends(request: Request, hall: Hall, today: Any) -> datetime:
    """When this business day rolls over: by then the phone forgets it."""
    async with acquire(request.app.state.pool) as db:
        moment: datetime = await db.fetchval(ENDS, hall.id, today)
    return moment


async def drawn(
    request: Request, db: Db, hall: Hall, person: Person, t: Words, every: list[Visit], holds: set[str]
) -> list[dict[str, Any]]:
    """Visits as the phone shows them."""
    catalogue = (await known(request, db, hall)).catalogue
    bags = {kit.code: kit for kit in await kits(db, hall)}
    ids = [visit.id for visit in every]
    doors, handed = await field.at_the_door(db, ids), await receipts.of_visits(db, ids)
    rated = {row["subject"] for row in await db.fetch(RATED, hall.id, ids)}
    said, found = await said_to_team(request, db, hall, every), []
    for visit in every:
        person_there = await opened(request, db, hall, person, visit) if str(visit.id) not in holds else None
        found.append(
            one(hall, t, visit, doors[visit.id], catalogue.named(visit.matters), bags, handed.get(visit.id))
            | own_phone(request, visit, visit.id in rated)
            | {"papers": await papers(db, hall, visit, handed.get(visit.id), in_words(t, catalogue.named(visit.matters)))}
            | {"said": said.get(visit.id)}
            | who(hall, person_there)
        )
    return found


def own_phone(request: Request, visit: Visit, rated: bool) -> dict[str, Any]:
    """Whether it has been rated, and until then the code that leads the citizen's own phone there."""
    asks = visit.state == "completed" and visit.outcome != "nobody_home" and not rated
    address = f"{request.app.state.settings.origin(request.headers.get('host', ''))}/d/{visit.key}"
    code = segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=2, light="#fff") if asks else None
    return {"rated": rated, "code": code}


RATED = """
SELECT v.subject FROM visits v JOIN ratings r ON r.visit = v.id
WHERE v.hall = $1 AND v.source = 'doorstep' AND v.subject = ANY($2)
"""


def in_words(t: Words, matters: list[Matter]) -> dict[str, str]:
    """The reader's word for each paper, by the hall's own."""
    return {own: said for matter in matters for own, said in zip(matter.materials, materials(t, matter), strict=False)}


async def papers(db: Db, hall: Hall, visit: Visit, handed: HandIn | None, said: dict[str, str]) -> list[dict[str, str]]:
    """The photos the team may still see."""
    if handed and handed.accepted_at:
        return []
    return [
        {"id": paper.id, "name": said.get(paper.name, paper.name), "src": f"/{hall.code}/field/papers/{paper.id}"}
        for paper in await field.papers(db, visit.id)
    ]


async def opened(request: Request, db: Db, hall: Hall, person: Person, visit: Visit) -> Details | None:
    """Who lives there, while the team is to go there; that it was told is on record."""
    if visit.state not in OPEN:
        return None
    try:
        return await looks.details(db, hall, visit.key, envelopes_of(request), actor=person.actor, member=person.username or "")
    except (Unreadable, NotYourVisit):
        return None


async def said_to_team(request: Request, db: Db, hall: Hall, every: list[Visit]) -> dict[int, str]:
    """What the hall says of the visits still to be made; told each time, for it may be said after the phone has the rest."""
    try:
        return await visit_notes.of(db, hall, [visit.id for visit in every if visit.state in OPEN], envelopes_of(request))
    except Unreadable:
        return {}


def who(hall: Hall, details: Details | None) -> dict[str, Any]:
    """The personal part, which goes from the phone with the visit."""
    if details is None:
        return {}
    return {
        "name": details.name, "phone": details.phone, "address": details.address, "note": details.note,
        "asker": " ".join(filter(None, (details.asker, details.relation))),
        "go": navigation(hall.value(field.MAP_APP), details.lat, details.lon, details.address),
    }  # fmt: skip


def navigation(app: str, lat: float | None, lon: float | None, address: str) -> str:
    """The address that opens a map program on the phone with the way there; WGS 84 degrees, the written address without them."""
    if lat is None or lon is None:
        return f"geo:0,0?q={quote(address)}"
    if app == "amap":
        return "https://uri.amap.com/navigation?" + urlencode(
            {"to": f"{lon},{lat}", "mode": "car", "coordinate": "wgs84", "callnative": 1}
        )
    if app == "baidu":
        where = {"destination": f"{lat},{lon}", "coord_type": "wgs84", "mode": "driving", "src": "hall.field", "output": "html"}
        return "https://api.map.baidu.com/direction?" + urlencode(where)
    return f"geo:{lat},{lon}?q={lat},{lon}"


def one(
    hall: Hall, t: Words, visit: Visit, door: field.AtTheDoor, matters: list[Matter], bags: dict[str, Kit], handed: HandIn | None
) -> dict[str, Any]:
    """A visit without anything personal."""
    start = hours(hall, visit.start) if visit.start else ""
    late = round((door.expected_at - visit.start).total_seconds() / 60) if door.expected_at and visit.start else 0
    carried = [bags[code] for code in visit.kits if code in bags]
    return {
        "id": open_handle(visit), "no": visit.id, "number": visit.number, "delivery": visit.delivery,
        "state": visit.state, "outcome": visit.outcome,
        "window": f"{start}–{hours(hall, visit.ends)}" if visit.ends else start, "late_min": late if visit.state in OPEN else 0,
        "matters": [{"name": matter_name(t, matter), "materials": list(materials(t, matter))} for matter in matters],
        "kit": [item for bag in carried for item in (bag.holds or [bag.name])],
        "consent": {"how": door.how} if door.how else None,
        "may_rate": visit.state == "completed" and visit.outcome != "nobody_home",
        "to_hand_in": visit.outcome == "accepted",
        "hand_in": {
            "state": "accepted" if handed.accepted_at else "offered", "receipt": handed.receipt,
            "to": t["field.hand_to_desk"] if handed.place == DESK else t("field.hand_to_window", no=handed.place),
        } if handed else None,
    }  # fmt: skip


# --- acts -------------------------------------------------------------------------------------------------------


async def act(request: Request) -> Response:
    """One act of the phone; the visit and the team as they stand then."""
    hall, person = await entered(request)
    visit = await doing.act(request, hall, person, await asked(request, doing.Pressed))
    if visit is None:
        return answer(await told(request, hall, person, await every_known(request, hall, person)))
    async with acquire(request.app.state.pool) as db:
        shown = await drawn(request, db, hall, person, words(language(request)), [visit], {str(visit.id)})
    return answer({"visit": shown[0]})


async def every_known(request: Request, hall: Hall, person: Person) -> set[str]:
    """All of the team's visits: an act that is about none of them tells nobody's name again."""
    async with acquire(request.app.state.pool) as db:
        team = await field.team_of(db, hall, person.username or "")
        today = await business_day(db, hall)
        mine = await doorstep.find(db, hall, day=today, team=team.id, limit=200) if team else []
    return {str(visit.id) for visit in mine}


async def partner(request: Request) -> Response:
    """The other of the two signs in here."""
    hall, person = await entered(request)
    sent = await asked(request, Partner)
    await doing.sign_in_partner(request, hall, person, sent.username, sent.password)
    return answer(await told(request, hall, person, await every_known(request, hall, person)))


async def paper(request: Request) -> Response:
    """The photo of a paper, for who may see it now."""
    hall, person = await entered(request)
    photo = await doing.photo(request, hall, person, request.path_params["paper"])
    return Response(photo, media_type="image/jpeg", headers={"cache-control": "no-store", "content-disposition": "inline"})


ROUTES = [
    Route("/{hall}/field", page, methods=["GET"]),
    Route("/{hall}/field/worker.js", worker, methods=["GET"]),
    Route("/{hall}/field/day", day, methods=["GET"]),
    Route("/{hall}/field/act", act, methods=["POST"]),
    Route("/{hall}/field/partner", partner, methods=["POST"]),
    Route("/{hall}/field/papers/{paper}", paper, methods=["GET"]),
]
