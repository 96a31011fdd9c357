"""The places where staff work, in the order of the menu, and who works there."""

from dataclasses import dataclass
from itertools import groupby

from floor.signin import Person


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the staff's: its name is the word in its address and in the catalogues. `inner` are pages one reaches from it."""

    name: str
    group: str
    roles: frozenset[str]
    inner: tuple[str, ...] = ()

    def address(self, hall: str) -> str:
        return f"/{hall}/{self.name}"

    def holds(self, page: str) -> bool:
        return page == self.name or page in self.inner


def place(name: str, group: str, roles: str, inner: str = "") -> Place:
    return Place(name, group, frozenset(roles.split()), tuple(inner.split()))


PLACES = (
    place("manage", "now", "leader manager auditor"),
    place("console", "now", "clerk leader manager"),
    place("desk", "now", "desk leader manager"),
    place("helps", "now", "clerk desk leader manager engineer", "escorts"),
    place("shifts", "people", "clerk"),
    place("calendar", "people", "clerk desk leader manager auditor"),
    place("bookings", "people", "desk leader manager auditor"),
    place("intakes", "people", "desk leader manager auditor"),
    place("roster", "people", "leader manager auditor", "contracts patterns zones"),
    place("overtime", "people", "leader manager auditor"),
    place("dispatch", "door", "leader manager", "offsite"),
    place("papers", "door", "clerk desk leader manager", "callbacks"),
    place("orders", "door", "agent desk leader manager", "station"),
    place("matters", "rules", "leader manager auditor"),
    place("rules", "rules", "leader manager auditor"),
    place("promises", "rules", "leader manager auditor"),
    place("ladder", "rules", "leader manager auditor"),
    place("sites", "rules", "leader manager auditor"),
    place("notices", "machines", "manager engineer auditor"),
    place("fleet", "machines", "engineer manager"),
    place("voice", "machines", "engineer manager"),
)
# Every page where a chosen language stays chosen: a doorstep team's phone has no menu, made-up faults are for the demo alone.
PAGES = ("field", "faults", *(name for place in PLACES for name in (place.name, *place.inner)))
ONE_ROW = 7  # places that stand side by side; of more each group is a list that opens

# Where somebody's work begins, for the first of these that one is.
HOMES = {
    "manager": "manage", "leader": "manage", "auditor": "manage", "clerk": "console", "desk": "desk", "engineer": "fleet",
    "doorstep": "field", "agent": "orders",
}  # fmt: skip


def menu(person: Person | None) -> list[Place]:
    """Where this person may go."""
    return [one for one in PLACES if person is not None and not one.roles.isdisjoint(person.roles)]


def grouped(places: list[Place], page: str) -> list[tuple[str, list[Place], Place | None]]:
    """The places by group, with the one that holds the page that is shown; none where they fit into one row."""
    if len(places) <= ONE_ROW:
        return []
    groups = [(group, list(own)) for group, own in groupby(places, key=lambda one: one.group)]
    return [(group, own, next((one for one in own if one.holds(page)), None)) for group, own in groups]


def home_of(roles: frozenset[str], hall: str) -> str:
    """The page on which the work of somebody with these roles begins; the front door for a machine."""
    return next((f"/{hall}/{page}" for role, page in HOMES.items() if role in roles), "/")
