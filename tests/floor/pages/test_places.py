"""The menu of the staff: whoever is shown a place may go there, and nobody else."""

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.pages.places import PLACES, Place, grouped, menu
from floor.people import add_user
from floor.signin import Person
from floor.words import LANGUAGES, words
from queueing.halls import Hall
from tests.floor.conftest import HASHED, PASSWORD, PEOPLE, client_of
from tests.floor.pages.staff import staff


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_who_is_shown_a_place_may_go_there_and_nobody_else(app: Starlette, hall: Hall, place: Place) -> None:
    for username in sorted(set(PEOPLE) - {"clerk02"}):
        client = await staff(app, username)
        answer = await client.get(place.address(hall.code), follow_redirects=True)
        shown = f'<a href="/demo/{place.name}" aria-current="page">' in answer.text
        allowed = not place.roles.isdisjoint(PEOPLE[username])
        assert (username, answer.status_code == 200, shown) == (username, allowed, allowed)


def test_every_place_and_group_has_a_name_of_its_own_in_every_language() -> None:
    for lang in LANGUAGES:
        say = words(lang)
        for names in ([f"places.{place.name}" for place in PLACES], sorted({f"places.group_{place.group}" for place in PLACES})):
            assert len({say[name] for name in names}) == len(names)


def test_many_places_are_grouped_in_the_order_of_the_menu_and_few_are_not() -> None:
    manager = menu(Person(1, "manager:m", "m", frozenset({"manager"}), "cookie"))
    groups = grouped(manager, "escorts")
    assert [place for _, own, _ in groups for place in own] == manager
    assert [(group, here.name if here else None) for group, _, here in groups] == [
        ("now", "helps"), ("people", None), ("door", None), ("rules", None), ("machines", None),
    ]  # fmt: skip
    assert grouped(menu(Person(1, "clerk:c", "c", frozenset({"clerk"}), "cookie")), "console") == []


@pytest.mark.parametrize(
    ("username", "page"),
    [("clerk01", "console"), ("desk01", "desk"), ("leader01", "manage"), ("manager", "manage"), ("engineer", "fleet"),
     ("auditor", "manage"), ("door01", "field"), ("agent01", "orders")],
)  # fmt: skip
async def test_who_signs_in_lands_where_the_own_work_is(
    app: Starlette, db: Connection, hall: Hall, username: str, page: str
) -> None:
    for name, role in (("door01", "doorstep"), ("agent01", "agent")):
        await add_user(db, hall.id, name, HASHED, name=name, roles=[role])
    client = client_of(app, accept="text/html")
    answer = await client.post("/signin", data={"username": username, "password": PASSWORD, "next": "/"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/demo/{page}")
    assert (await client.get(answer.headers["location"])).status_code == 200
    front = await client.get("/")
    assert f'href="/demo/{page}">我的工作页' in front.text


async def test_who_comes_to_anothers_place_is_shown_the_way_to_the_own(app: Starlette, hall: Hall) -> None:
    answer = await (await staff(app, "clerk01")).get("/demo/fleet")
    assert (answer.status_code, 'href="/demo/console">我的工作页' in answer.text) == (403, True)
