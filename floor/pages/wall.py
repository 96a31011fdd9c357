"""The device wall of the demo hall: what its strips show, its printers printed and its speakers said, for all to see and hear."""

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from floor import acts
from floor.database import acquire
from floor.pages import render
from floor.pages.wording import hours, zone_name
from floor.signin import require
from floor.words import Words, language, words
from queueing.errors import NotFound
from queueing.halls import Hall, zones
from queueing.windows import list_windows

PAPERS, SENTENCES = 12, 20  # the newest shown
TAIL = 16 * 1024  # bytes read from the end of a record: a few dozen lines
NAME = re.compile(r"[a-z0-9-]{1,40}")
FILES = {"led": re.compile(r"[a-z0-9-]{1,40}\.png"), "paper": re.compile(r"\d{1,9}\.png"), "voice": re.compile(r"\d{1,9}\.wav")}


async def wall(request: Request) -> Response:
    """The page: every window's strip in its zone; papers and sentences fill in by themselves."""
    hall = await demo_hall(request)
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        every = await list_windows(db, hall)
        areas = [
            {"name": zone_name(t, zone), "windows": [window.no for window in every if window.zone == zone.code]}
            for zone in await zones(db, hall)
        ]
    return render(request, "wall.html", hall=hall, areas=areas)


async def demo_hall(request: Request) -> Hall:
    """The hall of the address, for its staff, where it is the demo's; NotFound elsewhere."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, hall=hall.id)
    if not request.app.state.settings.demo:
        raise NotFound(what="page")
    return hall


async def now(request: Request) -> Response:
    """What the machines left behind, as the page draws it: strips by device, the newest papers and sentences first."""
    hall = await demo_hall(request)
    say = words(language(request))
    found = await asyncio.to_thread(look, request.app.state.settings.data_dir / "demo", hall, say)
    return JSONResponse(found, headers={"cache-control": "no-store"})


def called(by: str, say: Words) -> str:
    """A machine of the demo as people know it: "speaker-d" is the speaker of area D, "dispenser-1" the first dispenser."""
    kind, _, n = by.rpartition("-")
    if kind == "speaker":
        return f"{say['fleet.kind_speaker']} · {say('fleet.zone', code=n.upper())}"
    return f"{say['fleet.kind_dispenser']} {n}"


def look(folder: Path, hall: Hall, say: Words) -> dict[str, Any]:
    """Read the folders of the demo's machines."""
    papers = lines(folder / "paper", "paper.jsonl")
    said = lines(folder / "voice", "said.jsonl")
    return {
        "strips": [strip(file) for file in sorted((folder / "led").glob("[!.]*.json"))],
        "papers": [
            {
                "id": f"{one['by']}/{one['n']}",
                "at": at(hall, one),
                "by": called(one["by"], say),
                "width": one["width"],
                "height": one["height"],
            }
            for one in papers[:PAPERS]
        ],
        "said": [
            {
                "id": f"{one['by']}/{one['wav'].removesuffix('.wav')}",
                "at": at(hall, one),
                "by": called(one["by"], say),
                "text": one["text"],
                "seconds": one["seconds"],
            }
            for one in said[:SENTENCES]
        ],
    }


def strip(file: Path) -> dict[str, Any]:
    """A strip's state; `version` changes with its picture."""
    state: dict[str, Any] = json.loads(file.read_text("utf-8"))
    picture = file.with_suffix(".png")
    return state | {"version": picture.stat().st_mtime_ns if picture.exists() else 0}


def lines(folder: Path, record: str) -> list[dict[str, Any]]:
    """The newest lines of every machine's record below a folder, newest first; `by` is the machine."""
    found = []
    for file in folder.glob(f"*/{record}"):
        with file.open("rb") as tail:
            start = max(0, file.stat().st_size - TAIL)
            tail.seek(start)
            whole = tail.read().split(b"\n")[1 if start else 0 : -1]  # the first may be cut, the last not yet whole
        found += [json.loads(line) | {"by": file.parent.name} for line in whole]
    return sorted(found, key=lambda line: str(line["at"]), reverse=True)


def at(hall: Hall, line: dict[str, Any]) -> str:
    return hours(hall, datetime.fromisoformat(line["at"]))


async def made(request: Request) -> Response:
    """One picture or sound."""
    await demo_hall(request)
    kind, file = request.path_params["kind"], request.path_params["file"]
    by = request.path_params.get("by", "")
    if kind not in FILES or not FILES[kind].fullmatch(file) or (kind == "led") == bool(by) or (by and not NAME.fullmatch(by)):
        raise NotFound(what="file")
    path = request.app.state.settings.data_dir / "demo" / kind / by / file
    if not await asyncio.to_thread(path.is_file):
        raise NotFound(what="file")
    return FileResponse(path, headers={"cache-control": "private, max-age=60"})


ROUTES = [
    Route("/{hall}/wall", wall),
    Route("/{hall}/wall/now", now),
    Route("/{hall}/wall/{kind}/{file}", made),
    Route("/{hall}/wall/{kind}/{by}/{file}", made),
]
