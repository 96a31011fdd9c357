"""The team's phone keeps what was pressed, sealed, sends it once and in order, and leaves nothing behind; on the served files."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page

from floor.jpeg import plain_jpeg
from queueing.errors import BadInput
from tests.floor.scripts import browsing

SECURE, PLAIN = "http://localhost:9/", "http://hall.test/"
PLANTED = "欧阳明月 云上镇柳荫路17号"


@pytest.fixture(scope="module")
def phone() -> Iterator[BrowserContext]:
    with browsing() as opened:
        yield opened


@pytest.fixture
def page(phone: BrowserContext) -> Iterator[Page]:
    opened = phone.new_page()
    opened.goto(SECURE)
    yield opened
    opened.evaluate("indexedDB.deleteDatabase('hall-field')")
    opened.close()


KEEP = """async (text) => {
    const { openPocket } = await import('/pocket.js');
    const pocket = await openPocket();
    await pocket.put('day', 'day', { name: text });
    await pocket.put('acts', 2, { n: 2, note: text });
    await pocket.put('acts', 1, { n: 1 });
    return [pocket.keeps, (await pocket.get('day', 'day')).name, (await pocket.all('acts')).map(({ n }) => n)];
}"""
# Everything an observer of the disk would find: each value of each store, with what is in its buffers.
DUMP = """async () => {
    const names = (await indexedDB.databases()).map(({ name }) => name);
    const found = [];
    for (const name of names) {
        const db = await new Promise((resolve) => { const asked = indexedDB.open(name); asked.onsuccess = () => resolve(asked.result); });
        for (const store of db.objectStoreNames) {
            const rows = await new Promise((resolve) => { const asked = db.transaction(store).objectStore(store).getAll(); asked.onsuccess = () => resolve(asked.result); });
            for (const row of rows) found.push([store, row instanceof CryptoKey ? `key ${row.extractable}` : new TextDecoder().decode(row.sealed)]);
        }
        db.close();
    }
    return { names, found, storage: JSON.stringify([{ ...localStorage }, { ...sessionStorage }]), caches: await caches.keys() };
}"""  # noqa: E501


def test_what_is_kept_is_sealed_with_a_key_that_no_script_can_read_out_and_wiping_leaves_nothing(page: Page) -> None:
    assert page.evaluate(KEEP, PLANTED) == [True, PLANTED, [1, 2]]
    disk = page.evaluate(DUMP)
    assert [store for store, _ in disk["found"]] == ["acts", "acts", "day", "keys"]
    assert [text for _, text in disk["found"] if "key" in text] == ["key false"]
    assert PLANTED not in str(disk) and "name" not in "".join(text for store, text in disk["found"] if store != "keys")
    page.reload()  # the key is the same after it
    assert page.evaluate("import('/pocket.js').then(m => m.openPocket()).then(p => p.get('day', 'day'))") == {"name": PLANTED}
    page.evaluate("caches.open('hall-field-1').then(c => c.put('/x', new Response('shell')))")
    page.evaluate("sessionStorage.setItem('x', '1')")
    page.reload()
    page.evaluate("import('/pocket.js').then(m => m.openPocket()).then(p => p.wipe())")
    assert page.evaluate(DUMP) == {"names": [], "found": [], "storage": "[{},{}]", "caches": []}


def test_where_the_page_is_not_secure_nothing_is_written_down(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto(PLAIN)
    assert page.evaluate(KEEP, PLANTED) == [False, PLANTED, [1, 2]]
    assert page.evaluate("indexedDB.databases()") == []
    page.close()


# A hall that answers each kind of act with a status, 0 for no answer at all; AGAIN lets it answer them all.
SENT = """async (answers) => {
    const { openPocket } = await import('/pocket.js');
    const { Outbox } = await import('/outbox.js');
    Object.assign(window, { answers, told: [], sent: [], pocket: await openPocket() });
    const send = async ({ kind }) => {
        sent.push(kind);
        if (!answers[kind]) throw new TypeError('cut');
        const stale = window.STALE && answers[kind] === 403;
        const said = { detail: 'no: ' + kind, ...(stale && { page: 'stale' }) };
        return new Response(JSON.stringify(said), { status: answers[kind] });
    };
    window.outbox = new Outbox(pocket, send, (why, act) => told.push(why + ' ' + act.kind));
    outbox.soon = () => {};
    await outbox.load();
    for (const kind of Object.keys(answers)) await outbox.add(kind, 'v', { photo: kind });
    while (outbox.busy) await new Promise((then) => setTimeout(then, 5));
    return [new Set(sent), outbox.waiting.map(({ kind }) => kind)].map((each) => [...each]);
}"""
AGAIN = """async () => {
    told.length = sent.length = 0;
    Object.keys(answers).forEach((kind) => { answers[kind] = 200; });
    await outbox.hurry();
    const kept = (await pocket.all('acts')).map(({ kind, refused, data }) => [kind, refused ?? null, data ?? null]);
    return [told, sent, kept];
}"""


@pytest.mark.parametrize("status", [0, 500, 503, 429])
def test_an_act_without_an_answer_holds_up_all_behind_it_and_is_sent_again_first(page: Page, status: int) -> None:
    sent, waiting = page.evaluate(SENT, {"depart": 200, "arrive": status, "complete": 200})
    assert (sent, waiting) == (["depart", "arrive"], ["arrive", "complete"])
    assert page.evaluate(AGAIN) == [["done arrive", "done complete"], ["arrive", "complete"], []]


def test_what_the_hall_refuses_is_set_aside_whole_and_can_be_sent_again(page: Page) -> None:
    assert page.evaluate(SENT, {"paper": 409, "late": 200}) == [["paper", "late"], []]
    ids = page.evaluate("outbox.refused.map(({ id }) => id)")
    assert page.evaluate(AGAIN) == [[], [], [["paper", "no: paper", {"photo": "paper"}]]]
    page.evaluate("answers.paper = 409")
    assert page.evaluate(ONCE_MORE) == [["paper"], ids]
    page.evaluate("answers.paper = 200")
    assert page.evaluate(ONCE_MORE) == [["paper"], []]
    assert page.evaluate("pocket.all('acts')") == []
    page.evaluate(SENT, {"paper": 409})
    page.evaluate("outbox.forget(outbox.refused[0])")
    assert page.evaluate("pocket.all('acts')") == []


def test_what_one_refusal_drew_after_it_is_sent_again_with_it_in_order(page: Page) -> None:
    page.evaluate(SENT, {"depart": 409, "arrive": 409, "paper": 409})
    page.evaluate("Object.keys(answers).forEach((kind) => { answers[kind] = 200; })")
    assert page.evaluate(ONCE_MORE) == [["depart", "arrive", "paper"], []]
    assert page.evaluate("pocket.all('acts')") == []


ONCE_MORE = """async () => {
    sent.length = 0;
    await outbox.again(outbox.refused[0]);
    while (outbox.busy) await new Promise((then) => setTimeout(then, 5));
    return [sent, outbox.refused.map(({ id }) => id)];
}"""


def test_a_token_from_before_another_sign_in_holds_the_act_and_loses_nothing(page: Page) -> None:
    page.evaluate("window.STALE = true")
    assert page.evaluate(SENT, {"paper": 403, "late": 200}) == [["paper"], ["paper", "late"]]
    assert "stale paper" in page.evaluate("told") and page.evaluate("outbox.refused") == []
    page.evaluate("window.STALE = false")
    assert page.evaluate(AGAIN) == [["done paper", "done late"], ["paper", "late"], []]


def test_two_tabs_lose_nothing_of_each_others_and_send_each_act_once(page: Page) -> None:
    page.evaluate(SENT, {"depart": 0})
    found = page.evaluate("""async () => {
        const { Outbox } = await import('/outbox.js');
        const ids = [], heard = [];
        const cut = async () => { throw new TypeError('cut'); };
        const other = new Outbox(pocket, cut, () => {});
        other.soon = () => {};
        await other.add('paper', 'v', { image: 'x' });      // it has not read what the first tab keeps: both count to one
        while (other.busy) await new Promise((then) => setTimeout(then, 5));
        outbox.send = async (act) => { heard.push(act.kind); ids.push(act.id); return new Response('{}'); };
        await outbox.hurry();
        await other.load();
        return [heard.sort(), new Set(ids).size, (await pocket.all('acts')).length, other.waiting.length];
    }""")
    assert found == [["depart", "paper"], 2, 0, 0]


def test_a_sign_in_that_has_ended_stops_the_sending_and_loses_nothing(page: Page) -> None:
    assert page.evaluate(SENT, {"depart": 401, "arrive": 200}) == [["depart"], ["depart", "arrive"]]
    assert page.evaluate("outbox.ended") is True
    page.evaluate("outbox.ended = false")
    assert page.evaluate(AGAIN)[1] == ["depart", "arrive"]


def test_acts_come_back_after_a_reload_in_their_order_with_the_same_ids(page: Page) -> None:
    page.evaluate(SENT, {"depart": 0, "arrive": 0})
    ids = page.evaluate("outbox.waiting.map(({ id }) => id)")
    page.reload()
    found = page.evaluate("""async () => {
        const { openPocket } = await import('/pocket.js');
        const { Outbox } = await import('/outbox.js');
        const outbox = new Outbox(await openPocket(), async () => { throw new TypeError('cut'); }, () => {});
        await outbox.load();
        return outbox.waiting.map(({ id, kind }) => [id, kind]);
    }""")
    assert found == [[ids[0], "depart"], [ids[1], "arrive"]]


def test_what_somebody_left_waiting_is_never_sent_by_who_signs_in_after_them(page: Page) -> None:
    page.evaluate(SENT, {"depart": 0, "arrive": 0})
    found = page.evaluate("""async () => {
        const all = async () => { await outbox.hurry(); while (outbox.busy) await new Promise((then) => setTimeout(then, 5)); };
        sent.length = 0;
        Object.assign(answers, { depart: 200, arrive: 200, late: 200 });
        outbox.me = 'door02';
        await outbox.add('late', 'v');
        await all();
        const theirs = [[...sent], outbox.waiting.map(({ kind }) => kind), (await pocket.all('acts')).map(({ kind }) => kind)];
        outbox.me = null;
        await all();
        return [...theirs, sent, outbox.waiting];
    }""")
    left = ["depart", "arrive"]
    assert found == [["late"], left, left, ["late", *left], []]


def test_an_act_that_finds_no_room_on_the_phone_is_sent_all_the_same_and_the_page_is_told(page: Page) -> None:
    page.evaluate(SENT, {})
    kept = page.evaluate("""async () => {
        pocket.put = async () => { throw new DOMException('full', 'QuotaExceededError'); };
        answers.depart = 200;
        await outbox.add('depart', 'v');
        while (outbox.busy) await new Promise((then) => setTimeout(then, 5));
        return [pocket.keeps, told, outbox.waiting.length];
    }""")
    assert kept == [False, ["waiting depart", "done depart"], 0]


def camera(width: int, height: int, exif: bytes | None = None) -> bytes:
    picture, file = Image.effect_noise((width, height), 60).convert("RGB"), io.BytesIO()
    picture.save(file, "JPEG", quality=92, **({"exif": exif} if exif else {}))
    return file.getvalue()


def test_a_photo_leaves_the_phone_small_and_without_where_it_was_taken(page: Page) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "PLANTED-CAMERA", 6  # a maker, and a phone held upright
    page.set_content("<input type=file>")
    page.set_input_files("input", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": camera(2400, 1600, exif.tobytes())})
    made = page.evaluate("import('/camera.js').then(({ photo }) => photo(document.querySelector('input').files[0], 400000))")
    sent = base64.b64decode(made)
    assert len(sent) <= 400_000 and b"PLANTED" not in sent and b"Exif" not in sent
    assert Image.open(io.BytesIO(sent)).size == (1067, 1600)  # turned as it was held, the long edge shortened
    page.set_input_files("input", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    assert page.evaluate("import('/camera.js').then(({ photo }) => photo(document.querySelector('input').files[0], 9))") is None


def test_the_hall_strips_a_photo_itself_and_takes_nothing_else_for_one() -> None:
    exif = Image.Exif()
    exif[0x010F] = "PLANTED-CAMERA"
    photo = camera(64, 48, exif.tobytes())
    assert b"PLANTED" in photo
    plain = plain_jpeg(photo)
    assert b"PLANTED" not in plain
    assert Image.open(io.BytesIO(plain)).tobytes() == Image.open(io.BytesIO(photo)).tobytes()
    wrong: list[Any] = [b"", b"\xff\xd8\xff\xd9", photo[:-2], photo[1:], b"\x89PNG" + photo, photo[:30] + b"\xff\xd9"]
    for each in wrong:
        with pytest.raises(BadInput):
            plain_jpeg(each)


HIDDEN = b"PLANTED-IN-THE-PICTURE"


def part(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


@pytest.mark.parametrize("progressive", [False, True])
def test_nothing_is_left_in_a_photo_wherever_it_was_hidden(progressive: bool) -> None:
    """Behind the end, between the scans, in the form's own small picture, in a table that is longer than it needs to be."""
    file = io.BytesIO()
    Image.effect_noise((64, 48), 40).convert("RGB").save(file, "JPEG", progressive=progressive, quality=80)
    photo = file.getvalue()
    small = part(0xE0, b"JFIF\0\x01\x01\x00\x00\x01\x00\x01\x08\x01" + HIDDEN + b"\0" * 2)
    scan = photo.index(b"\xff\xda")
    behind = [
        photo + HIDDEN, photo + photo.replace(b"JFIF\0", b"JFIF\0") + HIDDEN, photo[:2] + small + photo[20:],
        photo[:scan] + part(0xE1, b"Exif\0\0" + HIDDEN) + photo[scan:], photo[:-2] + part(0xFE, HIDDEN) + photo[-2:],
        photo[:2] + part(0xEE, b"Adobe\0\x64" + b"\0" * 4 + b"\x01" + HIDDEN) + photo[2:],
    ]  # fmt: skip
    for each in behind:
        plain = plain_jpeg(each)
        assert HIDDEN in each and HIDDEN not in plain and plain.count(b"\xff\xd9") == 1
        assert Image.open(io.BytesIO(plain)).tobytes() == Image.open(io.BytesIO(photo)).tobytes()
    table = photo.index(b"\xff\xdb")
    long = photo[:table] + part(0xDB, photo[table + 4 : table + 69] + HIDDEN) + photo[table + 69 :]
    for each in (long, photo[:2] + part(0xCC, HIDDEN) + photo[2:], photo[:2] + photo[2:scan] + photo[2:]):
        with pytest.raises(BadInput):
            plain_jpeg(each)


STANDING = """([visit, acts]) => import('/fieldday.js').then((m) => {
    const now = m.standing(visit, acts);
    return [now.state, m.nextStep(now), now.pending, now.papers.length, now.to_hand_in];
})"""


def test_the_day_shows_what_was_pressed_before_the_hall_has_answered(page: Page) -> None:
    visit = {"id": "v", "no": 1, "state": "scheduled", "papers": [], "consent": None, "hand_in": None, "to_hand_in": False}
    acts = [
        {"visit": "v", "kind": "depart", "data": {}},
        {"visit": "other", "kind": "depart", "data": {}},
        {"visit": "v", "kind": "arrive", "data": {}},
        {"visit": "v", "kind": "paper", "data": {"paper": "p", "name": "身份证"}},
        {"visit": "v", "kind": "complete", "data": {"outcome": "accepted"}},
        {"visit": "v", "kind": "hand_in", "data": {"to": "desk"}},
    ]
    stands = [page.evaluate(STANDING, [visit, acts[:n]]) for n in (0, 2, 3, 5, 6)]
    assert stands == [
        ["scheduled", "depart", 0, 0, False], ["on_the_way", "arrive", 1, 0, False], ["on_site", "complete", 2, 0, False],
        ["completed", "hand_in", 4, 1, True], ["completed", None, 5, 1, True],
    ]  # fmt: skip


def test_who_lives_there_stays_with_an_open_visit_and_goes_with_it(page: Page) -> None:
    merged = "([fresh, before]) => import('/fieldday.js').then((m) => m.merged(fresh, before))"
    before = {"state": "scheduled", "name": "欧阳明月", "phone": "1", "address": "a", "note": None, "go": "geo:1,2"}
    assert page.evaluate(merged, [{"state": "on_site"}, before])["address"] == "a"
    assert page.evaluate(merged, [{"state": "completed"}, before]) == {"state": "completed"}
