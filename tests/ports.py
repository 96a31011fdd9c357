"""Ports for what a test starts: below those the system lends to whoever dials, and never one twice in a process."""

import random
import socket

# Asked for "any port", the system gives one that the next dialler, or the next asker, may have a moment later.
PORTS = range(10_000, 32_000)
given: set[int] = set()


def free_port() -> int:
    """A port of this machine on which nobody listens now."""
    for port in random.sample(PORTS, 200):
        if port in given:
            continue
        given.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError("no free port was found")
