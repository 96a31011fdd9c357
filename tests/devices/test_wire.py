"""Every frame of the protocol is read and written as it stands, and nothing else gets through."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import wire
from devices.wire import BadFrame, Close, UnknownType

FRAMES = sorted((Path(__file__).parent / "frames").glob("*.json"))
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")


def readers(name: str) -> list[Callable[[str], Any]]:
    side = name.split(".")[0]
    readers: dict[str, list[Callable[[str], Any]]] = {"device": [wire.decode_from_device], "hall": [wire.decode_from_hall]}
    return readers.get(side, [wire.decode_from_device, wire.decode_from_hall])


def instants(value: Any) -> Any:
    """The same document with its times as instants: `.120Z` and `.120000Z` are one."""
    if isinstance(value, dict):
        return {key: instants(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [instants(inner) for inner in value]
    return datetime.fromisoformat(value) if isinstance(value, str) and TIME.fullmatch(value) else value


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_a_frame_of_the_protocol_is_read_and_written_equal(path: Path) -> None:
    text = path.read_text().strip()
    for read in readers(path.name):
        message = read(text)
        written = wire.encode(message)
        assert read(written.decode()) == message
        assert instants(json.loads(written)) == instants(json.loads(text))
        assert next(iter(json.loads(written))) == "type"


def test_there_is_a_vector_for_every_message_of_either_side() -> None:
    for side, kinds in (("device", get_args(wire.FromDevice)), ("hall", get_args(wire.FromHall))):
        found = {json.loads(path.read_text())["type"] for path in FRAMES if path.name.split(".")[0] in (side, "either")}
        assert found == {kind.__struct_config__.tag for kind in kinds}


FROM_DEVICE = [path for path in FRAMES if not path.name.startswith("hall")]


@pytest.mark.parametrize("path", FROM_DEVICE, ids=lambda path: path.stem)
def test_a_missing_or_wrong_field_is_a_bad_frame_and_an_unknown_one_is_ignored(path: Path) -> None:
    frame = json.loads(path.read_text())
    whole = wire.decode_from_device(json.dumps(frame))
    assert wire.decode_from_device(json.dumps({**frame, "novel": [1]})) == whole
    required = {field.name for field in msgspec.structs.fields(whole) if field.required}
    for name in frame.keys() - {"type"}:
        wrong = 7 if isinstance(frame[name], str) else "seven"
        with pytest.raises(BadFrame):
            wire.decode_from_device(json.dumps({**frame, name: wrong}))
        if name in required:
            with pytest.raises(BadFrame):
                wire.decode_from_device(json.dumps({key: value for key, value in frame.items() if key != name}))


def test_what_is_wrong_with_a_frame_is_said_as_precisely_as_it_can_be_read() -> None:
    with pytest.raises(UnknownType) as unknown:
        wire.decode_from_hall('{"type":"confetti","id":4,"opt":true}')
    assert (unknown.value.re, unknown.value.opt) == (4, True)
    seen = {}
    for text in (
        '{"type":"beat","id":9}',
        '{"type":5,"id":9}',
        '{"id":9}',
        '{"type":"beat","id":"9"}',
        "{",
        '["type"]',
        "\ud800",
    ):
        with pytest.raises(BadFrame) as bad:
            wire.decode_from_device(text)
        seen[text] = bad.value.re
    assert list(seen.values()) == [9, 9, 9, None, None, None, None]


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"got","offset":9007199254740992}',
        '{"type":"got","offset":-1}',
        '{"type":"got","offset":true}',
        '{"type":"press","id":1,"press":"p","what":"w","data":{"n":9007199254740992}}',
        '{"type":"press","id":1,"press":"p","what":"w","data":{"n":1e999}}',
        '{"type":"press","id":1,"press":"p","what":"w","data":{"n":NaN}}',
        '{"type":"press","id":1,"press":"p","what":"w","data":{"n":"\\ud800"}}',
        '{"type":"press","id":1,"press":"p","what":"w","data":{"n":"\\u0000"}}',
        '{"type":"press","id":1,"press":"p","what":"w","data":{"n":[[[[[[[[[1]]]]]]]]]}}',
        '{"type":"press","id":1,"press":"","what":"w","data":{}}',
        '{"type":"beat","id":1,"sent":"2026-11-02T01:13:00","state":"x"}',
        '{"type":"job_report","id":1,"job":"jb_1","state":"owed","at":"2026-11-02T01:13:00Z"}',
        '{"type":"job_report","id":1,"job":"jb_1","state":"done","at":"0001-01-01T00:00:00+14:00"}',
        '{"type":"hello","id":0,"boot":"b","agent":"a","caps":[],"at":"2026-11-02T01:13:00Z"}',
        '{"type":"resync","id":1}x',
    ],
)
def test_what_no_record_could_keep_is_a_bad_frame(text: str) -> None:
    with pytest.raises(BadFrame):
        wire.decode_from_device(text)


@given(
    st.one_of(
        st.text(), st.binary(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps)
    )
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_message_or_one_of_two_errors(frame: str | bytes) -> None:
    for read in (wire.decode_from_device, wire.decode_from_hall):
        try:
            assert isinstance(read(frame), wire.Message)
        except (BadFrame, UnknownType) as error:
            assert error.re is None or error.re > 0


def test_close_codes_below_4500_mean_come_back_and_the_others_stay_away() -> None:
    assert {int(code) for code, after in wire.AFTER.items() if after.stops} == {4501, 4503}
    assert set(wire.AFTER) == set(Close)
    assert Close.REVOKED.reason == "not paired"


def test_the_protocol_describes_itself() -> None:
    document = wire.describe()
    schemas = document["components"]["schemas"]
    assert schemas["Beat"]["required"] == ["type", "id", "sent", "state"]
    kinds = {kind.__name__ for kind in (*get_args(wire.FromDevice), *get_args(wire.FromHall))}
    assert kinds - set(schemas) == set()
    assert [each["code"] for each in document["x-close-codes"]] == [int(code) for code in Close]
    json.dumps(document)
