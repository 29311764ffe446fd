"""Files that a browser sends: in pieces, and on after an interruption."""

import pytest
from playwright.sync_api import FilePayload, Route, expect
from tests.browser.conftest import Complaints, Visitor

pytestmark = pytest.mark.browser

PIECE_BYTES = 8 * 1024**2


def test_a_lost_piece_is_sent_again(visitor: Visitor, complaints: Complaints) -> None:
    page = visitor("/templates")
    lost: list[str] = []

    def lose_the_second(route: Route) -> None:
        later = route.request.headers.get("upload-offset", "0") != "0"
        if later and not lost:
            lost.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*", lose_the_second)
    page.get_by_role("button", name="Import").click()
    page.get_by_role("button", name="Upload an image").click()
    content = b"\0" * (2 * PIECE_BYTES + 512)
    file = FilePayload(name="disk.img", mimeType="application/octet-stream", buffer=content)
    page.locator("#dialog input[type=file]").set_input_files(file)
    expect(page.get_by_text("All of it is here.")).to_be_visible()
    assert lost
    complaints.expected("net::ERR_FAILED")
