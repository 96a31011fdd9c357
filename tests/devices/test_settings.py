"""What may be set on a machine: usual values left out, wrong ones refused by the field's name."""

from typing import Any

import pytest

from devices.errors import BadInput
from devices.settings import KINDS, complete, usable


def test_what_is_usual_is_not_kept_and_a_form_is_read_as_it_is_meant() -> None:
    typed = {"columns": "2", "rows": "8", "zones": ["A", "B"], "counts": "false", "notice_text": ""}
    kept = usable("tv", typed)
    assert kept == {"columns": 2, "zones": ["A", "B"], "counts": False}
    assert complete("tv", kept) == {
        "power": "drain", "wake_minutes": 15, "columns": 2, "rows": 8, "zones": ["A", "B"], "counts": False,
        "notice": True, "notice_text": "", "qr": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "values", "field", "message"),
    [
        ("speaker", {"volume": 101}, "volume", "Expected `int` <= 100"),
        ("speaker", {"volume": "laut"}, "volume", "Expected `int`, got `str`"),
        ("speaker", {"languages": ["zh-Hans", "fr"]}, "languages", "Invalid enum value 'fr'"),
        ("tv", {"columns": 3}, "columns", "Expected `int` <= 2"),
        ("tv", {"volume": 3}, "volume", "there is no such setting"),
        ("led", {"power": "never"}, "power", "Invalid enum value 'never'"),
        ("led", {"screen_text": {"open": "欢" * 41}}, "screen_text", "Expected `str` of length <= 40"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(kind: str, values: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        usable(kind, values)
    assert refused.value.details == {"field": field, "message": message}


def test_every_kind_has_usual_settings() -> None:
    assert {kind: usable(kind, {}) for kind in KINDS} == {kind: {} for kind in KINDS}
