"""What the page offers while somebody types, invitations, and a conversation that grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.browser import Browser
from tests.browser.stage import SWARM, Stage

Take = Callable[[str], None]
COMPOSER = "[data-composer=channel]"
LOUNGE = "C0LOUNGE01"
GROWS = """
const [done] = arguments;
const box = document.querySelector('main .scroll');
const last = [...document.querySelectorAll('.message')].at(-1);
const grow = () => { last.style.paddingBottom = "300px"; };
box.scrollTop = box.scrollHeight;
requestAnimationFrame(() => {
    grow();
    box.dispatchEvent(new Event('scroll'));
    requestAnimationFrame(() => requestAnimationFrame(() =>
        done(box.scrollHeight - box.scrollTop - box.clientHeight)));
});
"""
"""Lets the last message grow in the frame of a scroll; returns how many pixels away the end is."""


@pytest.fixture(autouse=True)
def _no_complaints(browser: Browser) -> Iterator[None]:
    """The browser's console holds no error when a test ends."""
    browser.complaints()
    yield
    assert browser.complaints() == []


def offers(browser: Browser, typed: str, first: str) -> list[str]:
    """The labels of what is offered for a text, once its first one is there."""
    box = browser.find(COMPOSER)
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(Keys.BACKSPACE)
    box.send_keys(typed)
    browser.find("[role=option] code", first)
    return [each.text for each in browser.all("[role=option] code")]


def test_the_names_of_the_swarm_and_options_are_offered(browser: Browser, picture: Take) -> None:
    assert offers(browser, "/orochi restart ", "django")[:3] == ["django", "worker01", "shop/web"]
    picture("names")
    assert offers(browser, "/orochi logs django --", "--since")[0] == "--since"
    assert "shop" in offers(browser, "/orochi status sh", "shop")
    assert offers(browser, "/orochi drain 01", "photon")[0] == "photon-machine-01"

    browser.find(COMPOSER).send_keys(Keys.ARROW_DOWN, Keys.ENTER)

    assert browser.find(COMPOSER).get_property("value") == "/orochi drain photon-machine-01 "


def test_a_half_typed_name_is_completed_by_enter(browser: Browser) -> None:
    assert offers(browser, "/orochi scale wor", "worker01")[0] == "worker01"

    browser.find(COMPOSER).send_keys(Keys.ENTER, "3")

    assert browser.find(COMPOSER).get_property("value") == "/orochi scale worker01 3"


def test_no_suggestion_shows_a_backtick(browser: Browser) -> None:
    offers(browser, "/orochi ps ", "/orochi ps --wide")

    assert "`" not in browser.find("[role=listbox]").text
    assert browser.all("[role=listbox] kbd")


def test_the_bot_is_invited_to_a_channel(browser: Browser, stage: Stage, picture: Take) -> None:
    browser.click("nav a", "lounge")
    browser.find(".beginning", "The bot is not in this channel")
    assert offers(browser, "/inv", "/invite @orochi") == ["/invite @orochi"]
    picture("invite")
    browser.find(COMPOSER).send_keys(Keys.ARROW_DOWN, Keys.ENTER, Keys.ENTER)

    browser.find(".message", "added Orochi to #lounge.")

    browser.gone(".beginning", "The bot is not in this channel")
    assert stage.say("Hello.", LOUNGE)
    browser.find(".message", "Hello.")


def test_the_end_stays_in_view_when_a_message_grows(browser: Browser, stage: Stage) -> None:
    """Also when it grows in the frame in which the page scrolled by itself."""
    for number in range(30):
        stage.say(f"message {number}.", SWARM)
    browser.find(".message", "message 29.")

    assert browser.driver.execute_async_script(GROWS) < 2

    _go_up(browser)
    stage.say("message 30.", SWARM)
    browser.find(".message", "message 30.")
    assert _top(browser) == 0


def test_who_sends_something_is_at_the_end_again(browser: Browser, stage: Stage) -> None:
    for number in range(30):
        stage.say(f"message {number}.", SWARM)
    browser.find(".message", "message 29.")
    _go_up(browser)

    browser.type_in("hello there")

    said = browser.find(".message", "hello there")
    browser.wait(lambda: _top(browser) > 0 or None)
    bottom = said.rect["y"] + said.rect["height"]
    assert bottom <= browser.find(COMPOSER).rect["y"]


def _go_up(browser: Browser) -> None:
    """Scroll to the beginning; the page hears of it in its next frame."""
    browser.driver.execute_async_script(
        "const [done] = arguments, box = document.querySelector('main .scroll');"
        "box.addEventListener('scroll', () => requestAnimationFrame(() => done(0)), {once: true});"
        "box.scrollTop = 0"
    )


def _top(browser: Browser) -> int:
    script = "return document.querySelector('main .scroll').scrollTop"
    return int(browser.driver.execute_script(script))
