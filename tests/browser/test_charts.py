"""Charts of a VM."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Visitor
from tests.browser.served_site import Site

pytestmark = pytest.mark.browser


def test_another_time_is_asked_for_and_drawn(visitor: Visitor, site: Site) -> None:
    page = visitor(f"/vms/{site.make_vm('drawn', start=True)}/charts")
    expect(page.locator("#page canvas").first).to_be_visible()
    week = page.get_by_role("button", name="7 days")
    with page.expect_response(lambda answer: answer.url.endswith("range=7d")) as answered:
        week.click()
    assert answered.value.ok
    expect(week).to_have_attribute("aria-current", "")
    expect(page.locator("#page canvas").first).to_be_visible()
