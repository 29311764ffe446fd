"""Logging in and out through the form."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import Complaints
from tests.browser.served_site import PASSWORD, Site

pytestmark = pytest.mark.browser


@pytest.fixture
def stranger(site: Site, browser: Browser, complaints: Complaints) -> Iterator[Page]:
    """A page of somebody who is not logged in."""
    context = browser.new_context(base_url=site.address)
    page = context.new_page()
    complaints.watch(page)
    yield page
    context.close()


def fill(page: Page, *, user: str, password: str) -> None:
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_wrong_password_is_refused_and_the_name_is_kept(
    stranger: Page, complaints: Complaints
) -> None:
    stranger.goto("/login")
    fill(stranger, user="admin", password="not this one")
    expect(stranger.get_by_role("alert")).to_contain_text("password")
    expect(stranger.get_by_label("User")).to_have_value("admin")
    expect(stranger.get_by_label("Password")).to_have_value("")
    complaints.expected("401")


def test_the_login_leads_to_the_page_that_was_asked_for(stranger: Page) -> None:
    stranger.goto("/hosts")
    expect(stranger).to_have_title("Log in · Castalia")
    fill(stranger, user="viewer", password=PASSWORD)
    expect(stranger.get_by_role("heading", level=1)).to_contain_text("Hosts")
    assert stranger.url.endswith("/hosts")


def test_the_login_does_not_lead_to_another_server(stranger: Page, site: Site) -> None:
    stranger.goto("/login?next=//example.org/")
    fill(stranger, user="viewer", password=PASSWORD)
    expect(stranger.get_by_role("heading", name="Overview")).to_be_visible()
    assert stranger.url == f"{site.address}/"


def test_after_the_logout_the_pages_are_closed(stranger: Page) -> None:
    stranger.goto("/login")
    fill(stranger, user="operator", password=PASSWORD)
    stranger.get_by_role("button", name="operator").click()
    stranger.get_by_role("button", name="Log out").click()
    expect(stranger.get_by_role("button", name="Log in")).to_be_visible()
    stranger.goto("/vms")
    expect(stranger).to_have_title("Log in · Castalia")


def test_a_session_that_ended_elsewhere_leads_to_the_login(
    stranger: Page, complaints: Complaints
) -> None:
    stranger.goto("/login")
    fill(stranger, user="operator", password=PASSWORD)
    expect(stranger.get_by_role("heading", name="Overview")).to_be_visible()
    stranger.context.clear_cookies()
    stranger.get_by_role("link", name="Storage").first.click()
    expect(stranger).to_have_title("Log in · Castalia")
    complaints.expected("401")
