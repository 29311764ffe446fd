"""The serial console in the page: what is typed arrives, and a lost connection is made again."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Complaints, Visitor
from tests.browser.served_site import Site

pytestmark = pytest.mark.browser


def open_console(visitor: Visitor, vm: str) -> Page:
    page = visitor(f"/vms/{vm}/console?kind=serial")
    expect(page.get_by_text("Press Enter for a prompt.")).to_be_visible()
    return page


def test_what_is_typed_reaches_the_vm(visitor: Visitor, site: Site) -> None:
    """The host in memory has a line that echoes."""
    page = open_console(visitor, site.make_vm("typed-at", start=True))
    page.keyboard.type("uname")
    expect(page.locator(".xterm-accessibility")).to_contain_text("uname")


def test_the_console_comes_back_with_the_vm(
    visitor: Visitor, site: Site, complaints: Complaints
) -> None:
    vm = site.make_vm("rebooted", start=True)
    page = open_console(visitor, vm)
    site.driver().stop(vm)
    expect(page.locator("#console-note")).to_contain_text("it has no console")
    site.driver().start(vm)
    expect(page.get_by_text("Press Enter for a prompt.")).to_be_visible()
    page.keyboard.type("again")
    expect(page.locator(".xterm-accessibility")).to_contain_text("again")
    complaints.expected("409")
