"""The ways a message leaves by: what a gateway is asked, what a mail server gets, what apprise is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from displays.sealed import Seal, Unreadable, masked, phone_of
from displays.ways import WAYS, Message, NotTaken, make
from displays.ways.http import Gateway as HttpGateway
from tests.displays.gateway import Gateway, gateway_running

MESSAGE = Message("demo-7", "phone", "13912345678", '请A001到3号"窗口\\', "called", "zh-Hans", {"ticket": "A001", "window": "3"})


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with gateway_running(tmp_path / "gateway.jsonl") as running:
        yield running


def test_every_module_of_the_folder_is_in_the_list() -> None:
    folder = Path(__file__).parents[2] / "displays" / "ways"
    assert {f"displays.ways.{file.stem}" for file in folder.glob("*.py") if file.stem != "__init__"} == set(WAYS.values())


def test_each_gap_is_escaped_for_where_it_stands() -> None:
    setting = {
        "url": "https://sms.example.cn/{template}?to={phone}&t={text}", "headers": {"X-Sign": "{secret}", "X-Text": "{text}"},
        "body": '{"to": "{phone}", "t": "{text}", "p": {"no": "{ticket}", "own": "{other}"}}',
    }  # fmt: skip
    way = make("phone", "http", setting, "geheim")
    assert isinstance(way, HttpGateway)
    told = way.told(MESSAGE)
    assert told["url"] == (
        "https://sms.example.cn/called?to=13912345678&t=%E8%AF%B7A001%E5%88%B03%E5%8F%B7%22%E7%AA%97%E5%8F%A3%5C"
    )
    assert json.loads(told["content"]) == {"to": "13912345678", "t": MESSAGE.text, "p": {"no": "A001", "own": "{other}"}}
    assert (told["headers"]["X-Sign"], told["headers"]["Idempotency-Key"]) == ("geheim", "demo-7")
    assert "\n" not in told["headers"]["X-Text"]


async def test_a_form_arrives_as_a_form(gateway: Gateway) -> None:
    form = gateway.setting(body_type="form", body="to={phone}&text={text}")
    await make("phone", "http", form, "").send(MESSAGE)
    assert gateway.lines[-1]["body"] == ("to=13912345678&text=%E8%AF%B7A001%E5%88%B03%E5%8F%B7%22%E7%AA%97%E5%8F%A3%5C")


async def test_a_gateway_nobody_runs_is_unreachable() -> None:
    with pytest.raises(NotTaken, match="unreachable"):
        await make("phone", "http", {"url": "http://127.0.0.1:9/x", "timeout_s": 2}, "").send(MESSAGE)


async def test_apprise_reaches_what_it_knows(gateway: Gateway) -> None:
    way = make("phone", "apprise", {"url": gateway.url.replace("http://", "json://") + "/send/{to}"}, "")
    await way.send(MESSAGE)
    line = gateway.lines[-1]
    assert (line["path"], json.loads(line["body"])["message"]) == ("/send/13912345678", MESSAGE.text)
    gateway.fail("500")
    with pytest.raises(NotTaken, match="refused"):
        await way.send(MESSAGE)


@asynccontextmanager
async def mail_server(refuses: bool = False) -> AsyncIterator[tuple[int, list[str]]]:
    """Takes mail as RFC 5321 says, one line at a time; the letters it took."""
    letters: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := (await reader.readline()).decode().strip().upper():
            if line.startswith("DATA"):
                writer.write(b"354 go\r\n")
                letters.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 kept\r\n")
            elif line.startswith("RCPT") and refuses:
                writer.write(b"550 no such box for 13912345678\r\n")
            elif line.startswith("QUIT"):
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 mail\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], letters


async def test_a_mail_is_a_letter_with_one_id_at_every_try() -> None:
    mail = Message("demo-7", "mail", "wang@example.cn", "请到3号窗口", "called", "zh-Hans", {"hall": "测试政务大厅"})
    async with mail_server() as (port, letters):
        setting = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "hall@example.cn"}
        await make("mail", "smtp", setting, "").send(mail)
        await make("mail", "smtp", setting, "").send(mail)
    assert [letter.count("Message-ID: <demo-7@127.0.0.1>") for letter in letters] == [1, 1]
    assert "To: wang@example.cn" in letters[0]


async def test_a_refused_mail_says_the_code_and_not_whom() -> None:
    mail = Message("demo-7", "mail", "wang@example.cn", "x", "called", "en", {})
    async with mail_server(refuses=True) as (port, _):
        setting = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "hall@example.cn"}
        with pytest.raises(NotTaken) as refusal:
            await make("mail", "smtp", setting, "").send(mail)
    assert str(refusal.value) == "smtp 550"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("139 1234-5678", "13912345678"), ("+86 13912345678", "13912345678"), ("008613912345678", "13912345678"),
        ("+852 9123 4567", "+85291234567"), ("(0858) 822-1234", "08588221234"), ("12345", None), ("１３９１２３４５６７８", None),
        ("139'; DROP", None),
    ],
)  # fmt: skip
def test_a_number_is_one_however_it_is_written(written: str, number: str | None) -> None:
    assert phone_of(written) == number


def test_a_sealed_number_opens_in_its_own_place_alone() -> None:
    seal = Seal(b"a secret of thirty-two characters")
    closed = seal.close("13912345678", "contact:a")
    assert (seal.open(closed, "contact:a"), closed != seal.close("13912345678", "contact:a")) == ("13912345678", True)
    for other, place in ((seal, "contact:b"), (Seal(b"another secret of 32 characters!!"), "contact:a")):
        with pytest.raises(Unreadable):
            other.open(closed, place)


def test_a_screen_shows_a_number_masked() -> None:
    shown = [masked(address) for address in ("13912345678", "+85291234567", "12345678", "wang@example.cn")]
    assert shown == ["139****5678", "+85****4567", "****78", "w***@example.cn"]
