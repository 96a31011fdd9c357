"""What somebody is told whose papers an agent files: registered with the code, collected, filed, brought back, or off."""

from datetime import datetime, timedelta

from displays import contacts, notices
from displays.notices import Word
from displays.sealed import Seal
from floor.database import Db
from queueing.halls import Hall, business_day
from scheduling.orders import FORGET_AFTER, Order

SAYS = {
    "requested": "order_asked", "collected": "order_collected", "filed": "order_filed", "returned": "order_returned",
    "declined": "order_off", "cancelled": "order_off",
}  # fmt: skip


def subject(code: str) -> str:
    """What an order is called where numbers to write to are kept."""
    return f"order:{code}"


async def keep(db: Db, hall: Hall, code: str, phone: str, *, seal: Seal, lang: str) -> None:
    """Word of this order goes to that number, where the hall sends any."""
    day = await business_day(db, hall) + timedelta(days=hall.value(FORGET_AFTER))
    await contacts.keep(db, hall.id, subject(code), phone, seal=seal, lang=lang, day=day)


async def forget(db: Db, code: str) -> None:
    """The order was not made: nothing is told of it, and the number goes."""
    await contacts.forget(db, subject(code))


async def tell(db: Db, hall: Hall, order: Order) -> None:
    """Owe word of the stage an order is at, once. The number stays for as long as its holder's name after the stage is due,
    and after the end for as long as the last word is worth sending."""
    today, said = await business_day(db, hall), SAYS[order.state]
    until = today + notices.GOOD_FOR[said] if order.due is None else order.due + timedelta(days=hall.value(FORGET_AFTER))
    await contacts.keep_until(db, subject(order.code), until)
    now: datetime = await db.fetchval("SELECT hall_now()")
    data = {"order": order.number, "day": f"{order.due:%m-%d}" if order.due else ""}
    await notices.owe(db, hall, [Word(subject(order.code), said, 1, now, data)])
