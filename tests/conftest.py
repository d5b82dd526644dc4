"""A real browser on the real page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from monitorme.testing import needs

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
# As root in a container there is no sandbox to be had; the rest keeps it off the network.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = needs.chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1920 by 1080 that fails the test where its scripts complain."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.extend(_complaint(message)))
    yield opened
    context.close()
    assert complaints == []


def _complaint(message: ConsoleMessage) -> list[str]:
    """Return what a script complains of; an answer of 503 is the test's own business."""
    is_network = (
        "Failed to load resource" in message.text or "WebSocket" in message.text
    )
    return [message.text] if message.type == "error" and not is_network else []
