"""A photo as the hall keeps it: one whole JPEG, and nothing in it but the picture.

Every byte up to the end of the picture is accounted for: tables of their exact size, one frame, its scans. Whatever a camera
or a program wrote beside it (where, when, with what; a small picture of it; a second picture; anything behind the end) is
left out, and what is not understood is refused.
"""

from collections.abc import Iterator

from queueing.errors import BadInput

NO_PHOTO = "this is no photo"
START, END, SCAN, TABLES, CODES, RESTART = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD
FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what phones and browsers write
FORM, COLOURS, COMMENT = 0xE0, 0xEE, 0xFE
BESIDE = (*range(0xE0, 0xF0), COMMENT)  # of programs, none of it the picture
MOST_SCANS = 100
PLAIN_FORM = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"  # version 1.1, square dots, no small picture
COLOUR_FORM = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"  # one byte follows: how colours are mixed


def plain_jpeg(photo: bytes) -> bytes:
    """The photo without what was written beside it. BadInput for what is no JPEG, is cut off, or is not wholly understood."""
    try:
        return b"".join(_parts(photo))
    except (IndexError, ValueError):
        raise BadInput(field="image", message=NO_PHOTO) from None


def _parts(photo: bytes) -> Iterator[bytes]:
    if photo[:2] != bytes((0xFF, START)):
        raise ValueError
    yield photo[:2]
    at, frames, scans = 2, 0, 0
    while True:
        if photo[at] != 0xFF:
            raise ValueError
        marker = photo[at + 1]
        if marker == END:
            if frames != 1 or not scans:
                raise ValueError
            yield photo[at : at + 2]
            return
        length = int.from_bytes(photo[at + 2 : at + 4])
        part, at = photo[at : at + 2 + length], at + 2 + length
        if length < 2 or len(part) != 2 + length:
            raise ValueError
        if marker in BESIDE:
            yield _form(marker, part)
            continue
        frames += marker in FRAMES
        scans += marker == SCAN
        if not _fits(marker, part[4:]) or frames > 1 or scans > MOST_SCANS:
            raise ValueError
        yield part
        if marker == SCAN:
            end = _end_of_scan(photo, at)
            yield photo[at:end]
            at = end


def _form(marker: int, part: bytes) -> bytes:
    """What says how the picture's colours are meant, and no more of it: without it some pictures turn green."""
    if marker == FORM and part[4:9] == b"JFIF\0":
        return PLAIN_FORM
    if marker == COLOURS and part[4:9] == b"Adobe" and len(part) >= 16:
        return COLOUR_FORM + part[15:16]
    return b""


def _fits(marker: int, body: bytes) -> bool:
    """Whether a part is as long as what it says it holds: no room is left in it for anything else."""
    if marker in (TABLES, CODES):
        while body:
            size = (65 if body[0] < 16 else 129) if marker == TABLES else 17 + sum(body[1:17])
            if not 17 <= size <= min(len(body), 17 + 256):
                return False
            body = body[size:]
        return True
    if marker in FRAMES:
        return len(body) == 6 + 3 * body[5] and body[5] in (1, 3, 4)
    if marker == SCAN:
        return len(body) == 4 + 2 * body[0]
    return marker == RESTART and len(body) == 2


def _end_of_scan(photo: bytes, at: int) -> int:
    """Where the picture's own bytes end: at the first marker that is neither a stuffed byte nor a point to begin anew."""
    while True:
        at = photo.index(b"\xff", at)
        if photo[at + 1] == 0xFF:  # filled up
            at += 1
        elif photo[at + 1] == 0 or 0xD0 <= photo[at + 1] <= 0xD7:
            at += 2
        else:
            return at
