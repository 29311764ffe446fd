"""Every page renders without a complaint of the browser or a serious accessibility violation."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.conftest import Complaints, Visitor
from tests.browser.served_site import Site

from castalia.model.access import SYSTEM
from castalia.model.page import PageRequest

pytestmark = pytest.mark.browser

PLAIN = (
    "/",
    "/vms",
    "/vms/new",
    "/hosts",
    "/templates",
    "/storage",
    "/networks",
    "/jobs",
    "/events",
    "/audit",
    "/settings",
    "/settings/users",
    "/settings/tokens",
    "/settings/keys",
    "/settings/password",
    "/no/such/page",
)
OF_A_VM = ("", "/console", "/console?kind=serial", "/charts", "/disks", "/network", "/jobs", "/xml")
OF_A_HOST = ("", "/vms", "/charts", "/events")
_TOO_WIDE = """() => {
  const wide = document.documentElement.scrollWidth > innerWidth;
  const out = [...document.querySelectorAll("#page *")].filter((one) => wide &&
    one.getBoundingClientRect().right > innerWidth);
  return out.slice(0, 5).map((one) => one.outerHTML.slice(0, 120));
}"""
_AXE = Axe()
_ONLY_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""All that differs between the themes."""
_ASKED = PageRequest(limit=1)


@pytest.fixture(scope="module")
def addresses(site: Site) -> list[str]:
    """The address of every page."""
    services = site.manager.services
    vm = site.make_vm("seen", start=True, tags=("web",))
    site.make_vm("seen-off")
    host = services.hosts.get("h1", principal=SYSTEM).id
    one = {
        "/templates": services.templates.list(_ASKED, principal=SYSTEM),
        "/storage": services.storage.repositories(_ASKED, principal=SYSTEM),
        "/networks": services.networks.list(_ASKED, principal=SYSTEM),
        "/jobs": services.jobs.list(_ASKED, principal=SYSTEM),
    }
    return [
        *PLAIN,
        *(f"/vms/{vm}{tab}" for tab in OF_A_VM),
        *(f"/hosts/{host}{tab}" for tab in OF_A_HOST),
        *(f"{section}/{page.items[0].id}" for section, page in one.items()),
    ]


@pytest.fixture(params=["light", "dark"])
def page(visitor: Visitor, request: pytest.FixtureRequest) -> Page:
    """A page in one of the themes, without movement that would delay what is measured."""
    return visitor("/", color_scheme=request.param, reduced_motion="reduce")


def is_dark(page: Page) -> bool:
    return page.locator("html").get_attribute("data-bs-theme") == "dark"


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe calls serious or critical."""
    found = _AXE.run(page, options={"resultTypes": ["violations"], **options}).response[
        "violations"
    ]
    return [
        f"{page.url}: {one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def test_every_page_is_whole_and_accessible(
    page: Page, addresses: list[str], complaints: Complaints
) -> None:
    found: list[str] = []
    options = _ONLY_COLOURS if is_dark(page) else {}
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == (404 if address == "/no/such/page" else 200), address
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found += violations(page, options)
    complaints.expected("404")
    assert not found, "\n".join(found)


def test_no_page_is_wider_than_a_phone(visitor: Visitor, addresses: list[str]) -> None:
    page = visitor("/", viewport={"width": 390, "height": 844})
    for address in addresses:
        if address == "/no/such/page":
            continue
        page.goto(address)
        assert page.evaluate(_TOO_WIDE) == [], address
