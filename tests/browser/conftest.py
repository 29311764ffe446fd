"""Debian's Chromium before a manager that serves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.browser.served_site import PASSWORD, Site, site

from castalia.model.access import Role

__all__ = ["site"]

CHROMIUM = Path("/usr/bin/chromium")

expect.set_options(timeout=10_000)
# Chromium gives up its requests when anybody adds a network interface to the machine.
_OF_THE_MACHINE = "net::ERR_NETWORK_CHANGED"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        args = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
        ]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=args)
        yield browser
        browser.close()


@dataclass
class Complaints:
    """What the browser's console said against the pages; tests take out what they provoke."""

    lines: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self._elsewhere(page, request.url))
        page.on("pageerror", lambda error: self.lines.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                self.lines.append(f"{page.url}: {message.text}")
                if message.type in {"error", "warning"} and _OF_THE_MACHINE not in message.text
                else None
            ),
        )

    def _elsewhere(self, page: Page, address: str) -> None:
        """Nothing is fetched from outside: the pages work without the internet."""
        parts = urlsplit(address)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
            self.lines.append(f"{page.url}: asks for {address}")

    def expected(self, word: str) -> None:
        """Takes out the lines with `word`."""
        self.lines = [line for line in self.lines if word not in line]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test for whatever is left in it."""
    complaints = Complaints()
    yield complaints
    assert not complaints.lines


Visitor = Callable[..., Page]


@pytest.fixture(scope="session")
def logged_in(site: Site, browser: Browser) -> Callable[[Role], Any]:
    """The cookies of somebody who logged in through the form, once per role."""
    kept: dict[Role, Any] = {}

    def state(role: Role) -> Any:
        if role not in kept:
            context = browser.new_context()
            page = context.new_page()
            log_in(page, site, role)
            kept[role] = context.storage_state()
            context.close()
        return kept[role]

    return state


def log_in(page: Page, site: Site, role: Role) -> None:
    """Fills in the form as a user does."""
    page.goto(f"{site.address}/login")
    page.get_by_label("User").fill(role.value)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.fixture
def visitor(
    site: Site, browser: Browser, complaints: Complaints, logged_in: Callable[[Role], Any]
) -> Iterator[Visitor]:
    """Opens a page of its own for somebody in a role; the browser's complaints fail the test."""
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/", *, role: Role = Role.ADMIN, **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1440, "height": 900})
        context = browser.new_context(
            base_url=site.address, storage_state=logged_in(role), **options
        )
        contexts.append(context)
        page = context.new_page()
        complaints.watch(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
