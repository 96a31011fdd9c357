"""After the hall's secret was changed: what was sealed with one before it is sealed anew; what no key opens any more is named."""

from collections import Counter
from dataclasses import dataclass, field

from queueing.db import Db
from queueing.halls import Hall
from scheduling.envelopes import Envelopes, Sealed, Unreadable

# Where something lies sealed: the name of each row, and the place it is sealed for.
ROWS = {
    "doorstep_visits": "SELECT id::text AS name, key AS place, key_id, sealed FROM doorstep_visits WHERE hall = $1",
    "doorstep_papers": """SELECT p.id AS name, v.key || ':' || p.id AS place, p.key_id, p.sealed
        FROM doorstep_papers p JOIN doorstep_visits v ON v.id = p.visit WHERE v.hall = $1""",
    "doorstep_consents": """SELECT c.visit::text AS name, v.key || ':consent' AS place, c.key_id, c.sealed
        FROM doorstep_consents c JOIN doorstep_visits v ON v.id = c.visit WHERE v.hall = $1""",
    "visit_notes": """SELECT n.visit::text AS name, v.key || ':note' AS place, n.key_id, n.sealed
        FROM visit_notes n JOIN doorstep_visits v ON v.id = n.visit WHERE v.hall = $1""",
    "agent_orders": "SELECT code AS name, 'order:' || code AS place, key_id, sealed FROM agent_orders WHERE hall = $1",
}
NAMES = {
    "doorstep_visits": "id::text", "doorstep_papers": "id", "doorstep_consents": "visit::text", "visit_notes": "visit::text",
    "agent_orders": "code",
}  # fmt: skip

OLD = """
SELECT name, place, key_id, sealed FROM ({rows}) r
WHERE sealed IS NOT NULL AND key_id <> $2 AND name > $3 COLLATE "C" ORDER BY name COLLATE "C" LIMIT 100
"""
ANEW = "UPDATE {table} SET key_id = $3, sealed = $4 WHERE {name} = $1 AND sealed = $2"


@dataclass(slots=True)
class Resealed:
    """How much was sealed anew; and how much can't be opened, by table and the name of the key that is missing."""

    done: int = 0
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)


async def reseal(db: Db, hall: Hall, envelopes: Envelopes) -> Resealed:
    """Seal all of a hall with the newest key. One that can't be opened is counted, and the others go on."""
    result = Resealed()
    for table, rows in ROWS.items():
        after = ""
        while found := await db.fetch(OLD.format(rows=rows), hall.id, envelopes.key_id, after):
            after = found[-1]["name"]
            for row in found:
                try:
                    plain = envelopes.unwrap(Sealed(row["key_id"], row["sealed"]), row["place"])
                except Unreadable:
                    result.lost[table, row["key_id"]] += 1
                    continue
                fresh = envelopes.wrap(plain, row["place"])
                anew = ANEW.format(table=table, name=NAMES[table])
                await db.execute(anew, row["name"], row["sealed"], fresh.key_id, fresh.sealed)
                result.done += 1
    return result
