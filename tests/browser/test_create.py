"""Creating VMs through the form."""

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Complaints, Visitor
from tests.browser.served_site import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def form(visitor: Visitor) -> Page:
    """The empty form."""
    return visitor("/vms/new")


def plan_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Plan")


def create_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Create", exact=True)


def test_a_vm_is_made_and_its_row_appears(form: Page) -> None:
    expect(create_button(form)).to_be_disabled()
    form.get_by_label("Name", exact=True).fill("made-here")
    form.get_by_label("Host", exact=True).select_option("h1")
    expect(plan_of(form)).to_contain_text("start the VM")
    expect(plan_of(form)).to_contain_text("Host h1 was asked for.")
    create_button(form).click()
    form.wait_for_url("**/vms")
    expect(form.get_by_role("status").filter(has_text="made-here").first).to_be_visible()
    row = form.get_by_role("row").filter(has_text="made-here")
    expect(row).to_contain_text("Running")


def test_a_taken_name_is_refused_before_and_a_free_one_heals_it(form: Page, site: Site) -> None:
    site.make_vm("taken")
    form.get_by_label("Name", exact=True).fill("taken")
    form.get_by_label("Host", exact=True).select_option("h1")
    expect(form.locator("#outlook")).to_contain_text("taken")
    expect(create_button(form)).to_be_disabled()
    form.get_by_label("Name", exact=True).fill("not-taken")
    expect(create_button(form)).to_be_enabled()


def test_a_name_that_was_taken_meanwhile_is_refused_with_a_remedy(
    form: Page, site: Site, complaints: Complaints
) -> None:
    form.get_by_label("Name", exact=True).fill("overtaken")
    form.get_by_label("Host", exact=True).select_option("h1")
    expect(create_button(form)).to_be_enabled()
    site.make_vm("overtaken")
    create_button(form).click()
    expect(form.get_by_role("alert")).to_contain_text("overtaken")
    assert form.url.endswith("/vms/new")
    complaints.expected("409")


def test_several_are_made_from_a_pattern(form: Page) -> None:
    form.get_by_label("Name", exact=True).fill("herd-{n:02}")
    form.get_by_label("How many").fill("3")
    form.get_by_label("Start now").uncheck()
    expect(plan_of(form)).to_contain_text("define the VM (3 times)")
    create_button(form).click()
    form.wait_for_url("**/vms")
    for name in ("herd-01", "herd-02", "herd-03"):
        expect(form.get_by_role("row").filter(has_text=name)).to_contain_text("Stopped")


def test_the_command_beside_the_form_says_the_same(form: Page) -> None:
    form.get_by_label("Name", exact=True).fill("scripted")
    form.get_by_role("radio", name="micro").check()
    form.get_by_text("As command").click()
    expect(form.locator("#outlook pre").first).to_have_text(
        "castalia vm create scripted --template tiny --size micro --network default"
    )
