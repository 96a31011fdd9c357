"""`python -m devices.drivers --config FILE.toml`: all the simulated machines of one file in one program, as the demo has them.

The file has the tables of `devices.drivers.paper`, of `devices.drivers.cards`, of `devices.drivers.network` and of
`devices.drivers.hands`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from devices.agent.logs import set_up_logs
from devices.drivers import PEERS, told_to_stop


async def serve(settings: Mapping[str, Any]) -> None:
    """Every peer that has a table of its name, until SIGTERM or SIGINT."""
    stop = told_to_stop()
    await asyncio.gather(*(import_module(module).run(settings, stop) for name, module in PEERS.items() if name in settings))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="devices.drivers", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a TOML file with the tables of the peers")
    set_up_logs()
    asyncio.run(serve(tomllib.loads(parser.parse_args(sys.argv[1:]).config.read_text())))
