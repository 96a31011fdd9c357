"""Who could do what on this floor: windows that stand empty or have time, and the clerks who may serve there."""

from collections.abc import Mapping, Sequence

from queueing.db import Db
from queueing.floors import Floor, Seat
from queueing.halls import Hall
from queueing.steps import IDLE, Hands, Place
from queueing.tickets import TODAY
from queueing.windows import BARRED

Posts = Mapping[str, tuple[str, str | None]]  # clerk -> the zone and the window a roster has them at; no window: any there

NEAR = 6  # closed windows looked at for a service, its own and those of its zone first
HELPERS = 8  # windows with time that are looked at
CLERKS = 40  # free clerks looked at

PLACES = "SELECT no, zone, serves FROM windows WHERE hall = $1 ORDER BY rank, no"
ZONES = f"""
SELECT s.code, s.zone, extract(epoch FROM max(d.closes) - hall_now())::float AS closes_s
FROM services s LEFT JOIN doors d ON d.hall = s.hall AND d.service = s.code AND d.day = {TODAY}
WHERE s.hall = $1 GROUP BY s.code, s.zone
"""
# A window with somebody is theirs; an empty one is for the first of the clerks that may. Skills count on the business day,
# as for the act itself.
ABLE = f"""
SELECT w.no, x.code, array_agg(clerk.name ORDER BY clerk.nth) AS clerks
FROM windows w JOIN halls h ON h.id = w.hall JOIN services x ON x.hall = w.hall
JOIN unnest($3::text[]) WITH ORDINALITY AS clerk(name, nth) ON w.clerk IS NULL OR w.clerk = clerk.name
WHERE w.hall = $1 AND w.no = ANY($2) AND (x.code = ANY($4) OR w.serves && $4::text[] AND x.code = ANY(w.serves))
  AND {BARRED} IS NULL
GROUP BY 1, 2
"""


async def hands(
    db: Db, hall: Hall, floor: Floor, load: Mapping[str, float], services: Sequence[str], free: Sequence[str],
    posts: Posts | None = None,
) -> Hands:  # fmt: skip
    """What could be done for these services, with `free` clerks who sit nowhere and have no break, the best first.

    With `posts` an empty window is only for who is posted there.
    """
    places = [Place(row["no"], row["zone"], tuple(row["serves"])) for row in await db.fetch(PLACES, hall.id)]
    doors = await db.fetch(ZONES, hall.id)
    zones = {row["code"]: row["zone"] for row in doors}
    seats = {seat.window: seat for seat in floor.seats}
    shut = [place for place in places if place.window in seats and seats[place.window].state == "closed"]
    chosen: dict[str, Place] = {}
    for code in services:
        near = sorted(shut, key=lambda place: (code not in place.serves, place.zone != zones.get(code)))
        chosen |= {place.window: place for place in near[:NEAR]}
    idle = [place for place in places if place.window in seats and seats[place.window].state not in ("closed", "paused")]
    idle = [place for place in idle if load.get(place.window, 0.0) < IDLE]
    chosen |= {place.window: place for place in sorted(idle, key=lambda place: load.get(place.window, 0.0))[:HELPERS]}
    clerks = [*free[:CLERKS], *(seat.clerk for seat in floor.seats if seat.clerk and seat.window in chosen)]
    rows = await db.fetch(ABLE, hall.id, list(chosen), clerks, list(services))
    return Hands(
        tuple(place for place in places if place.window in chosen), zones, tuple(free[:CLERKS]),
        {(row["no"], row["code"]): able_at(chosen[row["no"]], seats[row["no"]], row["clerks"], posts) for row in rows},
        {row["code"]: row["closes_s"] for row in doors if row["closes_s"] is not None},
    )  # fmt: skip


def able_at(place: Place, seat: Seat, clerks: Sequence[str], posts: Posts | None) -> tuple[str, ...]:
    """Of those who may serve at a window, who sits there or is posted there."""
    if posts is None:
        return tuple(clerks)
    there = {(place.zone, None), (place.zone, place.window)}
    return tuple(clerk for clerk in clerks if clerk == seat.clerk or posts.get(clerk) in there)
