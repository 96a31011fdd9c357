"""The menu of the staff: whoever is shown a place may go there, and nobody else."""

import pytest
from starlette.applications import Starlette

from floor.pages.places import PLACES, Place
from floor.words import LANGUAGES, words
from queueing.halls import Hall
from tests.floor.conftest import PEOPLE
from tests.floor.pages.staff import staff


@pytest.mark.parametrize("place", [place for place in PLACES if place.name != "faults"], ids=lambda place: place.name)
async def test_who_is_shown_a_place_may_go_there_and_nobody_else(app: Starlette, hall: Hall, place: Place) -> None:
    for username in sorted(set(PEOPLE) - {"clerk02"}):
        client = await staff(app, username)
        answer = await client.get(place.address(hall.code), follow_redirects=True)
        shown = f'<a href="/demo/{place.name}" aria-current="page">' in answer.text
        allowed = not place.roles.isdisjoint(PEOPLE[username])
        assert (username, answer.status_code == 200, shown) == (username, allowed, allowed)


def test_every_place_has_a_name_in_every_language() -> None:
    for lang in LANGUAGES:
        say = words(lang)
        names = [say[f"places.{place.name}"] for place in PLACES]
        assert len(set(names)) == len(names)
