"""The places where staff work, in the order of the menu, and who works there."""

from dataclasses import dataclass

from floor.signin import Person


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the staff's: its name is the word in its address and in the catalogues. `inner` are pages one reaches from it."""

    name: str
    roles: frozenset[str]
    inner: tuple[str, ...] = ()

    def address(self, hall: str) -> str:
        return f"/{hall}/{self.name}"

    def holds(self, page: str) -> bool:
        return page == self.name or page in self.inner


def place(name: str, roles: str, inner: str = "") -> Place:
    return Place(name, frozenset(roles.split()), tuple(inner.split()))


PLACES = (
    place("manage", "leader manager auditor"),
    place("console", "clerk leader manager"),
    place("shifts", "clerk"),
    place("desk", "desk leader manager"),
    place("bookings", "desk leader manager auditor"),
    place("dispatch", "leader manager", "offsite"),
    place("papers", "clerk desk leader manager", "callbacks"),
    place("intakes", "desk leader manager auditor"),
    place("orders", "agent desk leader manager"),
    place("calendar", "clerk desk leader manager auditor"),
    place("roster", "leader manager auditor", "contracts patterns zones"),
    place("overtime", "leader manager auditor"),
    place("helps", "clerk desk leader manager engineer", "escorts sites figures"),
    place("matters", "leader manager auditor"),
    place("rules", "leader manager auditor"),
    place("promises", "leader manager auditor"),
    place("notices", "manager engineer auditor"),
    place("fleet", "engineer manager"),
    place("voice", "engineer manager"),
    place("faults", "engineer manager"),
)
# Every page where a chosen language stays chosen: a doorstep team's phone has no menu.
PAGES = ("field", "station", *(name for place in PLACES for name in (place.name, *place.inner)))


def menu(person: Person | None, demo: bool) -> list[Place]:
    """Where this person may go; the page of made-up faults is there in the demo alone."""
    if person is None:
        return []
    return [one for one in PLACES if not one.roles.isdisjoint(person.roles) and (demo or one.name != "faults")]
