"""What saves a user a detour: columns, undo, remedies as buttons, plans for many, live pages."""

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Visitor
from tests.browser.served_site import Site

from castalia.model.access import SYSTEM

pytestmark = pytest.mark.browser


def pick(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("checkbox", name=f"Pick {name}").check()


def dialog(page: Page) -> Locator:
    return page.locator("#dialog")


def test_a_column_that_is_taken_away_stays_away(visitor: Visitor, site: Site) -> None:
    site.make_vm("narrow")
    page = visitor("/vms?q=narrow")
    head = page.get_by_role("columnheader", name="Template")
    expect(head).to_be_visible()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Template").uncheck()
    page.keyboard.press("Escape")
    expect(head).to_have_count(0)
    page.reload()
    expect(page.get_by_role("columnheader", name="Memory")).to_be_visible()
    expect(head).to_have_count(0)


def test_a_finished_job_offers_its_undo(visitor: Visitor, site: Site) -> None:
    vm = site.make_vm("back-and-forth")
    page = visitor(f"/vms/{vm}")
    page.get_by_role("button", name="Start", exact=True).click()
    dialog(page).get_by_role("button", name="Start", exact=True).click()
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(dialog(page)).to_contain_text("Shut down")
    dialog(page).get_by_role("button", name="Shut down").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Stopped")


def test_a_remedy_is_a_button(visitor: Visitor, site: Site) -> None:
    vm = site.make_vm("in-the-way", start=True)
    page = visitor(f"/vms/{vm}")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Rename").click()
    dialog(page).get_by_label("New name").fill("out-of-the-way")
    dialog(page).get_by_role("button", name="Shut it down").click()
    expect(dialog(page).get_by_role("heading", level=2)).to_contain_text("Shut down")


def test_the_plan_for_many_says_who_is_left_out(visitor: Visitor, site: Site) -> None:
    site.make_vm("many-on", start=True)
    site.make_vm("many-off")
    page = visitor("/vms?q=many-o")
    pick(page, "many-on", "many-off")
    page.locator("#bulk").get_by_role("button", name="Start").click()
    expect(dialog(page)).to_contain_text("1 of 2 can")
    dialog(page).get_by_role("button", name="Start 1").click()
    for name in ("many-on", "many-off"):
        expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("Running")


def test_many_are_deleted_only_after_the_typed_words(visitor: Visitor, site: Site) -> None:
    site.make_vm("doomed-1")
    site.make_vm("doomed-2")
    page = visitor("/vms?q=doomed-")
    pick(page, "doomed-1", "doomed-2")
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    button = dialog(page).get_by_role("button", name="Delete", exact=True)
    expect(button).to_be_disabled()
    dialog(page).get_by_label("to confirm").fill("delete 2")
    button.click()
    expect(page.get_by_text("No VM matches")).to_be_visible()
    left = [hit.name for hit in site.manager.services.search.find("doomed-", principal=SYSTEM)]
    assert left == []


def test_the_overview_keeps_up_and_its_folds_stay_open(visitor: Visitor, site: Site) -> None:
    page = visitor("/")
    page.get_by_text("As command").click()
    site.make_vm("noticed")
    expect(page.get_by_text("noticed was created")).to_be_visible()
    expect(page.get_by_text("castalia status")).to_be_visible()


def test_a_verb_and_a_name_in_the_palette_are_that_button(visitor: Visitor, site: Site) -> None:
    site.make_vm("sleeper", start=True)
    page = visitor("/hosts")
    page.keyboard.press("Control+k")
    page.keyboard.type("pause sleeper")
    page.get_by_role("option", name="Pause sleeper").click()
    expect(dialog(page).get_by_role("heading", level=2)).to_contain_text("Pause sleeper")


def test_a_template_brings_its_size_until_one_is_picked(visitor: Visitor) -> None:
    page = visitor("/vms/new")
    expect(page.get_by_role("radio", name="micro")).to_be_checked()
    page.get_by_role("radio", name="medium").check(force=True)
    page.get_by_role("radio", name="No template").check(force=True)
    page.get_by_role("radio", name="tiny").check(force=True)
    expect(page.get_by_role("radio", name="medium")).to_be_checked()
