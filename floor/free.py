"""Who could sit down at a window now, and where."""

from floor.database import Db
from queueing import settings
from queueing.halls import Hall
from queueing.hands import Posts
from queueing.windows import BARRED
from scheduling.roster.planned import of_other_zones, on_duty

# Free is who works at windows and sits at none, unless they have just risen: then they have their break, or are out with a team
# that goes to people's doors. Who was seated lately comes first.
FREE = """
WITH recent AS (
    SELECT j.actor, j.at, j.kind FROM journal j JOIN hall_streams s ON s.hall = j.hall
    WHERE j.hall = $1 AND j."offset" > s.top - 5000 AND j.kind IN ('window.closed', 'window.opened')
)
SELECT u.username FROM users u
WHERE u.hall = $1 AND 'clerk' = ANY(u.roles) AND NOT u.disabled
  AND NOT EXISTS (SELECT FROM windows w WHERE w.hall = u.hall AND w.clerk = u.username)
  AND NOT EXISTS (SELECT FROM doorstep_members m JOIN doorstep_teams t ON t.id = m.team
                  WHERE m.hall = u.hall AND m.clerk = u.username AND hall_now() >= t.starts AND hall_now() < t.ends)
  AND NOT EXISTS (SELECT FROM recent r WHERE r.actor = 'clerk:' || u.username AND r.kind = 'window.closed'
                  AND r.at > hall_now() - make_interval(mins => $2))
ORDER BY EXISTS (SELECT FROM recent r WHERE r.actor = 'clerk:' || u.username) DESC, u.username
"""


async def free_clerks(db: Db, hall: Hall, posts: Posts | None = None) -> list[str]:
    """Who could sit down at a window now, by the name they sign in with; with `posts` only who is on shift."""
    rows = await db.fetch(FREE, hall.id, hall.value(settings.REST))
    return [row["username"] for row in rows if posts is None or row["username"] in posts]


async def posts_now(db: Db, hall: Hall) -> Posts | None:
    """Where a published roster has those who could be sent there for long enough, no break before; None without a roster."""
    on = await on_duty(db, hall, hall.value(settings.MIN_OPEN))
    return None if on is None else {clerk: (duty.zone, duty.window) for clerk, duty in on.items()}


# A closed window that has the service, its own zone's first, and the first of the clerks who may serve there; with what else
# the window has that this clerk may serve.
SEAT = f"""
SELECT w.no, clerk.name, array_agg(x.code ORDER BY x.code = $2 DESC, x.rank) AS services
FROM windows w JOIN halls h ON h.id = w.hall CROSS JOIN unnest($3::text[]) WITH ORDINALITY AS clerk(name, nth)
JOIN services x ON x.hall = w.hall AND x.code = ANY(w.serves)
WHERE w.hall = $1 AND w.state = 'closed' AND $2 = ANY(w.serves) AND ($4::text IS NULL OR w.zone = $4) AND {BARRED} IS NULL
GROUP BY w.no, w.rank, w.zone, clerk.name, clerk.nth
HAVING bool_or(x.code = $2)
ORDER BY w.zone = (SELECT zone FROM services WHERE hall = $1 AND code = $2) DESC, clerk.nth, w.rank LIMIT 1
"""


async def free_seat(db: Db, hall: Hall, service: str, zone: str | None = None) -> tuple[str, str, list[str]] | None:
    """A window that could open for a service with somebody who is free: window, clerk, what they would serve. Who has a shift
    now comes first; None where nobody is free or no window stands empty. `zone`: only there, and nobody of another."""
    away = await of_other_zones(db, hall, zone) if zone is not None else set[str]()
    clerks, posts = [clerk for clerk in await free_clerks(db, hall) if clerk not in away], await posts_now(db, hall)
    on_shift = [clerk for clerk in clerks if posts is not None and clerk in posts]
    others = [clerk for clerk in clerks if clerk not in on_shift]
    row = await db.fetchrow(SEAT, hall.id, service, [*on_shift, *others], zone)
    return (row["no"], row["name"], list(row["services"])) if row else None
