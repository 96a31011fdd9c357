"""A clerk without a screen, and machines that say what they are: a keypad reaches the hall and the strip over its window."""

import json

from tests.hall.conftest import House
from tests.hall.test_visit import number_of


def test_the_keys_of_a_keypad_call_serve_and_finish(house: House) -> None:
    assert house.at(1, "open").status_code == 200
    number = house.take("A")["number"]

    def window() -> dict[str, object]:
        return next(dict(each) for each in house.get("/api/v1/halls/demo")["windows"] if each["no"] == "1")

    def strip() -> str:
        return str(json.loads((house.made / "led" / "led-1.json").read_text())["text"])

    house.machine("hands", "keypad-1", "next")
    house.until(lambda: number in strip(), 10, "the number on the strip over window 1")
    house.until(lambda: any(s["call"] and number_of(house, s) == number for s in house.said()), 20, "the number spoken")
    house.machine("hands", "keypad-1", "arrive")
    house.until(lambda: window()["state"] == "serving", 10, "the visit to begin")
    house.machine("hands", "keypad-1", "finish")
    house.until(lambda: window()["state"] == "open", 10, "the window to be free again")
    house.until(lambda: number not in strip(), 10, "the strip to go back")
    assert house.post("/api/v1/halls/demo/windows/1/close", {}, who="manager").status_code == 200


def test_every_machine_says_what_it_is(house: House) -> None:
    programs = [device for device in house.devices() if device["model"] != "browser" and not device["name"].startswith("browser")]
    told = {device["name"]: device["fw"] for device in programs}
    assert told["取号机 1"] == "PAPER-80 1.05 ESC/POS"
    assert all(told.values()), told
