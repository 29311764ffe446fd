"""The pages on a phone."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Visitor
from tests.browser.served_site import Site

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_the_drawer_opens_and_leads_to_a_section(visitor: Visitor) -> None:
    page = visitor("/", viewport=PHONE, reduced_motion="reduce")
    drawer = page.get_by_role("navigation", name="Sections")
    expect(drawer).not_to_be_in_viewport()
    page.get_by_role("button", name="Sections").click()
    expect(drawer).to_be_in_viewport(ratio=0.9)
    drawer.get_by_role("link", name="VMs").click()
    expect(page).to_have_title("VMs · Castalia")
    expect(drawer).not_to_be_in_viewport()


def test_a_tap_beside_the_drawer_closes_it(visitor: Visitor) -> None:
    page = visitor("/", viewport=PHONE, reduced_motion="reduce")
    drawer = page.get_by_role("navigation", name="Sections")
    page.get_by_role("button", name="Sections").click()
    expect(drawer).to_be_in_viewport(ratio=0.9)
    page.mouse.click(PHONE["width"] - 10, PHONE["height"] // 2)
    expect(drawer).not_to_be_in_viewport()


def test_long_names_do_not_widen_the_pages(visitor: Visitor, site: Site) -> None:
    name = "a-name-as-long-as-names-may-be-" + "x" * 30
    vm = site.make_vm(name, start=True, tags=("some-long-tag-of-a-team", "another-long-tag"))
    page = visitor("/", viewport=PHONE)
    for path in ("/", "/vms", f"/vms/{vm}", f"/vms/{vm}/disks", "/jobs", "/events"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate(WIDER) <= 0, path


def test_a_dialog_fits_and_its_button_can_be_reached(visitor: Visitor, site: Site) -> None:
    page = visitor(f"/vms/{site.make_vm('pocketed')}", viewport=PHONE)
    page.get_by_role("button", name="More actions").click()
    page.locator("#vm-menu").get_by_role("button", name="Edit", exact=True).click()
    dialog = page.get_by_role("dialog", name=re.compile("^Edit"))
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    dialog.get_by_role("button", name="Save").scroll_into_view_if_needed()
    expect(dialog.get_by_role("button", name="Save")).to_be_in_viewport(ratio=1)
