"""The demo's machines as their programs read them: one file for the agent, one for the voice, one for what is wired to them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from floor.settings import Settings

PAPER_PORT = 100  # beside the hall's own port: control here, printers behind it
OWN_PAGE_PORT = 150  # of dispensers that go on alone
EVALUATOR_PORT = 200
CARD_PORT = 300  # control here, LED cards behind it
CABLE_PORT = 400  # control here, network cables behind it
HANDS_PORT = 500  # control here, keypads behind it, card readers READER_PORT further
READER_PORT = 50
READER_KIOSK, KEYPAD_WINDOW = "dispenser-1", "1"  # the kiosk with a reader of identity cards, the window with keys
CARD_WINDOWS = ("1", "2", "3")  # their strips hang on control cards and cables of their own; the others are drawn by their driver


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the demo hall. `name` is its name in the agent's ledger and never changes, `called` is what people call
    it; `code` until it has paired."""

    kind: str
    name: str
    called: str
    zone: str | None = None
    window: str | None = None
    code: str | None = None


def write(settings: Settings, machines: Sequence[Machine]) -> None:
    """Write agents/{agent,voice,peers}.toml below the data directory. They hold pairing codes: for their owner alone."""
    folder = settings.data_dir / "agents"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    speakers = [machine for machine in machines if machine.kind == "speaker"]
    others = [machine for machine in machines if machine.kind != "speaker"]
    _replace(folder / "agent.toml", _agent(settings, "agent", others))
    _replace(folder / "voice.toml", _agent(settings, "voice", speakers))
    _replace(folder / "peers.toml", _peers(settings, machines))


def _replace(file: Path, lines: Iterator[str]) -> None:
    """Write a file whole: a program that reads it at the same time sees the old one or the new one."""
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("\n".join(lines) + "\n", "utf-8")
    fresh.replace(file)


def _agent(settings: Settings, program: str, machines: Sequence[Machine]) -> Iterator[str]:
    yield from _table(
        "[agent]",
        server=f"http://127.0.0.1:{settings.port}",
        link=f"ws://127.0.0.1:{settings.link_port}/devices/link",  # ports may change between starts; pairing is for good
        state=str(settings.data_dir / "agents" / program),
    )
    for machine in machines:
        known: dict[str, str | int] = {"kind": machine.kind, "name": machine.name}
        if machine.code:
            known["code"] = machine.code
        yield from _table("[[device]]", **known, **_equipment(settings, machine))


def _equipment(settings: Settings, machine: Machine) -> dict[str, str | int]:
    """What is wired to a machine of the demo: programs on this computer, and folders the browser looks into."""
    n = machine.name.rpartition("-")[2]
    shown = settings.data_dir / "demo"
    match machine.kind:
        case "dispenser":
            reader = f"tcp://127.0.0.1:{_near(settings, HANDS_PORT + READER_PORT, int(n))}"
            return {
                "printer": f"tcp://127.0.0.1:{_near(settings, PAPER_PORT, int(n))}",
                "page": f"127.0.0.1:{_near(settings, OWN_PAGE_PORT, int(n))}",
                **({"card_reader": reader} if machine.name == READER_KIOSK else {}),
            }
        case "keypad":
            return {"keypad": f"tcp://127.0.0.1:{_near(settings, HANDS_PORT, int(n))}"}
        case "speaker":
            return {"play": "files", "out": str(shown / "voice")}
        case "led" if machine.window in CARD_WINDOWS:
            cable = f"ws://127.0.0.1:{_near(settings, CABLE_PORT, int(n))}/devices/link"
            card = f"tcp://127.0.0.1:{_near(settings, CARD_PORT, int(n))}"
            return {"driver": "onbon_bx", "card": card, "colour": "red", "link": cable}
        case "led":
            return {"out": str(shown / "led")}
        case _:
            return {"listen": f"127.0.0.1:{_near(settings, EVALUATOR_PORT, int(n))}"}


def _near(settings: Settings, offset: int, n: int) -> int:
    """A port near the hall's own: below it where there is no room above."""
    return settings.port + (offset + n if settings.port < 65000 else -offset - n)


def _peers(settings: Settings, machines: Sequence[Machine]) -> Iterator[str]:
    """The other ends of the cables: printers and LED cards."""
    control = f"127.0.0.1:{_near(settings, PAPER_PORT, 0)}"
    yield from _table("[paper]", out=str(settings.data_dir / "demo" / "paper"), control=control)
    for machine in machines:
        if machine.kind == "dispenser":
            n = int(machine.name.rpartition("-")[2])
            yield from _table("[[printer]]", name=machine.name, listen=f"127.0.0.1:{_near(settings, PAPER_PORT, n)}")
    control = f"127.0.0.1:{_near(settings, CARD_PORT, 0)}"
    yield from _table("[cards]", out=str(settings.data_dir / "demo" / "led"), control=control)
    for machine in machines:
        if machine.kind == "led" and machine.window in CARD_WINDOWS:
            at = f"tcp://127.0.0.1:{_near(settings, CARD_PORT, int(machine.name.rpartition('-')[2]))}"
            yield from _table("[[card]]", name=machine.name, at=at)
    yield from _table("[network]", control=f"127.0.0.1:{_near(settings, CABLE_PORT, 0)}")
    for machine in machines:
        if machine.kind == "led" and machine.window in CARD_WINDOWS:
            listen = f"127.0.0.1:{_near(settings, CABLE_PORT, int(machine.name.rpartition('-')[2]))}"
            yield from _table("[[cable]]", name=machine.name, listen=listen, to=f"127.0.0.1:{settings.link_port}")
    yield from _table("[hands]", control=f"127.0.0.1:{_near(settings, HANDS_PORT, 0)}")
    for machine in machines:
        n = int(machine.name.rpartition("-")[2]) if machine.kind in ("keypad", "dispenser") else 0
        if machine.kind == "keypad":
            yield from _table("[[keypad]]", name=machine.name, listen=f"127.0.0.1:{_near(settings, HANDS_PORT, n)}")
        elif machine.name == READER_KIOSK:
            port = _near(settings, HANDS_PORT + READER_PORT, n)
            yield from _table("[[reader]]", name=f"reader-{n}", listen=f"127.0.0.1:{port}")


def control(settings: Settings, peer: str) -> tuple[str, int]:
    """Where the simulated printers (`paper`), LED cards (`cards`), network cables (`network`) and the hands at keypads and card
    readers (`hands`) are told what to do."""
    ports = {"paper": PAPER_PORT, "cards": CARD_PORT, "network": CABLE_PORT, "hands": HANDS_PORT}
    return "127.0.0.1", _near(settings, ports[peer], 0)


def _table(heading: str, **values: str | int) -> Iterator[str]:
    """One TOML table; JSON's strings and numbers are TOML's too."""
    yield heading
    for name, value in values.items():
        yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
    yield ""
