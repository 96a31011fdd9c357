"""The pages' scripts in a real browser, on the very files that are served."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Route, sync_playwright

from floor.boot.tests import browser as browser_here

STATIC = Path(__file__).parents[2] / "floor" / "static"


@contextmanager
def browsing(html: str = "<!doctype html>") -> Iterator[BrowserContext]:
    """Chromium where every address ending in .js is that static file and any other is this page."""
    path = browser_here()
    if path is None:
        pytest.skip("Chromium is not installed")

    def served(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name.endswith(".js"):
            route.fulfill(path=STATIC / name, content_type="text/javascript")
        else:
            route.fulfill(body=html, content_type="text/html")

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_context()
        opened.route("**/*", served)
        yield opened
        browser.close()
