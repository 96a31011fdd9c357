"""The letters that go on paper and on strips."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import paperang_p2_fonts_cjk
from PIL import ImageFont

# Opened by its path: FreeType then reads what it needs, where a copy of the whole file would be 5 MB for each size.
OUTLINES = Path(paperang_p2_fonts_cjk.__file__).parent / "fonts" / "wqy-microhei.ttc"

# Exact 16-dot bitmaps, drawn by hand for this size; used where the machine has them (Debian: xfonts-wqy, fonts-unifont).
BITMAP_FONTS = (
    Path("/usr/share/fonts/X11/misc/wenquanyi_12pt.pcf"),
    Path("/usr/share/fonts/X11/misc/wenquanyi_12pt.pcf.gz"),
    Path("/usr/share/fonts/opentype/unifont/unifont.otf"),
)


@cache
def outline(size: int) -> ImageFont.FreeTypeFont:
    """WenQuanYi Micro Hei at `size` pixels: Chinese both ways and Latin in one file, so paper is the same everywhere."""
    return ImageFont.truetype(str(OUTLINES), size)


@lru_cache(2000)
def width(size: int, text: str) -> float:
    """How wide a text is in dots. Most of a paper is the same on each: measured once, it need not be laid out again."""
    return outline(size).getlength(text)


@cache
def bitmap16() -> ImageFont.FreeTypeFont | None:
    """The first exact 16-dot font of this machine, or None."""
    found = next((path for path in BITMAP_FONTS if path.exists()), None)
    return ImageFont.truetype(str(found), 16) if found else None
