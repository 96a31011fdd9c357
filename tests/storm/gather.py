"""After the storm: the tables, the paper and the voice, read for the judges."""

import json
import re
from datetime import datetime
from pathlib import Path

import zxingcpp
from PIL import Image

from tests.storm.evidence import Evidence, JobRow, JournalRow, RatingRow, Said, TicketRow
from tests.storm.hall import Hall

TICKETS = """
SELECT t.id, t.key, t.day, business_day(t.joined_at, h.time_zone, h.day_starts) AS day_by_rule, t.number, t.state::text
FROM tickets t JOIN halls h ON h.id = t.hall WHERE h.code = 'demo' ORDER BY t.id
"""
JOURNAL = """
SELECT j."offset", j.at, j.kind, j.ticket, j.window_no, j.data FROM journal j JOIN halls h ON h.id = j.hall
WHERE h.code = 'demo' ORDER BY j."offset"
"""
JOBS = """
SELECT id, device, kind, key, state::text, expires, data ->> 'template' AS template, data ->> 'ticket_id' AS ticket FROM jobs
"""
RATINGS = "SELECT r.ticket, t.key, r.level FROM ratings r JOIN tickets t ON t.id = r.ticket"
PERSONS = "SELECT left(encode(person, 'hex'), 8), day, count(*)::int FROM tickets WHERE person IS NOT NULL GROUP BY 1, 2"
ZONES = "SELECT no, zone FROM windows"


async def read_tables(hall: Hall, case: Evidence) -> None:
    db = await hall.db()
    try:
        case.zone_of_window = {row["no"]: row["zone"] for row in await db.fetch(ZONES)}
        case.tickets = [TicketRow(*row.values()) for row in await db.fetch(TICKETS)]
        case.journal = [JournalRow(*row.values()) for row in await db.fetch(JOURNAL)]
        case.jobs = [JobRow(*row.values()) for row in await db.fetch(JOBS)]
        case.persons = [tuple(row) for row in await db.fetch(PERSONS)]
        case.ratings = [RatingRow(*row.values()) for row in await db.fetch(RATINGS)]
    finally:
        await db.close()


def read_voice(hall: Hall, case: Evidence) -> None:
    """Every line of every speaker's said.jsonl."""
    for file in sorted((hall.demo / "voice").glob("*/said.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            said = json.loads(line)
            case.said.append(Said(file.parent.name, int(said["job"].removeprefix("jb_")), moment(said["at"])))


def read_paper(hall: Hall, case: Evidence) -> None:
    """The ticket key behind the QR code of every whole paper that came out of a printer."""
    for record in sorted((hall.demo / "paper").glob("*/paper.jsonl")):
        papers = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
        for paper in (paper for paper in papers if not paper["torn"]):
            image = Image.open(record.parent / f"{paper['n']}.png")
            case.papers += [code.text.rpartition("/")[2].partition("?")[0] for code in zxingcpp.read_barcodes(image)]


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


CRASH = re.compile(r"Traceback \(most recent call last\)|\[error +\]|\"level\": ?\"(error|critical)\"")


def read_logs(hall: Hall, case: Evidence) -> None:
    """Lines that look like a crash. A process that was killed leaves none; one that met a dead Postgres has words for it."""
    for name in hall.parts:
        path: Path = hall.parts[name].log
        if path.exists():
            lines = path.read_text("utf-8", "replace").splitlines()
            found = [n for n, line in enumerate(lines) if CRASH.search(line)]
            case.tracebacks += [f"{name}: " + " ⏎ ".join(lines[n : n + 25]) for n in found[:3]]
