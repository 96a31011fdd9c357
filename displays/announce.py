"""What follows from the record without anybody asking: a sentence for each call, a paper for each ticket, a question after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from devices.jobs import COLUMNS, Job, as_job
from devices.settings import Evaluator
from displays import phrases, slips, voice
from displays.voice import Voice
from queueing import forecast, tickets
from queueing.db import Db
from queueing.journal import Entry, Position
from queueing.settings import Setting

SAID_WITHIN = timedelta(seconds=20)  # later than that a call only confuses people
PRINTED_WITHIN = timedelta(minutes=5)  # paper comes back, but the visitor doesn't wait for ever
ASKED_WITHIN = timedelta(seconds=15)  # how long the question may be on its way; its evaluator then asks as long as it is set to
LEVELS = 5
# What is said first when several sentences wait at a speaker; jobs without an order come with the calls.
EMERGENCY, NOTICE, CALL, RECALL = range(4)
CALLING = ("ticket.called", "ticket.recalled")
HEARD_KINDS = (*CALLING, "escalation.offered")  # rows that may be heard
# In a zone in which visitors are offered another time or a visit that is said, at most once in so many minutes; 0: never.
SPOKEN = Setting("ladder_spoken_min", 10, 0, 120, "minutes")
SETTINGS = (SPOKEN,)
OFFER_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Effect:
    """Something owed because of one row. A print names its `device`; the others reach the devices that belong to `window`."""

    kind: str
    key: str
    expires: datetime
    ticket: int | None
    data: dict[str, Any]
    device: str | None = None
    window: str | None = None
    zone: str | None = None


def effects(entry: Entry, sound: Voice, likely: Sequence[dict[str, str]] = (), spoken_min: int = 0) -> list[Effect]:
    """What is owed because of this row: nothing, mostly. `likely` is what will probably be said next; `spoken_min` how often
    at most it is said that something was offered."""
    if entry.kind in slips.KINDS and entry.data.get("print_at"):
        data, key = {"template": "slip", "slip": entry.data["slip"]}, f"slip:{entry.data['slip']}:c{entry.offset}"
        return [Effect("print", key, entry.at + PRINTED_WITHIN, None, data, device=entry.data["print_at"])]
    if entry.kind == "intake.printed":
        data = {"template": "receipt", "of": entry.data["ticket"], **entry.data["paper"]}
        key = f"receipt:tk_{entry.data['ticket']}:c{entry.offset}"
        return [Effect("print", key, entry.at + PRINTED_WITHIN, None, data, device=entry.data["print_at"])]
    if entry.kind == "doorstep.printed":
        data, key = {"template": "visit", **entry.data["paper"]}, f"visit:{entry.data['visit']}:c{entry.offset}"
        return [Effect("print", key, entry.at + PRINTED_WITHIN, None, data, device=entry.data["print_at"])]
    if entry.ticket is None:
        return []
    match entry.kind:
        case "ticket.called" | "ticket.recalled":
            loud = sound.volume_at(entry.at, window=entry.data["window"])
            return [say(entry, entry.ticket, sound, likely, loud)] if loud else []
        case "escalation.offered" if spoken_min:
            loud = sound.volume_at(entry.at, zone=entry.data.get("zone"))
            return [offered(entry, sound, loud, spoken_min)] if loud else []
        case "ticket.taken" | "ticket.reprinted" if entry.data.get("print_at"):
            return [paper(entry, entry.ticket)]
        case "ticket.finished":
            return [question(entry, entry.ticket, f"rating:tk_{entry.ticket}")]
        case "rating.asked":
            return [question(entry, entry.ticket, f"rating:tk_{entry.ticket}:{entry.offset}")]
    return []


def say(entry: Entry, ticket: int, sound: Voice, likely: Sequence[dict[str, str]], volume: int) -> Effect:
    """The sentence of a call, for every speaker within earshot of its window, as loud as its zone is at that hour."""
    number, window, call = entry.data["ticket"], entry.data["window"], entry.data["call"]
    sentences = call_sentences(number, window, entry.data.get("lang", "zh-Hans"), sound)
    data = {
        "sentences": sentences, "times": sound.times, "chime": sound.chime, "call": call, "ticket": number, "window": window,
        "volume": volume, "order": RECALL if entry.kind == "ticket.recalled" else CALL, "next": list(likely),
    }  # fmt: skip
    return Effect("say", f"call:{call}", entry.at + SAID_WITHIN, ticket, data, window=window)


def offered(entry: Entry, sound: Voice, volume: int, spoken_min: int) -> Effect:
    """That some of those who wait can take another time: for the zone they wait in, without anybody's number."""
    zone = entry.data.get("zone")
    sentences = [phrases.sentence(phrases.OFFERED[lang], lang, sound.lexicon).wire() for lang in sound.langs]
    data = {"sentences": sentences, "times": 1, "chime": True, "volume": volume, "order": RECALL}  # calls go first
    nth = int(entry.at.timestamp()) // (60 * spoken_min)
    return Effect("say", f"offers:{zone}:{nth}", entry.at + OFFER_WITHIN, None, data, zone=zone)


def call_sentences(number: str, window: str, lang: str, sound: Voice) -> list[dict[str, str]]:
    """What a call says in this hall, as a job carries it."""
    said = phrases.call_sentences(number, window, sound.langs, sound.own(lang), sound.lexicon)
    return [sentence.wire() for sentence in said]


def paper(entry: Entry, ticket: int) -> Effect:
    """The paper of a ticket, or a marked copy that somebody asked for. A failed paper counts its key's end up."""
    copied = entry.kind == "ticket.reprinted"
    data = {"ticket_id": f"tk_{ticket}", "ticket": entry.data["ticket"], "service": entry.data["service"]}
    data |= {"template": "reprint", "copy": entry.data["copy"] + 1} if copied else {"template": "ticket"}
    key = f"ticket:tk_{ticket}:c{entry.offset}:1" if copied else f"ticket:tk_{ticket}:1"
    return Effect("print", key, entry.at + PRINTED_WITHIN, ticket, data, device=entry.data["print_at"])


def question(entry: Entry, ticket: int, key: str) -> Effect:
    """The question how it was, for the evaluators of the window that served the visitor."""
    data = {"ticket_id": f"tk_{ticket}", "ticket": entry.data["ticket"], "levels": LEVELS}
    window = entry.data.get("window") or entry.window
    return Effect("ask_rating", key, entry.at + ASKED_WITHIN, ticket, data, window=window)


PAPERS = """
SELECT t.*, h.name AS hall_name, h.ticket_line, h.time_zone,
       coalesce(CASE t.lang WHEN 'zh-Hant' THEN z.name_hant WHEN 'en' THEN z.name_en END, z.name) AS zone_name,
       CASE t.lang WHEN 'zh-Hant' THEN coalesce(s.name_hant, s.name) WHEN 'en' THEN coalesce(s.name_en, s.name)
            ELSE s.name END AS service_name
FROM tickets t JOIN halls h ON h.id = t.hall JOIN services s ON s.hall = t.hall AND s.code = t.service
JOIN zones z ON z.hall = s.hall AND z.code = s.zone WHERE t.id = ANY($1)
"""


async def papers(db: Db, ids: Sequence[int], pages: str) -> dict[int, dict[str, Any]]:
    """What the papers of these tickets say besides their number. `pages` is where the hall's own pages are."""
    said = {}
    for row in await db.fetch(PAPERS, ids) if ids else ():
        ticket = tickets.from_row(row)
        ahead, wait = await forecast.standing(db, ticket)
        said[ticket.id] = {
            "hall": row["hall_name"], "service_name": row["service_name"], "where": row["zone_name"], "lang": ticket.lang,
            "line": row["ticket_line"], "at": ticket.joined_at.astimezone(ZoneInfo(row["time_zone"])).isoformat("T", "seconds"),
            "ahead": ahead, "wait": wait and {"p50_s": wait.p50_s, "p90_s": wait.p90_s}, "url": f"{pages}/t/{ticket.key}",
        }  # fmt: skip
    return said


# Whom the open windows of a called service call next, as far as anybody can tell: their sentences can be made meanwhile.
LIKELY = """
SELECT s.code AS service, t.number, t.lang, w.no AS "window" FROM halls h, unnest($2::text[]) AS s (code),
LATERAL (SELECT number, lang FROM tickets WHERE hall = h.id AND day = business_day(hall_now(), h.time_zone, h.day_starts)
    AND service = s.code AND state = 'waiting' AND for_window IS NULL ORDER BY rank_at, id LIMIT 2) t,
LATERAL (SELECT no FROM windows WHERE hall = h.id AND state = 'open' AND s.code = ANY (services) ORDER BY rank, no LIMIT 4) w
WHERE h.id = $1
"""
LIKELY_CALLS = 4  # more calls than this at once: the hall is catching up, and nobody has time to prepare


# The hall's voice comes along: between a call and its sound each round trip counts.
HEARD = f"""
SELECT v.*, setting($1, '{SPOKEN.name}', {SPOKEN.usual}) AS spoken_min,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(l.service, l.number, l."window", l.lang)), '[]')
             FROM ({LIKELY}) l) AS likely
FROM ({voice.VOICE}) v
"""


async def heard(db: Db, hall_id: int, entries: Sequence[Entry]) -> tuple[Voice, dict[str, list[dict[str, str]]], int]:
    """How the hall speaks; by service the sentences that will probably be said next, none under a heap of calls; and how often
    at most it says that something was offered."""
    called = {entry.data["service"] for entry in entries if entry.kind == "ticket.called"}
    row = await db.fetchrow(HEARD, hall_id, list(called) if len(called) <= LIKELY_CALLS else [])
    sound = voice.from_row(row)
    found: dict[str, list[dict[str, str]]] = {}
    for service, number, window, lang in row["likely"] if row else ():
        found.setdefault(service, []).extend(call_sentences(number, window, lang, sound))
    return sound, found, row["spoken_min"] if row else 0


# A call is heard in the window's zone, in the whole hall where the zone has no speaker. What is too late to be done is
# kept as expired: the story of a ticket tells of it. Rows of a record that was replaced meanwhile make nothing.
# Ticket and window are looked up row by row and devices are joined once: the planner, who can't know how few rows come
# as JSON, would else read all tickets and go through the machines once per machine (6 ms for 24 speakers, not 1).
ANNOUNCE = f"""
WITH effect AS MATERIALIZED (
    SELECT e.*, (SELECT t.clerk FROM tickets t WHERE t.id = e.ticket) AS clerk,
        coalesce(e.in_zone, (SELECT w.zone FROM windows w WHERE w.hall = $1 AND w.no = e."window")) AS zone
    FROM ROWS FROM (jsonb_to_recordset($4) AS (kind text, key text, expires timestamptz,
        ticket bigint, data jsonb, device text, "window" text, in_zone text)) WITH ORDINALITY
        AS e (kind, key, expires, ticket, data, device, "window", in_zone, nth)
), place AS MATERIALIZED (
    SELECT n, id, kind, zone, window_no, revoked_at IS NULL AND paired_at IS NOT NULL AS near,
        CASE kind WHEN 'evaluator' THEN coalesce((config ->> 'ask_seconds')::integer, {Evaluator().ask_seconds}) END AS ask
    FROM devices WHERE hall = $1
), heard AS MATERIALIZED (
    SELECT DISTINCT zone FROM place WHERE kind = 'speaker' AND near AND zone IS NOT NULL
), here AS (
    SELECT FROM hall_streams WHERE hall = $1 AND epoch = $2 AND top >= $3
), moved AS (
    INSERT INTO announce_positions AS p (hall, epoch, "offset") SELECT $1, $2, $3 FROM here
    ON CONFLICT (hall) DO UPDATE SET epoch = excluded.epoch, "offset" = greatest(p."offset", excluded."offset"), at = now()
)
INSERT INTO jobs (hall, device, kind, key, expires, data, state, ended_at)
SELECT $1, d.id, e.kind, e.key, e.expires + make_interval(secs => CASE e.kind WHEN 'ask_rating' THEN d.ask ELSE 0 END),
       CASE e.kind WHEN 'ask_rating' THEN e.data || jsonb_build_object('clerk', e.clerk, 'seconds', d.ask)
           WHEN 'say' THEN e.data || jsonb_build_object('room', CASE WHEN d.window_no IS NOT NULL THEN 'window:' || d.window_no
               WHEN d.zone IS NOT NULL THEN 'zone:' || d.zone ELSE 'hall' END)
           ELSE e.data END,
       CASE WHEN e.expires > hall_now() THEN 'owed' ELSE 'expired' END::job_state,
       CASE WHEN e.expires <= hall_now() THEN hall_now() END
FROM effect e JOIN place d ON CASE e.kind
    WHEN 'print' THEN d.id = e.device
    WHEN 'ask_rating' THEN d.kind = 'evaluator' AND d.near AND d.window_no = e."window"
    ELSE d.kind = 'speaker' AND d.near AND CASE
        WHEN d.window_no IS NOT NULL THEN d.window_no = e."window"
        WHEN e.zone IN (SELECT zone FROM heard) THEN d.zone = e.zone
        ELSE d.zone IS NULL END
    END
JOIN here ON true ORDER BY e.nth, d.n
ON CONFLICT (device, key) DO NOTHING
RETURNING {COLUMNS}
"""


async def announce(db: Db, hall_id: int, epoch: str, entries: Sequence[Entry], pages: str) -> list[Job]:
    """Make the jobs of these rows and move the hall's announcing position behind them, in one statement.

    Rows announced before make nothing again: a job is once per device and key. `pages` is the address of the hall's
    pages. Gives the new jobs in the order of their ids; those too late to be done have the state expired.
    """
    aloud = any(entry.kind in HEARD_KINDS for entry in entries)
    sound, ready, spoken = await heard(db, hall_id, entries) if aloud else (Voice(), {}, 0)
    owed = [effect for entry in entries for effect in effects(entry, sound, ready.get(entry.data.get("service", ""), ()), spoken)]
    owed = list(
        {(effect.kind, effect.key, effect.device): effect for effect in owed}.values()
    )  # an evening offers to many at once
    said = await papers(db, [of for of in map(ticket_of, owed) if of], pages)
    told = await slips.papers(db, [effect.data["slip"] for effect in owed if "slip" in effect.data], pages)
    rows = [
        {"kind": effect.kind, "key": effect.key, "expires": effect.expires, "ticket": effect.ticket, "device": effect.device,
         "window": effect.window, "in_zone": effect.zone,
         "data": said.get(ticket_of(effect), {}) | effect.data | told.get(effect.data.get("slip", 0), {})}
        for effect in owed
    ]  # fmt: skip
    made = await db.fetch(ANNOUNCE, hall_id, epoch, entries[-1].offset, rows)
    return [as_job(row) for row in made]


def ticket_of(effect: Effect) -> int:
    """The ticket a paper is of, or says something about; 0 for what is no paper of one."""
    return (effect.ticket or effect.data.get("of", 0)) if effect.kind == "print" else 0


REACHED = 'SELECT epoch, "offset" FROM announce_positions WHERE hall = $1'


async def reached(db: Db, hall_id: int) -> Position | None:
    """How far the hall's record has been announced; None for a hall that never spoke."""
    row = await db.fetchrow(REACHED, hall_id)
    return Position(**row) if row else None
