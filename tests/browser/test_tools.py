"""The frame's tools: palette, theme, filter, history, keyboard."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import Visitor
from tests.browser.served_site import Site

pytestmark = pytest.mark.browser

THEME = "document.documentElement.dataset.bsTheme"
KEEP_FIRST_THEME = """
new MutationObserver((_, watch) => {
  if (!document.body) return;
  window.firstTheme = document.documentElement.dataset.bsTheme;
  watch.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


@contextmanager
def watched(page: Page, address: str) -> Iterator[list[dict[str, str]]]:
    """The headers of what the page asks of that address meanwhile; it gets its answers."""
    asked: list[dict[str, str]] = []

    def pass_on(route: Route) -> None:
        asked.append(route.request.headers)
        route.continue_()

    page.route(address, pass_on)
    yield asked
    page.unroute(address, pass_on)


def head_of(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def test_the_palette_finds_a_vm_and_goes_there(visitor: Visitor, site: Site) -> None:
    vm = site.make_vm("needle")
    page = visitor("/")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search and commands")
    expect(palette.get_by_role("combobox", name="Search")).to_be_focused()
    page.keyboard.type("needl")
    expect(palette.get_by_role("option").first).to_contain_text("needle")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/vms/{vm}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("needle")
    expect(palette).to_be_hidden()


def test_the_palette_opens_an_action(visitor: Visitor, site: Site) -> None:
    site.make_vm("acted-on")
    page = visitor("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("start acted-on")
    palette = page.get_by_role("dialog", name="Search and commands")
    palette.get_by_role("option", name="Start acted-on").click()
    expect(page.get_by_role("dialog", name="Start acted-on")).to_be_visible()


def test_the_palette_says_that_nothing_fits(visitor: Visitor) -> None:
    page = visitor("/")
    page.get_by_role("button", name="Search or run a command").click()
    page.keyboard.type("zzzz-nothing")
    expect(page.get_by_text("Nothing fits “zzzz-nothing”.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Search and commands")).to_be_hidden()


def test_the_theme_stays_and_is_there_before_the_first_paint(visitor: Visitor) -> None:
    page = visitor("/", color_scheme="light")
    assert page.evaluate(THEME) == "light"
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(THEME) == "dark"
    page.add_init_script(KEEP_FIRST_THEME)
    page.reload()
    assert page.evaluate("window.firstTheme") == "dark"
    assert page.evaluate(THEME) == "dark"


def test_the_filter_changes_the_address_and_back_undoes_it(visitor: Visitor, site: Site) -> None:
    site.make_vm("hunted-a")
    site.make_vm("hunted-b")
    page = visitor("/vms?q=hunted")
    other = page.get_by_role("link", name="hunted-b", exact=True)
    expect(other).to_be_visible()
    page.get_by_label("Filter", exact=True).fill("hunted-a")
    expect(other).to_be_hidden()
    expect(page).to_have_url(re.compile(r"[?&]q=hunted-a"))
    expect(page.get_by_label("Filter", exact=True)).to_be_focused()
    with watched(page, "**/vms?q=hunted") as asked:
        page.go_back()
        expect(page).to_have_url(re.compile(r"[?&]q=hunted$"))
        expect(other).to_be_visible()
    # The live stream may ask for the list again; htmx, which would replace the frame, may not.
    assert not [headers for headers in asked if "hx-history-restore-request" in headers]
    expect(page.get_by_role("navigation", name="Sections")).to_be_visible()
    expect(page.get_by_label("Filter", exact=True)).to_have_value("hunted")


def test_back_and_forward_go_through_the_sections(visitor: Visitor) -> None:
    page = visitor("/")
    sections = page.get_by_role("navigation", name="Sections")
    sections.get_by_role("link", name="Hosts").click()
    expect(page).to_have_title("Hosts · Castalia")
    sections.get_by_role("link", name="Networks").click()
    expect(page).to_have_title("Networks · Castalia")
    expect(sections.get_by_role("link", name="Networks")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page).to_have_title("Hosts · Castalia")
    assert head_of(page).startswith("Hosts")
    page.go_forward()
    expect(page).to_have_title("Networks · Castalia")


def test_slash_goes_to_the_filter_and_is_a_letter_there(visitor: Visitor, site: Site) -> None:
    site.make_vm("any")
    page = visitor("/vms")
    field = page.get_by_label("Filter", exact=True)
    page.keyboard.press("/")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    page.keyboard.press("/")
    expect(field).to_have_value("/")


def test_escape_closes_a_dialog_and_gives_the_focus_back(visitor: Visitor, site: Site) -> None:
    page = visitor(f"/vms/{site.make_vm('reached-by-keys')}")
    start = page.get_by_role("button", name="Start", exact=True)
    start.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Start reached-by-keys")
    expect(dialog.get_by_role("button", name="Start")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(start).to_be_focused()


def test_the_first_tab_leads_past_the_frame(visitor: Visitor) -> None:
    page = visitor("/vms")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
