"""What belongs to a ticket beside its line: who calls from a station, who walks along, whose papers it carries, which machine."""

from dataclasses import dataclass

from floor.database import Db
from floor.words import Words
from queueing.matters import in_language


@dataclass(frozen=True, slots=True)
class Beside:
    """All of it at once; None where there is none. Nothing here tells who the visitor is."""

    site: str | None
    site_hant: str | None
    site_en: str | None
    talk: str | None
    phone: str | None
    room: str | None
    printed_at: str | None
    printed_hant: str | None
    printed_en: str | None
    escort: str | None
    orders: int | None
    machine: str | None


OF_TICKET = """
SELECT s.name AS site, s.name_hant AS site_hant, s.name_en AS site_en, r.talk, s.phone, s.room, p.name AS printed_at,
       p.name_hant AS printed_hant, p.name_en AS printed_en, u.name AS escort, a.orders, m.name AS machine
FROM tickets t
LEFT JOIN remote_tickets r ON r.ticket = t.id
LEFT JOIN sites s ON s.hall = r.hall AND s.code = r.site
LEFT JOIN sites p ON p.hall = r.hall AND p.code = r.print_point
LEFT JOIN escorts e ON e.ticket = t.id AND e.ended_at IS NULL
LEFT JOIN users u ON u.username = e.escort
LEFT JOIN agent_tickets a ON a.ticket = t.id
LEFT JOIN helps h ON h.ticket = t.id
LEFT JOIN self_machines m ON m.hall = h.hall AND m.code = h.machine
WHERE t.id = $1
"""


async def of_ticket(db: Db, ticket: int, say: Words) -> list[str]:
    """Each of them as a sentence for who serves."""
    row = await db.fetchrow(OF_TICKET, ticket)
    if row is None:
        return []
    found, told = Beside(**row), []
    if found.site:
        way = found.phone if found.talk == "phone" else found.room
        name = in_language(say.lang, found.site, found.site_hant, found.site_en) or found.site
        told.append(say("stations.note", site=name, talk=say[f"stations.talk_{found.talk}"], way=way or ""))
    if found.printed_at:
        name = in_language(say.lang, found.printed_at, found.printed_hant, found.printed_en) or found.printed_at
        told.append(say("stations.note_print", site=name))
    if found.escort:
        told.append(say("escorts.note", name=found.escort))
    if found.orders:
        told.append(say("orders.note_hand_in", n=found.orders))
    if found.machine:
        told.append(say("helps.note", machine=found.machine))
    return told
