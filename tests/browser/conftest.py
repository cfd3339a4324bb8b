"""A browser, and a page of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.browser import Browser
from tests.browser.stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A workspace, its page and a small bot."""
    with Stage() as made:
        yield made


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The session's browser."""
    with Browser(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture
def browser(chromium: Browser, stage: Stage) -> Browser:
    """The browser with empty storage and the page open."""
    chromium.open(stage.page.url)
    return chromium


@pytest.fixture
def picture(browser: Browser, artefacts: Path | None) -> Callable[[str], None]:
    """Saves a screenshot of the page under a name, if the run wants any."""

    def take(name: str) -> None:
        if artefacts is not None:
            browser.save(artefacts / f"{name}.png")

    return take


@pytest.fixture
def artefacts() -> Path | None:
    """The folder for screenshots: the one that `BROWSER_ARTEFACTS` names, or None."""
    folder = os.environ.get("BROWSER_ARTEFACTS", "")
    return Path(folder) if folder else None
