"""Text as a control card can show it: one or two bytes a character, and a stand-in for those its font lacks.

A card that is sent bytes it has no dots for shows anything at all, so such a character never leaves here. Characters
that an official list of 1955 gave as variants of a common one (喆 of 哲, 堃 of 坤, 镕 of 熔) are shown as that one, some
dashes and dots as their GB 2312 twin, and every other one (玥, 䶮) as 〓, the printers' mark for a character they lack.
"""

from __future__ import annotations

from typing import Literal

Charset = Literal["gb2312", "gbk"]

MISSING = "〓"
TWINS = {"·": "・", "—": "―", "\u00a0": " ", "喆": "哲", "堃": "坤", "镕": "熔"}


def spell(text: str, charset: Charset) -> str:
    """The text with every character that `charset` lacks replaced; control characters go."""
    return "".join(_known(char, charset) for char in text if char.isprintable())


def encode(text: str, charset: Charset) -> bytes:
    """The bytes of a text that was spelled before."""
    return b"".join(_bytes(char, charset) or b"" for char in text)


def decode(raw: bytes) -> str:
    """What a card with a font of GBK makes of the bytes; it shows 〓 for what is none."""
    return raw.decode("gbk", errors="replace").replace("\ufffd", MISSING)


def _known(char: str, charset: Charset) -> str:
    if _bytes(char, charset):
        return char
    twin = TWINS.get(char, MISSING)
    return twin if _bytes(twin, charset) else MISSING


def _bytes(char: str, charset: Charset) -> bytes | None:
    """One or two bytes, or None. The two codecs disagree on a few signs, so GB 2312's own bytes are taken first."""
    for codec in ("gb2312", "gbk") if charset == "gbk" else ("gb2312",):
        try:
            return char.encode(codec)
        except UnicodeEncodeError:
            continue
    return None
