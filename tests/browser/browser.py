"""Headless Chromium, and what a person does with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.lab.shell import find_tool

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
PATIENCE = 60.0
LOOK_EACH = 0.05
DESK, PHONE = (1280, 800), (390, 844)

T = TypeVar("T")


class Browser:
    """One Chromium for many tests: each test starts with empty storage."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in ("chromium", "chromedriver") if find_tool(name) is None]
        assert not missing, f"the browser tests need: {', '.join(missing)}"
        options = ChromeOptions()
        options.binary_location = str(find_tool("chromium"))
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in (*FLAGS, f"--user-data-dir={folder}", "--window-size=1280,800"):
            options.add_argument(flag)
        # Only loopback is used, where a proxy of this machine would interfere.
        os.environ["NO_PROXY"] = "127.0.0.1,localhost"
        self._opened: set[str] = set()  # other origins have no storage yet
        self.driver = Chrome(options=options, service=Service(str(find_tool("chromedriver"))))

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def open(self, url: str) -> None:
        """Open the page as on a first visit, with the light theme on a desktop."""
        self.size(*DESK)
        self.prefer("light")
        self.driver.get(url)
        origin = urlsplit(url).netloc
        if origin in self._opened:
            self.driver.execute_script("localStorage.clear(); sessionStorage.clear()")
            self.driver.get(url)
        self._opened.add(origin)
        self.find("[data-composer=channel]")

    def size(self, width: int, height: int) -> None:
        """The page's size in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """The system's preferred colour scheme: light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def wait(self, probe: Callable[[], T | None], what: str = "") -> T:
        """The first result of the probe that is not None."""
        waiting = WebDriverWait(
            self.driver, PATIENCE, LOOK_EACH, ignored_exceptions=[StaleElementReferenceException]
        )
        found = waiting.until(lambda _driver: probe(), what or "nothing came")
        assert found is not None
        return found

    def all(self, selector: str) -> list[WebElement]:
        """The elements that are there now."""
        return list(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def find(self, selector: str, text: str = "") -> WebElement:
        """The first visible element that contains the text, now or soon."""

        def probe() -> WebElement | None:
            shown = (each for each in self.all(selector) if each.is_displayed())
            return next((each for each in shown if text in each.text), None)

        try:
            return self.wait(probe, f"no {selector} with {text!r}")
        except TimeoutException as error:
            shown = [each.text for each in self.all(selector) if each.is_displayed()]
            raise AssertionError(f"no {selector} with {text!r}, only {shown}") from error

    def gone(self, selector: str, text: str = "") -> None:
        """Wait until no such element is visible."""

        def probe() -> bool | None:
            shown = (each for each in self.all(selector) if each.is_displayed())
            return not any(text in each.text for each in shown) or None

        self.wait(probe, f"still {selector} with {text!r}")

    def click(self, selector: str, text: str = "") -> None:
        """Click an element once it is there."""
        self.find(selector, text).click()

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> WebElement:
        """The focused element."""
        return self.driver.switch_to.active_element

    def tab_to(self, selector: str, text: str = "", *, most: int = 40) -> None:
        """Press Tab until such an element has the focus."""
        wanted = self.find(selector, text)
        for _ in range(most):
            if self.focused() == wanted:
                return
            self.keys(Keys.TAB)
        raise AssertionError(f"{selector} is not reached by Tab")

    def type_in(self, text: str, composer: str = "channel") -> None:
        """Type into the message box and send it, past any suggestions."""
        box = self.find(f"[data-composer={composer}]")
        box.send_keys(text, Keys.ESCAPE)
        if self.all("[role=listbox] [aria-selected=true]"):
            self.gone("[role=listbox]")
        box.send_keys(Keys.ENTER)

    def style(self, selector: str, name: str) -> str:
        """A computed style of the first such element."""
        return self.find(selector).value_of_css_property(name)

    def complaints(self) -> list[str]:
        """The messages in the browser's console: errors of the page and policy violations."""
        logged = self.driver.get_log("browser")
        return [each["message"] for each in logged if each["level"] == "SEVERE"]

    def save(self, file: Path) -> None:
        """A screenshot of the page."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(file))
