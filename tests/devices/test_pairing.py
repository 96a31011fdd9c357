"""A machine joins with a code that works once, for ten minutes, and takes away a secret nobody else ever sees."""

import asyncio
import hashlib
from datetime import timedelta

import asyncpg
import pytest

from devices.errors import BadCode, BadName, NotFound, TooManyTries, TwoPlaces, UnknownKind, UnknownWindow, UnknownZone
from devices.pairing import ALPHABET, code_hash, create_device, mint_code, new_code, pair
from devices.registry import ask_rotation, authenticate, configure, get_device, list_devices, revoke, rotate, standing
from floor.database import Connection, Pool
from tests.devices.halls import NOON, later, make_paired, set_time, told

HERE = "10.0.0.9"


def test_a_code_is_ten_of_32_letters_and_forgives_hyphens_case_and_lookalikes() -> None:
    code = mint_code()
    assert (len(code.replace("-", "")), len(set(ALPHABET))) == (10, 32)
    assert set(code) <= set(ALPHABET) | {"-"}
    assert code_hash("7f3k9qtm2w") == code_hash("7F3K-9QTM-2W")
    assert code_hash("0011-AAAA-22") == code_hash("oOiL AAAA 22")


async def test_a_code_is_traded_once_for_a_secret_that_opens_the_door(db: Connection, hall_id: int) -> None:
    made, code, _ = await create_device(db, hall_id, "led", name="一号条屏", window="1", actor="engineer")
    paired = await pair(db, code, "strip-96", "1.4.0", address=HERE)
    assert (paired.device_id, len(paired.secret)) == (made.id, 43)
    device = await authenticate(db, paired.device_id, paired.secret)
    assert device is not None
    assert (device.id, device.kind, device.window, device.model, device.view) == (made.id, "led", "1", "strip-96", "window:1")
    with pytest.raises(BadCode):
        await pair(db, code, "strip-96", "1.4.0", address=HERE)
    assert await told(db, hall_id) == [
        (1, "device.paired", f"device:{made.id}", {"device": made.id, "kind": "led", "zone": None, "window": "1"})
    ]


async def test_a_code_dies_after_ten_minutes(db: Connection, hall_id: int) -> None:
    await set_time(db, NOON)
    _, code, expires = await create_device(db, hall_id, "tv", name="大厅电视", actor="engineer")
    assert expires - NOON == timedelta(minutes=10)
    await set_time(db, later(NOON, minutes=10))
    with pytest.raises(BadCode):
        await pair(db, code, "tv", "1", address=HERE)


async def test_two_boxes_with_one_code_make_one_device(pool: Pool, hall_id: int) -> None:
    async with pool.acquire() as db:
        made, code, _ = await create_device(db, hall_id, "led", name="条屏", actor="engineer")

    async def race(box: int) -> str:
        async with pool.acquire() as db:
            try:
                return (await pair(db, code, f"box {box}", "1", address=f"10.0.0.{box}")).device_id
            except BadCode:
                return "refused"

    assert sorted(await asyncio.gather(*(race(box) for box in range(6)))) == [made.id] + ["refused"] * 5


async def test_the_sixth_wrong_code_in_a_minute_is_not_even_looked_at(pool: Pool, hall_id: int) -> None:
    async with pool.acquire() as db:
        _, code, _ = await create_device(db, hall_id, "led", name="条屏", actor="engineer")

    async def guess(n: int) -> str:
        async with pool.acquire() as db:
            try:
                await pair(db, f"WRONG{n:05}", "box", "1", address=HERE)
            except (BadCode, TooManyTries) as refused:
                return refused.code
        return "paired"

    assert sorted(await asyncio.gather(*(guess(n) for n in range(12)))) == ["bad_code"] * 5 + ["too_fast"] * 7
    async with pool.acquire() as db:
        with pytest.raises(TooManyTries) as late:
            await pair(db, code, "box", "1", address=HERE)
        assert 0 < int(str(late.value.details["seconds"])) <= 60
        assert (await pair(db, code, "box", "1", address="10.0.0.10")).secret != ""
        assert await db.fetchval("SELECT wrong FROM pairing_tries WHERE address = $1", HERE) == 12


async def test_a_minute_later_an_address_may_try_again(db: Connection, hall_id: int) -> None:
    await set_time(db, NOON)
    for _ in range(5):
        with pytest.raises(BadCode):
            await pair(db, "wrong", "box", "1", address=HERE)
    with pytest.raises(TooManyTries):
        await pair(db, "wrong", "box", "1", address=HERE)
    await set_time(db, later(NOON, seconds=61))
    with pytest.raises(BadCode):
        await pair(db, "wrong", "box", "1", address=HERE)


async def test_twenty_right_codes_from_one_address_all_pair(db: Connection, hall_id: int) -> None:
    paired = [await make_paired(db, hall_id) for _ in range(20)]
    assert len({device.id for device, _ in paired}) == 20


async def test_neither_code_nor_secret_is_kept_in_the_clear(db: Connection, hall_id: int) -> None:
    made, code, _ = await create_device(db, hall_id, "led", name="条屏", actor="engineer")
    paired = await pair(db, code, "box", "1", address=HERE)
    everything = "".join(
        [
            str([tuple(row) for row in await db.fetch(f"SELECT * FROM {table}")])
            for table in ("devices", "pairing_codes", "pairing_tries", "journal")
        ]
    )
    assert [code.replace("-", "") in everything, code in everything, paired.secret in everything] == [False] * 3
    kept = await db.fetchval("SELECT secret FROM devices WHERE id = $1", made.id)
    assert kept == hashlib.sha256(paired.secret.encode()).digest()


async def test_a_new_code_kills_the_old_one_and_the_old_secret_only_when_used(db: Connection, hall_id: int) -> None:
    device, old = await make_paired(db, hall_id)
    first, _ = await new_code(db, device.id)
    second, _ = await new_code(db, device.id)
    with pytest.raises(BadCode):
        await pair(db, first, "box", "1", address=HERE)
    assert await authenticate(db, device.id, old.secret) is not None
    fresh = await pair(db, second, "box", "1", address=HERE)
    assert await authenticate(db, device.id, old.secret) is None
    assert await authenticate(db, device.id, fresh.secret) is not None


@pytest.mark.parametrize(
    ("kind", "place", "error"),
    [
        ("toaster", {}, UnknownKind),
        ("led", {"zone": "Z"}, UnknownZone),
        ("led", {"window": "99"}, UnknownWindow),
        ("led", {"window": "1", "zone": "A"}, TwoPlaces),
        ("led", {"name": ""}, BadName),
    ],
)
async def test_a_device_needs_a_known_kind_place_and_name(
    db: Connection, hall_id: int, kind: str, place: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await create_device(db, hall_id, kind, actor="engineer", **{"name": "x", **place})
    assert await list_devices(db, hall_id) == []


async def test_a_revoked_device_gets_nothing_and_is_remembered(db: Connection, hall_id: int) -> None:
    device, paired = await make_paired(db, hall_id, zone="A")
    code, _ = await new_code(db, device.id)
    await revoke(db, device.id, actor="engineer")
    await revoke(db, device.id, actor="engineer")
    assert await authenticate(db, device.id, paired.secret) is None
    with pytest.raises(BadCode):
        await pair(db, code, "box", "1", address=HERE)
    with pytest.raises(NotFound):
        await new_code(db, device.id)
    assert [row[1:3] for row in await told(db, hall_id)] == [
        ("device.paired", f"device:{device.id}"), ("device.revoked", "engineer"),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await revoke(db, "dv_none_1", actor="engineer")


async def test_after_a_rotation_both_secrets_work_until_the_new_one_is_used(db: Connection, hall_id: int) -> None:
    device, old = await make_paired(db, hall_id)
    await ask_rotation(db, device.id)
    assert (await get_device(db, device.id)).rotate
    new = await rotate(db, device.id)
    assert not (await get_device(db, device.id)).rotate
    assert await authenticate(db, device.id, old.secret) is not None
    assert await authenticate(db, device.id, old.secret) is not None
    assert await authenticate(db, device.id, new) is not None
    assert await authenticate(db, device.id, old.secret) is None
    assert await authenticate(db, device.id, new) is not None


@pytest.mark.parametrize(
    "credential", [("dv_led_1", ""), ("", "x"), ("dv_led_1", "wrong"), ("dv\0", "x"), ("dv_led_1", "\ud800\0")]
)
async def test_a_wrong_credential_is_nobody(db: Connection, hall_id: int, credential: tuple[str, str]) -> None:
    await make_paired(db, hall_id)
    assert await authenticate(db, *credential) is None


async def test_settings_get_a_new_revision_each_time(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id)
    changed = await configure(db, device.id, {"wake_minutes": 60})
    assert (changed.config_rev, changed.config) == (1, {"wake_minutes": 60})
    assert await standing(db, [device.id, "dv_none_1"]) == {device.id: changed}


async def test_an_evaluator_needs_a_window_and_a_speaker_follows_no_feed(db: Connection, hall_id: int) -> None:
    views = {}
    for kind, place in [
        ("evaluator", {}),
        ("evaluator", {"window": "1"}),
        ("speaker", {"zone": "A"}),
        ("tv", {}),
        ("tv", {"zone": "A"}),
    ]:
        device, _, _ = await create_device(db, hall_id, kind, name="x", actor="engineer", **place)
        views[kind, *place.values()] = (device.placed, device.view)
    assert views == {
        ("evaluator",): (False, None),
        ("evaluator", "1"): (True, "window:1"),
        ("speaker", "A"): (True, None),
        ("tv",): (True, "hall"),
        ("tv", "A"): (True, "zone:A"),
    }


async def test_the_same_code_cannot_be_laid_down_twice(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute("INSERT INTO pairing_codes SELECT hash, $1, now() FROM pairing_codes LIMIT 1", device.id)
