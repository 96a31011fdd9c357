"""A QR code that the printer draws itself: GS ( k, a picture of 45 KB said in about 90 bytes."""

from __future__ import annotations

LEVEL_M = 49
QR = 49  # the kind of symbol


def native_qr(text: str, dots: int) -> bytes:
    """The commands for `text` as model 2, error correction M, about `dots` wide; the printer knows no finer measure than
    whole dots a module (1 to 16)."""
    data = text.encode()
    if len(data) > 1500:
        raise ValueError("a QR code on paper holds an address, not a text")
    module = max(3, min(16, dots // _modules(len(data))))
    return b"".join((
        _function(65, b"\x32\x00"),
        _function(67, bytes([module])),
        _function(69, bytes([LEVEL_M])),
        _function(80, b"0" + data),
        _function(81, b"0"),
    ))  # fmt: skip


def _function(number: int, data: bytes) -> bytes:
    return b"\x1d(k" + (len(data) + 2).to_bytes(2, "little") + bytes([QR, number]) + data


def _modules(size: int) -> int:
    """Modules across with the quiet zone, for `size` bytes at level M; the versions an address can need."""
    room = {14: 21, 26: 25, 42: 29, 62: 33, 84: 37, 106: 41, 122: 45, 152: 49, 180: 53, 213: 57}
    return next((across for most, across in room.items() if size <= most), 101) + 4
