"""Actions on VMs: the plan and the command before, progress and the new state after."""

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Visitor
from tests.browser.served_site import Site

pytestmark = pytest.mark.browser


def dialog_of(page: Page, title: str) -> Locator:
    return page.get_by_role("dialog", name=title)


def choose(page: Page, action: str) -> None:
    """An action of the menu on a VM's page."""
    page.get_by_role("button", name="More actions").click()
    page.locator("#vm-menu").get_by_role("button", name=action, exact=True).click()


def head_of(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_shutting_down_shows_plan_and_command_and_the_page_follows(
    visitor: Visitor, site: Site
) -> None:
    page = visitor(f"/vms/{site.make_vm('obeys', start=True)}")
    expect(head_of(page)).to_contain_text("Running")
    page.get_by_role("button", name="Shut down", exact=True).click()
    dialog = dialog_of(page, "Shut down obeys")
    expect(dialog.get_by_role("region", name="Plan")).to_be_visible()
    dialog.get_by_text("As command").click()
    expect(dialog.get_by_text("castalia vm shutdown obeys")).to_be_visible()
    dialog.get_by_role("button", name="Shut down").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".toast-note").filter(has_text="obeys")).to_be_visible()
    expect(head_of(page)).to_contain_text("Stopped")


def test_the_start_button_of_a_stopped_vm_starts_it(visitor: Visitor, site: Site) -> None:
    page = visitor(f"/vms/{site.make_vm('starts')}")
    page.get_by_role("button", name="Start", exact=True).click()
    dialog = dialog_of(page, "Start starts")
    dialog.get_by_role("button", name="Start").click()
    expect(head_of(page)).to_contain_text("Running")


def test_an_action_of_a_row_changes_the_row(visitor: Visitor, site: Site) -> None:
    site.make_vm("in-a-row", start=True)
    page = visitor("/vms?q=in-a-row")
    page.get_by_role("button", name="Actions on in-a-row").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    dialog_of(page, "Pause in-a-row").get_by_role("button", name="Pause").click()
    expect(row_of(page, "in-a-row")).to_contain_text("Paused")


def test_deleting_disks_asks_for_the_typed_name(visitor: Visitor, site: Site) -> None:
    vm = site.make_vm("condemned")
    page = visitor(f"/vms/{vm}")
    choose(page, "Delete")
    dialog = dialog_of(page, "Delete condemned")
    delete, name = dialog.get_by_role("button", name="Delete"), dialog.get_by_label("to confirm")
    expect(delete).to_be_disabled()
    name.fill("condemne")
    expect(delete).to_be_disabled()
    name.fill("condemned")
    expect(delete).to_be_enabled()
    delete.click()
    expect(dialog).to_be_hidden()
    page.goto("/vms")
    expect(row_of(page, "condemned")).to_have_count(0)
    assert "condemned" not in {one.name for one in site.driver().vms.values()}


def test_keeping_the_disks_asks_for_no_name(visitor: Visitor, site: Site) -> None:
    page = visitor(f"/vms/{site.make_vm('spared')}")
    choose(page, "Delete")
    dialog = dialog_of(page, "Delete spared")
    expect(dialog.get_by_label("to confirm")).to_be_visible()
    dialog.get_by_label("Keep them").check()
    expect(dialog.get_by_label("to confirm")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Delete")).to_be_enabled()


def test_a_refusal_stands_in_the_dialog_with_its_remedy(visitor: Visitor, site: Site) -> None:
    site.make_vm("occupied")
    page = visitor(f"/vms/{site.make_vm('renamed')}")
    choose(page, "Rename")
    dialog = dialog_of(page, "Rename renamed")
    dialog.get_by_label("New name").fill("occupied")
    expect(dialog).to_contain_text("occupied")
    expect(dialog.get_by_role("button", name="Rename")).to_be_disabled()
    dialog.get_by_label("New name").fill("renamed-well")
    expect(dialog.get_by_role("button", name="Rename")).to_be_enabled()
    dialog.get_by_role("button", name="Rename").click()
    expect(head_of(page)).to_contain_text("renamed-well")


def test_two_picked_vms_are_started_together(visitor: Visitor, site: Site) -> None:
    for name in ("pair-a", "pair-b", "pair-c"):
        site.make_vm(name)
    page = visitor("/vms?q=pair-")
    expect(page.locator("#bulk")).to_be_hidden()
    page.get_by_label("Pick pair-a").check()
    page.get_by_label("Pick pair-b").check()
    expect(page.locator("#bulk")).to_contain_text("2 VMs")
    page.locator("#bulk").get_by_role("button", name="Start", exact=True).click()
    dialog = dialog_of(page, "Start 2 VMs")
    expect(dialog.get_by_role("region", name="Plan")).to_contain_text("pair-b")
    dialog.get_by_text("As command").click()
    expect(dialog.get_by_text("castalia vm start pair-a pair-b")).to_be_visible()
    dialog.get_by_role("button", name="Start").click()
    for name, state in {"pair-a": "Running", "pair-b": "Running", "pair-c": "Stopped"}.items():
        expect(row_of(page, name)).to_contain_text(state)
    expect(page.locator("#bulk")).to_be_hidden()


def test_shift_picks_a_range(visitor: Visitor, site: Site) -> None:
    for number in range(1, 5):
        site.make_vm(f"range-{number}")
    page = visitor("/vms?q=range-")
    page.get_by_label("Pick range-2").click()
    page.get_by_label("Pick range-4").click(modifiers=["Shift"])
    expect(page.locator("#bulk")).to_contain_text("3 VMs")
    expect(page.get_by_label("Pick range-1")).not_to_be_checked()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_label("Pick range-3")).not_to_be_checked()
