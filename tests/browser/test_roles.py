"""What somebody may not do is not offered to them, and is refused all the same."""

import lxml.html
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Complaints, Visitor
from tests.browser.served_site import Site

from castalia.model.access import SYSTEM, Role
from castalia.model.page import PageRequest
from castalia.web.dialogs import NOUNS

pytestmark = pytest.mark.browser

_ONE = PageRequest(limit=1)


@pytest.fixture(scope="module")
def addresses(site: Site) -> list[str]:
    """Every page that offers actions."""
    services = site.manager.services
    vm = site.make_vm("forbidden-fruit", start=True)
    site.make_vm("forbidden-root")
    one = {
        "/hosts": services.hosts.list(_ONE, principal=SYSTEM),
        "/templates": services.templates.list(_ONE, principal=SYSTEM),
        "/storage": services.storage.repositories(_ONE, principal=SYSTEM),
        "/networks": services.networks.list(_ONE, principal=SYSTEM),
        "/jobs": services.jobs.list(_ONE, principal=SYSTEM),
    }
    return [
        *("/", "/vms", f"/vms/{vm}", f"/vms/{vm}/disks", f"/vms/{vm}/network"),
        *one,
        *(f"{section}/{page.items[0].id}" for section, page in one.items()),
        *("/settings", "/settings/tokens", "/settings/keys"),
    ]


def offered(page: Page, address: str) -> set[str]:
    """The actions that a page has buttons for, open or in its menus, as the server writes it."""
    answer = page.request.get(address)
    assert answer.ok, address
    found = lxml.html.fromstring(answer.text()).xpath("//@data-dialog")
    return {str(action).split("?")[0] for action in found}


def forbidden(role: Role) -> set[str]:
    """The actions that need another role."""
    return {
        change.address
        for changes in NOUNS.values()
        for change in changes.values()
        if not role.allows(change.role)
    }


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_no_page_offers_what_its_reader_may_not_do(
    visitor: Visitor, addresses: list[str], role: Role
) -> None:
    page = visitor("/", role=role)
    wrong: dict[str, set[str]] = {}
    for address in addresses:
        if found := offered(page, address) & forbidden(role):
            wrong[address] = found
    assert not wrong


def test_an_admin_is_offered_actions_where_a_viewer_is_not(
    visitor: Visitor, addresses: list[str]
) -> None:
    page = visitor("/", role=Role.ADMIN)
    denied = forbidden(Role.VIEWER)
    assert [address for address in addresses if offered(page, address) & denied]


def test_a_viewer_is_led_to_no_form_for_vms(visitor: Visitor, site: Site) -> None:
    site.make_vm("looked-at")
    page = visitor("/vms", role=Role.VIEWER)
    expect(page.get_by_role("link", name="looked-at", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Create a VM")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("create")
    palette = page.get_by_role("dialog", name="Search and commands")
    expect(palette.get_by_role("option").filter(has_text="looked-at").first).to_be_visible()
    expect(palette.get_by_role("option", name="Create a VM")).to_have_count(0)


def test_a_viewers_menu_of_a_row_holds_no_action(visitor: Visitor, site: Site) -> None:
    site.make_vm("menu-card")
    page = visitor("/vms?q=menu-card", role=Role.VIEWER)
    page.get_by_role("button", name="Actions on menu-card").click()
    expect(page.get_by_role("link", name="Console")).to_be_visible()
    expect(page.locator("[data-dialog]")).to_have_count(0)


def test_a_form_that_is_not_allowed_is_refused_with_a_reason(
    visitor: Visitor, complaints: Complaints
) -> None:
    page = visitor("/", role=Role.VIEWER)
    answer = page.goto("/vms/new")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("main")).to_contain_text("operator")
    complaints.expected("403")


def test_the_audit_is_the_admins(visitor: Visitor) -> None:
    sections = visitor("/", role=Role.OPERATOR).get_by_role("navigation", name="Sections")
    expect(sections.get_by_role("link", name="Hosts")).to_be_visible()
    expect(sections.get_by_role("link", name="Audit")).to_have_count(0)
