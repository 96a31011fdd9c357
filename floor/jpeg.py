"""A photo as the hall keeps it: a whole JPEG, and nothing in it but the picture."""

from queueing.errors import BadInput

NO_PHOTO = "this is no photo"
START, END, SCAN, COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
APPS = range(0xE1, 0xF0)  # where cameras write when, where and with what it was taken; 0xE0 is the frame of the format itself
COLOURS = 0xEE  # of a file by one maker: without it some pictures turn green


def plain_jpeg(photo: bytes) -> bytes:
    """The photo without what a camera wrote beside it. BadInput for what is no JPEG, or is cut off."""
    if photo[:2] != bytes((0xFF, START)) or photo[-2:] != bytes((0xFF, END)):
        raise BadInput(field="image", message=NO_PHOTO)
    kept, at = [photo[:2]], 2
    while True:
        if at + 4 > len(photo) or photo[at] != 0xFF:
            raise BadInput(field="image", message=NO_PHOTO)
        marker, length = photo[at + 1], int.from_bytes(photo[at + 2 : at + 4])
        if marker == SCAN:
            return b"".join((*kept, photo[at:]))
        if length < 2 or at + 2 + length > len(photo):
            raise BadInput(field="image", message=NO_PHOTO)
        if marker not in (*(app for app in APPS if app != COLOURS), COMMENT):
            kept.append(photo[at : at + 2 + length])
        at += 2 + length
