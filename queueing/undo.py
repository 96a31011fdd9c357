"""Taking back a transfer: the visitor has not gone far and is called again where the ticket was, as it was."""

from queueing.calls import CALLED, FREE_SEAT, Seat, of_window
from queueing.db import Db, Press, recorded
from queueing.halls import Hall
from queueing.tickets import TODAY, Act, told

# Only the newest thing that happened to the ticket is taken back, only by the window that did it, and only while nobody
# has called the ticket elsewhere.
TAKE_BACK = recorded(
    f"""
WITH {FREE_SEAT}, sent AS (
    SELECT j.kind, j.data FROM tickets t JOIN journal j ON j.ticket = t.id
    WHERE t.hall = $1 AND t.number = $7 AND t.day = {TODAY} ORDER BY j."offset" DESC LIMIT 1
), moved AS (
    UPDATE tickets t SET {CALLED}, service = sent.data ->> 'from_service', for_window = sent.data ->> 'was_for' FROM seat, sent
    WHERE t.hall = $1 AND t.number = $7 AND t.day = {TODAY} AND t.state = 'waiting'
      AND sent.kind = 'ticket.transferred' AND sent.data ->> 'from_window' = seat.no RETURNING t.*
)""",
    "'ticket.called'",
    told("'lang', m.lang, 'rule', 'special', 'by', jsonb_build_object('credit', m.credit)"),
)


async def take_back(db: Db, hall: Hall, seat: Seat, number: str, *, press: Press | None = None) -> Act:
    """Call a ticket again that this window has just sent elsewhere; it has its service and its window again."""
    return await of_window(db, TAKE_BACK, hall, seat, press, number, free=True, number=number)
