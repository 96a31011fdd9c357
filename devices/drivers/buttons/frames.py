"""What a box sends, cut into the frames a map file knows. Every make has its own: bytes for a key, nothing in common."""

from __future__ import annotations

from collections.abc import Mapping

STALE_S = 0.5  # the rest of a frame comes at once or never


def read_bytes(written: str) -> bytes:
    """Bytes as a map file writes them: hex pairs, with blanks or a leading 0x if one likes. ValueError."""
    found = bytes.fromhex(written.removeprefix("0x").removeprefix("0X"))
    if not found:
        raise ValueError("a frame has at least one byte")
    return found


class Frames:
    """Finds known frames in a stream; noise between them is stepped over."""

    def __init__(self, known: Mapping[bytes, str]) -> None:
        """ValueError when one frame begins another: the shorter would always win."""
        for one in known:
            if any(other != one and other.startswith(one) for other in known):
                raise ValueError(f"the frame {one.hex(' ')} is the beginning of another")
        self._known = dict(known)
        self._left = b""
        self._at = 0.0
        self.noise = b""  # what the last piece held besides, for whoever writes a map

    def feed(self, data: bytes, mono: float) -> list[str]:
        """What the frames mean that are whole now. `mono` in seconds: half a frame of long ago is forgotten."""
        if mono - self._at > STALE_S:
            self._left = b""
        self._at, left, meant, noise = mono, self._left + data, [], b""
        while left:
            frame = next((known for known in self._known if left.startswith(known)), None)
            if frame is not None:
                meant.append(self._known[frame])
                left = left[len(frame) :]
            elif any(known.startswith(left) for known in self._known):
                break
            else:
                noise += left[:1]
                left = left[1:]
        self._left, self.noise = left, noise
        return meant
