"""The demo's wall shows what its machines left behind, to its own staff, and not one file beyond."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.settings import Settings
from tests.floor.screens import Client, browser, staff

PIXEL = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, demo=True)


@pytest.fixture
def shown(settings: Settings) -> Path:
    """A strip, a paper and two sentences as the drivers write them."""
    folder = settings.data_dir / "demo"
    for part in ("led", "paper/dispenser-1", "voice/speaker-a"):
        (folder / part).mkdir(parents=True)
    strip = {"device": "led-1", "state": "call", "text": "请A001到1号窗口", "width": 128, "height": 16, "flash": True}
    (folder / "led/led-1.json").write_text(json.dumps(strip))
    (folder / "led/led-1.png").write_bytes(PIXEL)
    (folder / "paper/dispenser-1/1.png").write_bytes(PIXEL)
    paper = {"n": 1, "at": "2026-11-22T02:00:00.000+00:00", "width": 576, "height": 900, "bytes": 9, "torn": False}
    (folder / "paper/dispenser-1/paper.jsonl").write_text(json.dumps(paper) + "\n")
    said = [
        {"at": f"2026-11-22T02:00:0{n}.000+00:00", "text": f"请A零零{n}号", "wav": f"{n}.wav", "seconds": 4.5} for n in (1, 2)
    ]
    lines = "".join(json.dumps(line) + "\n" for line in said)
    (folder / "voice/speaker-a/said.jsonl").write_text(lines + '{"at": "2026-11-22T02:0')  # the last is being written
    (folder / "voice/speaker-a/1.wav").write_bytes(b"RIFF")
    (settings.data_dir / "secret").write_text("never shown")
    return folder


@pytest.fixture
async def someone(app: Starlette, db: Connection, people: None, shown: Path) -> Client:
    return await staff(app, db, "clerk01")


async def test_the_newest_come_first_and_a_half_written_line_waits(someone: Client) -> None:
    found = (await someone.get("/demo/wall/now")).json()
    assert [(strip["device"], strip["text"]) for strip in found["strips"]] == [("led-1", "请A001到1号窗口")]
    assert [(paper["id"], paper["at"]) for paper in found["papers"]] == [("dispenser-1/1", "10:00")]
    assert [said["id"] for said in found["said"]] == ["speaker-a/2", "speaker-a/1"]


async def test_a_hall_whose_machines_have_not_begun_shows_nothing(someone: Client, shown: Path) -> None:
    shown.rename(shown.with_name("elsewhere"))
    assert (await someone.get("/demo/wall/now")).json() == {"strips": [], "papers": [], "said": []}


@pytest.mark.parametrize(
    ("file", "kind"),
    [("led/led-1.png", "image/png"), ("paper/dispenser-1/1.png", "image/png"), ("voice/speaker-a/1.wav", "audio/")],
)
async def test_pictures_and_sounds_are_served(someone: Client, file: str, kind: str) -> None:
    answer = await someone.get(f"/demo/wall/{file}")
    assert (answer.status_code, answer.headers["content-type"].startswith(kind)) == (200, True)


@pytest.mark.parametrize(
    "file",
    [
        "led/led-9.png",
        "led/led-1.json",
        "paper/dispenser-1/paper.jsonl",
        "voice/../../secret",
        "led/..%2F..%2Fsecret",
        "voice/%2E%2E/1.wav",
    ],
)
async def test_nothing_else_is_served(someone: Client, file: str) -> None:
    assert (await someone.get(f"/demo/wall/{file}")).status_code == 404


async def test_a_stranger_sees_nothing_of_it(app: Starlette, someone: Client) -> None:
    assert (await browser(app).get("/demo/wall/led/led-1.png")).status_code in (303, 401)
    assert (await browser(app).get("/demo/wall/now")).status_code in (303, 401)
