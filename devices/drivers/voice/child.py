"""The process that turns sentences into sound files, one at a time; whoever started it ends it when it hangs.

JSON lines in: {"id", "text", "voice", "rate", "file"}; out: {"ready"} once, then {"id", "seconds"} or {"id", "error"}.
It ends with its input.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
import wave
from pathlib import Path
from typing import Any, TextIO

import espeakng_loader

SHORTEST_S = 0.2  # a WAV shorter than this holds no sentence
TRIES = 3


def _load_engine() -> tuple[Any, Any]:
    """pyttsx3 on the bundled espeak-ng; it finds the library by its name once it is loaded, so the order matters."""
    os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()
    ctypes.CDLL(espeakng_loader.get_library_path() + (".1" if sys.platform == "linux" else ""))
    import pyttsx3
    from pyttsx3.drivers import _espeak

    engine = pyttsx3.init("espeak")
    engine.runAndWait()  # without this the first sentence returns before its file exists
    return engine, _espeak


def _speak(engine: Any, espeak: Any, ask: dict[str, Any]) -> float:
    """Writes the sentence to `file`; returns its seconds. RuntimeError when it stays empty."""
    part = ask["file"] + ".part"
    engine.setProperty("voice", ask["voice"])
    engine.setProperty("rate", ask["rate"])
    for _ in range(TRIES):
        while espeak.IsPlaying():  # a sentence begun while the last one still ends is cancelled: an empty file
            time.sleep(0.001)
        engine.save_to_file(ask["text"], part)
        engine.runAndWait()
        seconds = _seconds(part)
        if seconds > SHORTEST_S:
            Path(part).replace(ask["file"])
            return seconds
    raise RuntimeError(f"no sound came out of {TRIES} tries")


def _seconds(file: str) -> float:
    with wave.open(file) as sound:
        return float(sound.getnframes() / sound.getframerate())


def main(answers: TextIO) -> None:
    """Serves until standard input ends; `answers` is the real standard output, which pyttsx3 must not write to."""

    def answer(**line: Any) -> None:
        print(json.dumps(line), file=answers, flush=True)

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: hanging or not, it ends with its parent
    engine, espeak = _load_engine()
    answer(ready=True)
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            answer(id=ask["id"], seconds=round(_speak(engine, espeak, ask), 3))
        except (RuntimeError, OSError, wave.Error, EOFError) as error:
            answer(id=ask["id"], error=str(error))


if __name__ == "__main__":
    own, sys.stdout = sys.stdout, sys.stderr
    main(own)
