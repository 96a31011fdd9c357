"""What the hall tells the team about a visit: sealed like the address, written without opening it, gone when it goes."""

from collections.abc import Sequence

from queueing import journal
from queueing.db import Db, changed
from queueing.errors import BadInput
from queueing.halls import Hall
from scheduling.envelopes import Envelopes, Sealed
from scheduling.visit_rows import Visit

LONGEST = 200
KEEP = """
INSERT INTO visit_notes (visit, key_id, sealed, by) VALUES ($1, $2, $3, $4)
ON CONFLICT (visit) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed, by = excluded.by, at = hall_now()
"""
DROP = "DELETE FROM visit_notes WHERE visit = $1"


async def keep(db: Db, hall: Hall, visit: Visit, words: str, envelopes: Envelopes, *, actor: str) -> None:
    """Say this to whoever goes there, in the place of what was said before; nothing takes it away. BadInput."""
    if len(words) > LONGEST:
        raise BadInput(field="note", message=f"at most {LONGEST} characters")
    async with db.transaction():
        if words:
            note = envelopes.wrap(words.encode(), place(visit.key))
            await db.execute(KEEP, visit.id, note.key_id, note.sealed, actor)
        elif not changed(await db.execute(DROP, visit.id)):
            return
        await journal.append(db, hall.id, "doorstep.noted", actor, data={"visit": visit.id, "said": bool(words)})


def place(key: str) -> str:
    return f"{key}:note"


OF = """
SELECT n.visit, v.key, n.key_id, n.sealed FROM visit_notes n JOIN doorstep_visits v ON v.id = n.visit
WHERE v.hall = $1 AND n.visit = ANY($2::bigint[])
"""


async def of(db: Db, hall: Hall, visits: Sequence[int], envelopes: Envelopes) -> dict[int, str]:
    """What was said about these visits. envelopes.Unreadable."""
    rows = await db.fetch(OF, hall.id, list(visits))
    return {
        row["visit"]: envelopes.unwrap(Sealed(row["key_id"], row["sealed"]), place(row["key"])).decode() for row in rows
    }  # fmt: skip
