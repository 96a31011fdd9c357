"""The identity card on a kiosk's reader, as its page sees it: a token that the next number may be taken with."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devices import registry
from floor import acts, cards
from floor.database import acquire
from floor.pages import render
from floor.signin import kiosk
from floor.words import LANGUAGES, spoken, words


async def has_reader(request: Request, device: str) -> bool:
    """Whether this kiosk reads identity cards: its agent tells of a reader."""
    async with acquire(request.app.state.pool) as db:
        return "cards" in (await registry.get_device(db, device)).parts


async def lying_card(request: Request) -> Response:
    """The card that was laid on this kiosk's reader, while it counts; empty when there is none."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person, t = await kiosk(request), words(spoken(request.query_params.get("lang", "")) or LANGUAGES[0])
    here = person is not None and person.hall == hall.id and person.device
    token = await cards.lying(request.app.state.redis, here) if here else None
    return render(request, "_kiosk_card.html", lang=t.lang, t=t, hall=hall, card=token)


ROUTES = [Route("/{hall}/kiosk/card", lying_card)]
