"""`python -m devices.agent --config FILE.toml`: looks after every device of the file until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import structlog

from devices.agent import disk, watched
from devices.agent.config import AgentConfig, BadConfig, read_config
from devices.agent.device import Device
from devices.agent.ledger import Ledger
from devices.agent.logs import set_up_logs
from devices.drivers import BadSetting

log = structlog.get_logger()

AGAIN_S = 5.0  # a device whose code failed is started anew after this, the others never notice


async def look_after(config: AgentConfig) -> None:
    """Runs all devices until SIGTERM or SIGINT. BadSetting."""
    ledger = Ledger(config.state / "ledger.sqlite")
    devices = [Device(device, config, ledger) for device in config.devices]
    stop = asyncio.Event()
    _obey(stop)
    lives = [*(asyncio.create_task(_keep_alive(device)) for device in devices), asyncio.create_task(watched.live())]
    lives += [asyncio.create_task(disk.watch(config.state, device.disk_is)) for device in devices[:1]]  # one speaks for the box
    log.info("agent ready", devices=len(devices), server=config.server)
    watched.tell("READY=1")
    await stop.wait()
    watched.tell("STOPPING=1")
    await asyncio.gather(*(device.rest() for device in devices))
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    ledger.close()


def _obey(stop: asyncio.Event) -> None:
    """Stop when the system says so: SIGTERM and SIGINT, on Windows Ctrl-C and Ctrl-Break, which its loop cannot watch for."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)


async def _keep_alive(device: Device) -> None:
    """A device's fault is written down in full and costs that device five seconds."""
    while True:
        try:
            await device.run()
        except Exception:
            log.exception("device failed", device=device.name)
        await asyncio.sleep(AGAIN_S)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="devices.agent", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a TOML file; devices/agent/example.toml shows one")
    set_up_logs()
    try:
        config = read_config(parser.parse_args(arguments).config)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(look_after(config))
    except (BadConfig, BadSetting) as error:
        print(f"The agent can't start: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
