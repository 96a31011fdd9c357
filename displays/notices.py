"""SMS and mail that follow from the record: a number taken, nearly your turn, called, missed; each once, and never a recall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from displays.phones import places
from queueing.db import Db
from queueing.halls import Hall
from queueing.journal import Entry, Position, read, top
from queueing.settings import Setting

BATCH = 500
FOLLOWS = {"ticket.taken": "taken", "ticket.called": "called", "ticket.missed": "missed", "escalation.offered": "offered"}
TICKET_TEMPLATES = ("taken", "near", "called", "missed", "offered")
OFFERS = ("slot", "doorstep")  # what the ladder offers a visitor: word of each once
# How long word is worth sending. A call that comes late only confuses people.
GOOD_FOR = {
    "taken": timedelta(minutes=30),
    "near": timedelta(minutes=15),
    "called": timedelta(minutes=5),
    "missed": timedelta(hours=1),
    "offered": timedelta(hours=3),
    "booked": timedelta(days=1),
    "moved": timedelta(days=1),
    "unbooked": timedelta(days=1),
    "tomorrow": timedelta(hours=12),
    "fallen": timedelta(days=1),
    "visit_asked": timedelta(days=1),
    "visit_accepted": timedelta(days=1),
    "visit_planned": timedelta(days=1),
    "visit_open": timedelta(days=1),
    "visit_coming": timedelta(minutes=30),
    "visit_late": timedelta(hours=2),
    "visit_waits": timedelta(days=1),
    "visit_declined": timedelta(days=2),
    "visit_off": timedelta(days=1),
    "visit_done": timedelta(days=2),
    "visit_missed": timedelta(days=2),
    "visit_result": timedelta(days=3),
    "visit_sent": timedelta(days=3),
    "order_asked": timedelta(days=1),
    "order_collected": timedelta(days=1),
    "order_filed": timedelta(days=1),
    "order_returned": timedelta(days=3),
    "order_off": timedelta(days=2),
}


# Which of them a hall sends, and when not. The quiet hours may pass midnight; none where both ends are the same.
SENDS = {template: Setting(f"notice_{template}", True) for template in TICKET_TEMPLATES}
NEAR_AHEAD = Setting("notice_near_ahead", 3, 1, 50, "people")
KEEP_DAYS = Setting("notice_keep_days", 0, 0, 90, "days")  # how long a number stays after the visit; 0: till the day is over
DAILY_CAP = Setting("notice_daily_cap", 10, 1, 100, "messages")  # to one number
QUIET_FROM = Setting("notice_quiet_from", 0, 0, 23, "hour")
QUIET_TO = Setting("notice_quiet_to", 0, 0, 23, "hour")
SETTINGS: tuple[Setting[int] | Setting[bool], ...] = (
    *SENDS.values(), NEAR_AHEAD, KEEP_DAYS, DAILY_CAP, QUIET_FROM, QUIET_TO
)  # fmt: skip


def quiet_until(hall: Hall, at: datetime) -> datetime | None:
    """When the quiet hours end that `at` falls into; None outside of them."""
    begin, end = hall.value(QUIET_FROM), hall.value(QUIET_TO)
    local = at.astimezone(ZoneInfo(hall.time_zone))
    passed = (local.hour - begin) % 24
    if passed >= (end - begin) % 24:
        return None
    return local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=(end - begin) % 24 - passed)


@dataclass(frozen=True, slots=True)
class Word:
    """Something to tell the holder of a ticket, because of a row at `at`."""

    subject: str
    template: str
    step: int
    at: datetime
    data: Mapping[str, Any]


# A notice is made where somebody wants it, once. One that may not be sent is kept as dropped, with the reason, so that it
# isn't made again by the next reading and a manager sees why nothing came. The cap counts what was sent or will be, today.
OWE = """
WITH asked AS (
    SELECT a.*, row_number() OVER () AS nth
    FROM jsonb_to_recordset($2) AS a (subject text, template text, step integer, expires timestamptz, due timestamptz,
                                      data jsonb, why text)
), wanted AS (
    SELECT a.*, c.who, row_number() OVER (PARTITION BY c.who ORDER BY a.nth) AS turn,
        EXISTS (SELECT FROM notice_optouts o WHERE o.hall = c.hall AND o.who = c.who) AS stopped,
        (SELECT count(*) FROM notices n JOIN halls h ON h.id = n.hall
         WHERE n.hall = c.hall AND n.who = c.who AND n.state IN ('waiting', 'sent')
           AND n.at >= (hall_now() AT TIME ZONE h.time_zone)::date::timestamp AT TIME ZONE h.time_zone) AS today
    FROM asked a JOIN notice_contacts c ON c.subject = a.subject AND c.hall = $1
    WHERE NOT EXISTS (SELECT FROM notices n WHERE (n.hall, n.subject, n.template, n.step) = ($1, a.subject, a.template, a.step))
), judged AS (
    SELECT *, CASE WHEN stopped THEN 'stopped' WHEN why IS NOT NULL THEN why WHEN today + turn > $3 THEN 'capped'
        WHEN expires <= hall_now() THEN 'late' WHEN due >= expires THEN 'quiet' END AS no
    FROM wanted
)
INSERT INTO notices (hall, subject, template, step, who, data, state, why, due, expires, ended_at)
SELECT $1, subject, template, step, who, data, CASE WHEN no IS NULL THEN 'waiting' ELSE 'dropped' END::notice_state, no,
       greatest(due, hall_now()), expires, CASE WHEN no IS NOT NULL THEN hall_now() END
FROM judged ORDER BY nth
ON CONFLICT ON CONSTRAINT notice_once DO NOTHING
RETURNING id
"""


async def owe(db: Db, hall: Hall, words: Sequence[Word], *, why: str | None = None) -> int:
    """Make the notices of these words, for those who asked for any; how many are new. `why`: keep them as dropped."""
    if not words:
        return 0
    rows = [
        {"subject": word.subject, "template": word.template, "step": word.step, "data": word.data, "why": why,
         "expires": word.at + GOOD_FOR[word.template],
         "due": quiet_until(hall, word.at) or word.at}
        for word in words
    ]  # fmt: skip
    return len(await db.fetch(OWE, hall.id, rows, hall.value(DAILY_CAP)))


# ---- what follows from the record

HERE = 'SELECT epoch, "offset" FROM notice_positions WHERE hall = $1 FOR UPDATE SKIP LOCKED'
BEGIN = """
INSERT INTO notice_positions (hall, epoch, "offset") VALUES ($1, $2, $3)
ON CONFLICT (hall) DO UPDATE SET epoch = excluded.epoch, "offset" = excluded."offset"
"""
HAS_BEGUN = "SELECT EXISTS (SELECT FROM notice_positions WHERE hall = $1)"


async def follow(db: Db, hall: Hall) -> int:
    """Turn the record's new rows into notices; how many rows were read. 0 also while another program is at it.

    Rows, notices and position are one transaction: whoever dies in it leaves nothing, and nothing is made twice. A hall
    that has just begun to send, or whose record was replaced, begins at the record's end: old calls are not told.
    """
    async with db.transaction():
        here, now = await db.fetchrow(HERE, hall.id), await top(db, hall.id)
        if here is None or here["epoch"] != now.epoch or here["offset"] > now.offset:
            if here is not None or not await db.fetchval(HAS_BEGUN, hall.id):
                await db.execute(BEGIN, hall.id, now.epoch, now.offset)
            return 0
        entries = await read(db, hall.id, here["offset"], BATCH)
        if entries:
            await tell(db, hall, entries)
            await db.execute(BEGIN, hall.id, now.epoch, entries[-1].offset)
        return len(entries)


async def begin(db: Db, hall: int) -> None:
    """Forget how far the record was read: what happened while nothing was sent is not told later."""
    await db.execute("DELETE FROM notice_positions WHERE hall = $1", hall)


async def tell(db: Db, hall: Hall, entries: Sequence[Entry]) -> None:
    """The notices of these rows, and of those whose turn has come near by them."""
    moved = [entry for entry in entries if entry.ticket is not None and entry.kind.startswith(("ticket.", "escalation."))]
    found = await holders(db, hall, [entry.ticket for entry in moved if entry.ticket is not None and entry.kind in FOLLOWS])
    told = [
        said(entry, found[entry.ticket])
        for entry in moved
        if entry.ticket in found and entry.kind in FOLLOWS and hall.value(SENDS[FOLLOWS[entry.kind]])
        and (found[entry.ticket].lives or entry.kind != "escalation.offered")  # whose day is over is not woken for it
    ]  # fmt: skip
    await owe(db, hall, told)
    if hall.value(SENDS["near"]):
        fresh = {found[entry.ticket].key for entry in moved if entry.kind == "ticket.taken" and entry.ticket in found}
        await near(db, hall, fresh)


@dataclass(frozen=True, slots=True)
class Holder:
    """A ticket somebody wants word of, as it stands now."""

    key: str
    number: str
    services: Sequence[str]
    step: int
    service_name: str
    windows: str
    ahead: int | None
    lives: bool


HOLDERS = """
SELECT t.id, t.key, t.number, t.services, t.step, t.ended_at IS NULL AS lives,
    CASE c.lang WHEN 'zh-Hant' THEN coalesce(s.name_hant, s.name) WHEN 'en' THEN coalesce(s.name_en, s.name)
        ELSE s.name END AS service_name,
    (SELECT string_agg(w.no, ';' ORDER BY w.rank, w.no) FROM windows w
     WHERE w.hall = t.hall AND t.service = ANY(CASE WHEN w.state = 'open' THEN w.services ELSE w.serves END)) AS windows
FROM tickets t JOIN notice_contacts c ON c.subject = t.key AND c.hall = t.hall
JOIN services s ON s.hall = t.hall AND s.code = t.service
WHERE t.hall = $1 AND t.id = ANY($2)
"""


async def holders(db: Db, hall: Hall, ids: Sequence[int]) -> dict[int, Holder]:
    """Those of these tickets whose holders want word."""
    rows = await db.fetch(HOLDERS, hall.id, list(ids)) if ids else []
    ahead = await places(db, [row["key"] for row in rows]) if rows else {}
    return {
        row["id"]: Holder(
            row["key"], row["number"], row["services"], row["step"], row["service_name"], row["windows"] or "",
            ahead[row["key"]].ahead, row["lives"],
        )
        for row in rows
    }  # fmt: skip


def said(entry: Entry, holder: Holder) -> Word:
    """What one row says to the holder of its ticket. The step is the row's own: the ticket may be further by now."""
    service = entry.data["service"]
    step = holder.services.index(service) + 1 if service in holder.services else holder.step
    if entry.kind == "escalation.offered":
        step = OFFERS.index(entry.data["step"]) + 1
    data = {
        "ticket": entry.data["ticket"], "window": entry.data.get("window") or "", "service": holder.service_name,
        "windows": holder.windows, "ahead": holder.ahead or 0,
    }  # fmt: skip
    return Word(holder.key, FOLLOWS[entry.kind], step, entry.at, data)


WAITING = """
SELECT t.id, t.key, t.number, t.step, hall_now() AS at FROM tickets t
JOIN notice_contacts c ON c.subject = t.key AND c.hall = t.hall
WHERE t.hall = $1 AND t.state = 'waiting' AND t.day = business_day(hall_now(), $2, $3)
  AND NOT EXISTS (SELECT FROM notices n WHERE (n.hall, n.subject, n.template, n.step) = ($1, t.key, 'near', t.step))
"""


async def near(db: Db, hall: Hall, fresh: set[str]) -> None:
    """Tell those who have NEAR_AHEAD people or fewer before them, once for each step. Read off the queue as it stands, not
    off a row: whatever moved it (a call, somebody leaving, a window that opened) counts, and a restart neither loses nor
    doubles. Who is near the moment the number is taken (`fresh`) was told so by that word already."""
    waiting = await db.fetch(WAITING, hall.id, hall.time_zone, hall.day_starts)
    now = await places(db, [row["key"] for row in waiting]) if waiting else {}
    close = [row for row in waiting if (at := now[row["key"]].ahead) is not None and at <= hall.value(NEAR_AHEAD)]
    words = [
        Word(row["key"], "near", row["step"], row["at"], {"ticket": row["number"], "ahead": now[row["key"]].ahead})
        for row in close
    ]
    await owe(db, hall, [word for word in words if word.subject in fresh], why="near_when_taken")
    await owe(db, hall, [word for word in words if word.subject not in fresh])


async def reached(db: Db, hall: int) -> Position | None:
    """How far the record has been read for notices."""
    row = await db.fetchrow('SELECT epoch, "offset" FROM notice_positions WHERE hall = $1', hall)
    return Position(**row) if row else None
