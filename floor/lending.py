"""How dispensers go on alone: what the link lends them, and how it takes in the tickets they bring home."""

from datetime import timedelta

from devices import wire
from devices.errors import PressRefused
from devices.line import Lent
from devices.registry import Device, get_device
from floor.database import Pool
from floor.kept import Kept
from queueing import numbers
from queueing.numbers import Issued, Lease

MOST_OFF_MS = 1e10  # a clock wrong by more than four months measures nothing
PEAKS_S = 600.0  # a peak hour does not move faster than this


class Lending:
    """The numbers in dispensers' hands. `pages` is the address of the hall's pages, for the codes on paper."""

    def __init__(self, pool: Pool, pages: str) -> None:
        self.pool = pool
        self.pages = pages
        self._peaks: Kept[int, dict[str, int]] = Kept(PEAKS_S)

    async def lent(self, device: Device) -> Lent:
        """Lend a dispenser what it lacks, and give all it holds."""
        assert device.first_offline is not None and device.paired_at is not None, f"{device.id} lends nothing"
        async with self.pool.acquire() as db:
            peaks = await self._peaks.get(device.hall, lambda: numbers.peaks(db, device.hall))
            await numbers.grant(db, device.hall, device.id, device.first_offline, device.paired_at, peaks)
            held = await numbers.leases(db, device.hall, device.id, device.paired_at)
            return Lent(await numbers.issued(db, device.id), [self.told(lease) for lease in held])

    def told(self, lease: Lease) -> wire.Lease:
        """A lease as its dispenser reads it; the line puts its own `gen` in."""
        names = {"zh-Hans": lease.name, "zh-Hant": lease.name_hant or lease.name, "en": lease.name_en or lease.name}
        return wire.Lease(
            gen=0, lease=lease.lease_id, service=lease.service, day=lease.day.isoformat(), first=lease.first, last=lease.last,
            until=lease.until, opens=lease.opens,
            data={
                "prefix": lease.prefix, "names": names, "where": lease.zone_name, "hall": lease.hall_name,
                "line": lease.ticket_line,
                "url": f"{self.pages}/t/", "utc_offset_s": lease.utc_offset_s, "kiosk": f"/{lease.hall_code}/kiosk",
            },
        )  # fmt: skip

    async def accept(self, device: Device, issued: wire.Issued) -> int:
        """Take in a batch, in order; through which seq the hall now has everything. PressRefused."""
        if device.kind != "dispenser":
            raise PressRefused("not_allowed", "Only a dispenser gives out numbers.")
        async with self.pool.acquire() as db:
            offset = offset_of(await get_device(db, device.id))
            for ticket in issued.tickets:
                await numbers.accept(db, device.hall, device.id, read(ticket, offset))
            return max((ticket.seq for ticket in issued.tickets), default=0) or await numbers.issued(db, device.id)


def offset_of(device: Device) -> timedelta:
    """What the device's clock lacks of the hall's, as it measured last."""
    measured = device.parts.get("link", {}).get("offset_ms")
    if not isinstance(measured, int | float) or abs(measured) > MOST_OFF_MS:
        return timedelta()
    return timedelta(milliseconds=measured)


def read(ticket: wire.IssuedTicket, offset: timedelta) -> Issued:
    return Issued(ticket.seq, ticket.lease, ticket.number, ticket.at, ticket.up_ms, offset, ticket.key, ticket.lang)
