"""How a page is drawn: its template, the hall's words in the reader's language, and nothing kept by the browser."""

import re
import secrets
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse

from floor.pages.places import PAGES, grouped, menu
from floor.signin import csrf_token
from floor.words import LANGUAGES, language, said_in, words

# Where one person works, a chosen language stays chosen. A kiosk forgets it with each citizen.
WORKPLACE = re.compile(rf"/(signin|[a-z0-9-]+/({'|'.join(PAGES)})(/[\w-]+){{0,2}})?")
YEAR_S = 365 * 24 * 3600

TEMPLATES = Path(__file__).parent.parent / "templates"


class RowNumber(IntegerConvertor):
    """The number of a row in an address of a page: one longer than any column of the database holds is no page."""

    regex = "[0-9]{1,9}"


register_url_convertor("int", RowNumber())


@cache
def environment() -> Environment:
    """The templates, compiled once; a name nobody gave is an error and not an empty space."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def mint_press() -> str:
    """A new press id: 128 random bits, drawn into a button so that pressing it twice acts once."""
    return secrets.token_urlsafe(16)


def render(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """A page or a fragment of one. Beside `context` every template has t, lang, languages, csrf_token, link_url,
    person, menu (places), grouped, demo (whether this is one), press (mints a press id) and request.
    """
    lang = language(request)
    person = request.scope.get("hall.people", {}).get("current")
    host = request.headers.get("host", "")
    text = (
        environment()
        .get_template(template)
        .render(
            {
                "t": words(lang),
                "lang": lang,
                "languages": LANGUAGES,
                "csrf_token": csrf_token(request),
                "link_url": request.app.state.settings.link_address(host),
                "press": mint_press,
                "request": request,
                "person": person,
                "menu": menu(person),
                "grouped": grouped,
                "demo": request.app.state.settings.demo,
                **context,
            }
        )
    )
    page = HTMLResponse(text, status, headers={"cache-control": "no-store", **said_in(lang)})
    if "lang" in request.query_params and WORKPLACE.fullmatch(request.url.path):
        page.set_cookie("lang", lang, max_age=YEAR_S, httponly=True, samesite="lax")
    return page
