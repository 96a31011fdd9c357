"""A visit to somebody's door, from the kiosk to the rating, by a phone that loses its line twice and keeps nothing in the end."""

import io
import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.hall.conftest import PASSWORD, House, Visitors

KIOSK, PHONE = (1080, 1920), (390, 844)
NAME, NUMBER, ADDRESS = "诸葛植梅", "10000000999", "清溪镇埋名巷77号3单元"
PLANTED = (NAME, NUMBER, ADDRESS)

# All that a browser keeps of this origin: what is in the phone's own store is opened with its own key.
KEPT = """async () => {
    const names = (await indexedDB.databases()).map(({ name }) => name), opened = [];
    if (names.includes('hall-field')) {
        const pocket = await (await import('/static/pocket.js')).openPocket();
        opened.push(await pocket.all('day'), await pocket.all('acts'));
    }
    const cached = [];
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) cached.push(request.url, await (await cache.match(request, { ignoreVary: true })).text());
    }
    return { names, opened, cached, storage: [{ ...localStorage }, { ...sessionStorage }], page: document.body.innerText,
             workers: (await navigator.serviceWorker.getRegistrations()).length };
}"""  # noqa: E501


def asked_at_kiosk(house: House, visitors: Visitors) -> str:
    """Somebody asks at the kiosk for a visit at home, six touches and a telephone number; the visit's key."""
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=KIOSK)
    kiosk.locator("[data-go*='/kiosk/visit']").click()
    kiosk.locator(".at-what [data-go*='picked=A0106']").click()
    kiosk.locator(".at-what [aria-pressed=true]").wait_for()
    kiosk.locator(".foot .primary").click()
    kiosk.locator(".at-who [data-go*='applicant=family']").click()
    kiosk.locator(".at-why [data-go*='because=mobility']").click()
    kiosk.locator(".at-paper .answer").first.click()
    kiosk.locator(".at-area [data-go*='area=qingxi']").click()
    for digit in NUMBER:
        kiosk.locator(f".at-phone [data-key='{digit}']").click()
    kiosk.locator(".foot .primary").click()
    expect(kiosk.locator(".visit-done")).to_be_visible(timeout=10_000)
    listed = house.get("/api/v1/halls/demo/doorstep?state=requested&limit=500", who="desk01")["items"]
    visit = next(one for one in reversed(listed) if one["channel"] == "kiosk")
    assert (visit["matters"], visit["area"]) == (["A0106"], "qingxi")
    return str(visit["id"])


def planned(house: House, key: str) -> None:
    """The desk has called back, heard who and where, seen the paper, says yes, and sends a team today."""
    heard = {"evidence": "残疾人证", "name": NAME, "address": ADDRESS, "lat": 26.49, "lon": 105.51}
    yes = house.post(f"/api/v1/doorstep/{key}/accept", heard, who="desk01")
    assert yes.status_code == 200, yes.text
    day = house.get("/api/v1/halls/demo")["today"]["day"]
    start = datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    sent = house.post(f"/api/v1/doorstep/{key}/schedule", {"start": start.isoformat(), "team": "上门一组"}, who="desk01")
    assert sent.status_code == 200, sent.text


def press(phone: Page, act: str) -> None:
    phone.locator(f"[data-act={act}]").click()


def stands(phone: Page, state: str) -> None:
    expect(phone.locator("#front .visit")).to_have_attribute("data-state", state, timeout=10_000)


def waits(phone: Page, acts: int) -> None:
    expect(phone.locator("#line")).to_have_attribute("data-waiting", str(acts), timeout=15_000)


def told(house: House) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = house.get("/api/v1/halls/demo/journal?after=0&limit=500", who="manager")["items"]
    while len(items) % 500 == 0 and items:
        items += house.get(f"/api/v1/halls/demo/journal?after={items[-1]['offset']}&limit=500", who="manager")["items"]
    return items


def photo() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = NAME  # what a camera might write beside the picture
    file = io.BytesIO()
    Image.effect_noise((900, 600), 40).convert("RGB").save(file, "JPEG", exif=exif.tobytes())
    return file.getvalue()


def test_a_visit_goes_from_the_kiosk_to_the_rating_while_the_phone_loses_its_line_twice(house: House, visitors: Visitors) -> None:
    key = asked_at_kiosk(house, visitors)
    planned(house, key)

    phone = visitors.at("/demo/field", "door01", size=PHONE, name="phone")
    expect(phone.locator("html")).to_have_attribute("data-shell", "kept", timeout=15_000)
    expect(phone.locator("#front h2")).to_have_text(NAME)
    phone.locator("[data-plain=sign_in]").click()
    phone.locator("[data-sheet=partner]").click()
    phone.locator("#sheet-partner [name=username]").fill("door02")
    phone.locator("#sheet-partner [name=password]").fill(PASSWORD)
    phone.locator("#sheet-partner .primary").click()
    expect(phone.locator(".team.is-whole")).to_be_visible(timeout=15_000)

    # Once: no net at all, on the way and at the door, and the page is even closed and opened again.
    phone.context.set_offline(True)
    press(phone, "depart")
    stands(phone, "on_the_way")
    press(phone, "arrive")
    stands(phone, "on_site")
    waits(phone, 2)
    phone.reload()
    expect(phone.locator("html")).to_have_attribute("data-ready", "", timeout=15_000)
    stands(phone, "on_site")
    waits(phone, 2)
    expect(phone.locator("#front h2")).to_have_text(NAME)
    assert house.get(f"/api/v1/doorstep/{key}")["state"] == "scheduled"
    phone.context.set_offline(False)
    waits(phone, 0)
    assert house.get(f"/api/v1/doorstep/{key}")["state"] == "on_site"

    phone.locator("[data-slot=consent]").click()
    box = phone.locator("#signature").bounding_box()
    assert box is not None
    phone.mouse.move(box["x"] + 30, box["y"] + 40)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 200, box["y"] + 120, steps=6)
    phone.mouse.up()
    phone.locator("#sheet-consent .primary").click()
    phone.set_input_files("[data-camera]", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(phone.locator(".paper")).to_be_visible(timeout=10_000)
    waits(phone, 0)

    # Twice: the hall hears the act and its answer is lost on the way back; then there is no net for the citizen's rating.
    lost: list[int] = []

    def lose(route: Route) -> None:
        if not lost:  # the hall does it, once; later tries of the phone get nowhere
            lost.append(route.fetch().status)
        route.abort()

    phone.route("**/field/act*", lose)
    press(phone, "complete")
    phone.locator("[name=outcome][value=accepted]").check()
    phone.locator("#sheet-complete .primary").click()
    house.until(lambda: phone.evaluate("1") and lost, 10, "the act to be heard")
    phone.context.set_offline(True)
    phone.unroute("**/field/act*")
    assert (lost, house.get(f"/api/v1/doorstep/{key}")["state"]) == ([200], "completed")
    phone.locator("[data-slot=rate]").click()
    phone.locator("#sheet-rating [name=level][value='4']").check(force=True)
    phone.locator("#sheet-rating .primary").click()
    waits(phone, 2)
    phone.context.set_offline(False)
    waits(phone, 0)

    press(phone, "hand_in")
    phone.locator("#sheet-hand-in [name=originals]").fill("2")
    phone.locator("#sheet-hand-in .primary").click()
    expect(phone.locator("#rest")).to_contain_text("回执", timeout=10_000)

    acts = [row["kind"] for row in told(house) if row["data"].get("visit") == visit_no(house, key)]
    once = ["departed", "arrived", "agreed", "photographed", "completed", "handed_in"]
    assert [kind.partition(".")[2] for kind in acts if kind.partition(".")[2] in once] == once
    ratings = house.get("/api/v1/halls/demo/ratings/summary?by=mode", who="manager")["items"]
    assert [(row["active"], row["levels"]["4"]) for row in ratings if row["of"] == "doorstep"] == [(1, 1)]

    asked = "(async () => { dispatchEvent(new Event('online')); await fetch('/demo/field/day'); })()"
    phone.evaluate(asked)  # the list comes anew, and is not kept any more
    kept = phone.evaluate(KEPT)
    assert [one for store in kept["opened"] for one in store if isinstance(one, dict)] == []
    assert [word for word in PLANTED if word in json.dumps(kept, ensure_ascii=False)] == []
    phone.locator("#leave button").click()
    phone.wait_for_url("**/signin?**")
    bare = phone.evaluate(KEPT)
    assert (bare["names"], bare["opened"], bare["cached"], bare["storage"], bare["workers"]) == ([], [], [], [{}, {}], 0)
    everything = json.dumps(told(house), ensure_ascii=False) + house.log.read_text("utf-8", "replace")
    assert [word for word in PLANTED if word in everything] == []


def visit_no(house: House, key: str) -> int:
    """The number under which the record speaks of a visit: of the last that was asked for."""
    asked = [row["data"]["visit"] for row in told(house) if row["kind"] == "doorstep.requested"]
    assert house.get(f"/api/v1/doorstep/{key}")["state"] == "completed"
    return int(asked[-1])
