"""Pages change by themselves when something happens behind their back."""

import threading

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.browser.conftest import Visitor
from tests.browser.served_site import WAIT_S, Site

from castalia.model.access import SYSTEM
from castalia.model.page import PageRequest
from castalia.model.vm import PowerAction

pytestmark = pytest.mark.browser

STREAM = "**/api/v1/events"


def open_live(visitor: Visitor, path: str) -> Page:
    """A page whose event stream is open, with a mark that a reload would wipe out."""
    page = visitor("/settings")
    with page.expect_response(STREAM):
        page.goto(path)
    page.evaluate("window.untouched = true")
    return page


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def power_off(site: Site, name: str) -> None:
    """The guest does it, without the manager being asked; returns when the manager knows."""
    services = site.manager.services
    vm = services.vms.get(name, principal=SYSTEM)
    told = threading.Event()
    end = services.events.subscribe(
        lambda change: told.set() if (change.noun, change.id) == ("vm", vm.id) else None
    )
    site.driver().guest_powers_off(vm.uuid)
    assert told.wait(WAIT_S)
    end()


def assert_not_reloaded(page: Page) -> None:
    assert page.evaluate("window.untouched === true")


def test_a_vm_that_powers_off_changes_its_row(visitor: Visitor, site: Site) -> None:
    site.make_vm("tired", start=True)
    page = open_live(visitor, "/vms?q=tired")
    expect(row_of(page, "tired")).to_contain_text("Running")
    power_off(site, "tired")
    expect(row_of(page, "tired")).to_contain_text("Stopped")
    assert_not_reloaded(page)


def test_a_row_that_changes_stays_picked(visitor: Visitor, site: Site) -> None:
    site.make_vm("held", start=True)
    page = open_live(visitor, "/vms?q=held")
    page.get_by_label("Pick held").check()
    power_off(site, "held")
    expect(row_of(page, "held")).to_contain_text("Stopped")
    expect(page.get_by_label("Pick held")).to_be_checked()


def test_a_vm_that_powers_off_changes_its_page(visitor: Visitor, site: Site) -> None:
    page = open_live(visitor, f"/vms/{site.make_vm('sleepy', start=True)}")
    power_off(site, "sleepy")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Stopped")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert_not_reloaded(page)


def test_vms_that_come_and_go_are_rows_that_come_and_go(visitor: Visitor, site: Site) -> None:
    site.make_vm("guest-1")
    page = open_live(visitor, "/vms?q=guest-")
    vm = site.make_vm("guest-2")
    expect(row_of(page, "guest-2")).to_be_visible()
    delete = site.manager.services.vm_delete.delete
    site.done(delete(vm, keep_disks=False, force=False, principal=SYSTEM))
    expect(row_of(page, "guest-2")).to_have_count(0)
    expect(row_of(page, "guest-1")).to_be_visible()
    assert_not_reloaded(page)


def test_the_totals_above_the_list_follow(visitor: Visitor, site: Site) -> None:
    site.make_vm("counted-1")
    page = open_live(visitor, "/vms?q=counted-")
    running = page.locator("#states").get_by_role("link", name="Running")
    vm = site.make_vm("counted-2")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2")
    site.done(site.manager.services.vm_power.power(vm, PowerAction.START, principal=SYSTEM))
    now_running = len(
        site.manager.services.vms.list(
            PageRequest(filter="state:running", limit=500), principal=SYSTEM
        ).items
    )
    expect(running).to_contain_text(str(now_running))
    assert_not_reloaded(page)


def test_jobs_of_others_are_listed_as_they_come(visitor: Visitor, site: Site) -> None:
    vm = site.make_vm("worked-on")
    page = open_live(visitor, "/jobs?q=worked-on")
    power = site.manager.services.vm_power.power
    site.done(power(vm, PowerAction.START, principal=SYSTEM))
    expect(page.get_by_role("row").filter(has_text="Start worked-on")).to_contain_text("Done")
    assert_not_reloaded(page)


def test_a_change_before_the_stream_opened_is_not_lost(visitor: Visitor, site: Site) -> None:
    """Between the rendering of a page and its stream a VM may stop all the same."""
    site.make_vm("between", start=True)
    page = visitor("/settings")
    held: list[Route] = []
    page.route(STREAM, lambda route: held.append(route))  # it needs a plain function
    with page.expect_request(STREAM):
        page.goto("/vms?q=between")
    expect(row_of(page, "between")).to_contain_text("Running")
    power_off(site, "between")
    held[-1].continue_()
    expect(row_of(page, "between")).to_contain_text("Stopped")


def test_a_lost_connection_is_said_and_heals(visitor: Visitor, site: Site) -> None:
    page = visitor("/settings")
    page.route(STREAM, lambda route: route.fulfill(content_type="text/event-stream", body=""))
    page.goto("/vms")
    expect(page.get_by_text("Live updates are paused")).to_be_visible()
    page.unroute(STREAM)
    expect(page.get_by_text("Live updates are paused")).to_be_hidden()
