"""What the start prints: where the hall is, who may sign in, and what to click first."""

import socket

from floor.boot.furnished import Furnished, SignIns
from floor.boot.place import local_origin
from floor.settings import Settings

ROLES = {
    "clerk": "clerks", "desk": "guide desk", "leader": "zone leader", "manager": "hall manager",
    "engineer": "machines", "auditor": "record", "doorstep": "doorstep team", "agent": "agents",
}  # fmt: skip


def welcome(settings: Settings, furnished: Furnished, seconds: float) -> str:
    """The text of the first screen; `seconds` since the start."""
    origin = settings.public_url or local_origin(settings)
    lines = ["", f"  The hall is open (ready in {seconds:.1f} s).", "", f"  Start here     {origin}/"]
    lines += [f"  On the network {place}/" for place in network_origins(settings)]
    if furnished.sign_ins is not None:
        lines += demo_lines(origin, furnished.sign_ins)
    if furnished.first_door is not None:
        lines += ["", "  Nobody can sign in yet. Once, within a day, this makes the hall and its first manager:"]
        lines += [f"    {origin}{furnished.first_door}"]
    return "\n".join([*lines, "", "  Ctrl-C closes it; the next start finds everything as it was.", ""])


def demo_lines(origin: str, sign_ins: SignIns) -> list[str]:
    hall = f"{origin}/{sign_ins.hall}"
    people = [
        f"    {ROLES.get(role, role):<13} {names[0]}{f' … {names[-1]}' if len(names) > 1 else ''}"
        for role, names in sign_ins.people.items()
    ]
    return [
        f"  Kiosk          {hall}/kiosk (opened from Start here)",
        f"  Clerk          {hall}/console",
        f"  Board          {hall}/board/A",
        f"  LED and voice  {hall}/wall",
        f"  Manager        {hall}/manage",
        "",
        f"  Demo sign-ins, password {sign_ins.password}",
        *people,
        "",
        "  First: open Start here; its six steps sign you in and open each page, the kiosk too.",
    ]


def network_origins(settings: Settings) -> list[str]:
    """How other machines of the network reach the pages; asks the routing table, sends nothing."""
    if settings.public_url or settings.host not in ("0.0.0.0", "::"):
        return []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address nobody has: only the own side of the route is read
        except OSError:
            return []
        own = probe.getsockname()[0]
    return [] if own.startswith("127.") else [f"http://{own}:{settings.port}"]
