"""Figures of small halls, brought by themselves: signed with the key of their site, each version taken in once."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.acts.tickets import seal_of
from floor.api.routes import answer, asked, post
from floor.database import acquire
from floor.quality import rollup
from floor.quality.sheets import Signed
from floor.refusals import NotAllowed


class Kept(Struct):
    """What the centre has now. `new` false: it had it before."""

    site: str
    day: str
    version: int
    new: bool


async def take_in(request: Request) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    signed = await asked(request, Signed)
    await request.app.state.rates.allow_citizen(request, None)
    if signed.sheet.site != request.path_params["site"]:
        raise NotAllowed()
    async with acquire(request.app.state.pool) as db:
        new = await rollup.take_in(db, hall, signed, seal_of(request), via="net")
    if new:
        acts.ring(request, hall.id)
    sheet = signed.sheet
    return answer(Kept(sheet.site, sheet.day.isoformat(), sheet.version, new), 201 if new else 200)


ROUTES = [
    post(
        "/api/v1/halls/{hall}/sites/{site}/figures",
        take_in,
        "Bring a day's figures of a site",
        "Whoever signs with the key of the site",
        {201: Kept, 200: Kept},
        body=Signed,
        refusals=("sheet_differs", "too_fast"),
        once=False,
    ),
]
