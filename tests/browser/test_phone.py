"""The demo on a screen of 390 pixels: what an on-call person does, seen in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.support.ui import Select

from bot.domain.commands.table import COMMANDS
from tests.browser.browser import PHONE, Browser
from tests.demo import ALERTS, DemoProcess

EVERY_COMMAND = {
    "help": "/orochi help COMMAND",
    "status": "orochi",
    "status --all": "portainer",
    "status worker01": "worker01",
    "scale 3": "Converged: scale worker01 to 3",
    "update worker01 :2.1": "Converged: update worker01",
    "images": "worker01",
    "restart scheduler": "Converged: restart scheduler",
    "rollback worker01": "Converged: roll back worker01",
    "resume worker01": "Nothing was changed",
    "run worker01 -- env": "run worker01",
    "ps": "tasks",
    "ps worker01": "worker01.1",
    "ps --wide": "DESIRED STATE",
    "logs worker01 --lines 5": "5 log lines",
    "logs worker01 --grep zzz": "zzz",
    "nodes": "m-01 · ready",
    "nodes m-01": "photon-machine-01",
    "nodes --wide": "HOSTNAME",
    "map": "The swarm for",
    "volumes": "volume",
    "drain m-10 --yes": "Converged: drain",
    "activate m-10": "Converged: activate",
    "join worker": "docker swarm join",
    "incidents": "server",
    "jobs": "Finished",
    "cancel zzzzzz": "There is no job",
    "stacks": "portainer",
    "history portainer": "portainer",
    "deploy": "orochi",
    "remove portainer": "remove portainer",
}
"""A typed command, and what its answer or its job's verdict says."""

COMPOSER = "[data-composer=channel]"
FIRING = "Firing: server"
TRY = "[data-action^='demo.try']"


BEYOND = """
    const controls = "main button, main textarea, main select, dialog button";
    return [...document.querySelectorAll(controls)].filter(each => {
        const box = each.getBoundingClientRect();
        return each.checkVisibility() && (box.left < 0 || box.right > arguments[0]);
    }).map(each => each.innerText);
"""


class Phone:
    """The demo's page in a hand; pictures of it go to ``folder`` if there is one."""

    def __init__(self, browser: Browser, demo: DemoProcess, folder: Path | None) -> None:
        self.browser = browser
        self.demo = demo
        self._folder = folder

    def open(self) -> None:
        """Open the page as on a first visit."""
        self.browser.open(self.demo.url)
        self.browser.size(*PHONE)
        self.browser.find(".message", "Try the bot.")

    def go(self, place: str) -> None:
        """Choose a channel in the menu."""
        self.browser.click("[aria-label=Channels]")
        self.browser.wait(lambda: self.browser.find("nav").rect["x"] == 0 or None)
        self.browser.click("nav a", place)
        self.browser.wait(lambda: place in self.browser.find("h1").text or None)
        self.browser.wait(lambda: self.browser.find("main").is_displayed() or None)

    def picture(self, name: str) -> None:
        """Take it in dark and in light; nothing may be wider than the screen or out of reach."""
        for look in ("dark", "light"):
            self.browser.prefer(look)
            theme = f"html[data-theme={look}]"
            self.browser.wait(lambda theme=theme: self.browser.all(theme) or None)  # type: ignore[misc]
            if self._folder is not None:
                self.browser.save(self._folder / f"phone-{name}-{look}.png")
        script = "return document.documentElement.scrollWidth"
        assert int(self.browser.driver.execute_script(script)) <= PHONE[0]
        assert self.cut() == []

    def last(self, text: str, name: str) -> None:
        """Wait for the last message of the channel, which is in sight, and take a picture."""
        self.browser.wait(
            lambda: text in self.browser.all("main .message")[-1].text or None,
            f"the last message is not {text!r}",
        )
        self.browser.wait(lambda: self._in_sight() or None)
        self.picture(name)
        assert self._in_sight()

    def answer(self, text: str, before: int) -> None:
        """Wait for a message with this text, after as many as there were."""
        self.browser.wait(
            lambda: (
                any(text in each.text for each in self.browser.all("main .message")[before:])
                or None
            ),
            f"no answer with {text!r}",
        )
        self.browser.wait(lambda: self._in_sight() or None)

    def _in_sight(self) -> bool:
        """Whether the end of the conversation is in sight."""
        script = (
            "const box = document.querySelector('main .scroll');"
            "return box.scrollHeight - box.scrollTop - box.clientHeight < 2"
        )
        return bool(self.browser.driver.execute_script(script))

    def cut(self) -> list[str]:
        """The visible controls that reach beyond the screen's sides, at one moment."""
        found: list[str] = self.browser.driver.execute_script(BEYOND, PHONE[0])
        return found


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoProcess]:
    """The module's demo, with its broken service."""
    with DemoProcess(BOT_ALERTS_QUIET_SECONDS="1") as made:
        made.message(FIRING, channel=ALERTS)
        yield made


@pytest.fixture
def phone(chromium: Browser, demo: DemoProcess, artefacts: Path | None) -> Iterator[Phone]:
    """The demo, open on a phone; at the end the browser has complained about nothing."""
    made = Phone(chromium, demo, artefacts)
    made.open()
    chromium.complaints()
    yield made
    assert chromium.complaints() == []


def test_every_part_of_the_page_is_reached(phone: Phone) -> None:
    """People, channels, suggestions, a thread, the direct conversation, Home, the panel."""
    browser = phone.browser
    browser.click("[aria-label=Channels]")
    browser.wait(lambda: browser.find("nav").rect["x"] == 0 or None)
    acting = Select(browser.find("[data-acting]"))
    assert [each.text for each in acting.options] == [
        "Ann · operator", "Bob · viewer", "Cleo · operator", "Dan · guest",
    ]  # fmt: skip
    phone.picture("menu")
    acting.select_by_visible_text("Cleo · operator")
    browser.click("nav a", "swarm")
    browser.find(COMPOSER).send_keys("/orochi scale ")
    browser.find("[role=option]", "worker01")
    phone.picture("suggestions")
    browser.click("[role=option]", "worker01")
    browser.type_in("2")
    scaled = browser.find(".message", "Converged: scale worker01 to 2")
    assert "@Cleo" in scaled.text
    scaled.find_element("css selector", ".replies button").click()
    browser.find("[data-composer=thread]").send_keys("thanks")
    phone.picture("thread")
    browser.type_in("!", "thread")
    browser.find(".side .message", "thanks!")
    browser.click("[aria-label='Close the thread']")

    phone.go("Orochi")
    browser.type_in("/orochi nodes")
    browser.find(".message", "m-01 · ready")
    phone.picture("direct")
    browser.click("[aria-label='Break things']")
    browser.find("[data-break=crash_loop]")
    phone.picture("panel")
    browser.click("[aria-label='Close the panel']")
    phone.go("Orochi Home")
    browser.find(".home", "orochi")
    phone.picture("home")


def test_the_bot_is_invited_where_it_is_not_a_member(phone: Phone) -> None:
    browser = phone.browser
    phone.go("lounge")
    browser.find(".beginning", "The bot is not in this channel")
    browser.type_in("/orochi scale 2")
    browser.find(".message.private", "Invite me there with")
    phone.picture("not-invited")
    browser.type_in("/invite @orochi")
    browser.find(".message", "added Orochi to #lounge.")
    browser.type_in("/orochi scale 3")
    browser.find(".message", "Converged: scale worker01 to 3")
    phone.picture("invited")


def test_each_person_sees_their_own_answers(phone: Phone) -> None:
    browser = phone.browser
    browser.type_in("/orochi status")
    browser.find(".message.private", "8 services")
    for person, said in (("Bob · viewer", "Nothing was changed"), ("Dan · guest", "Guests")):
        browser.click("[aria-label=Channels]")
        browser.wait(lambda: browser.find("nav").rect["x"] == 0 or None)
        Select(browser.find("[data-acting]")).select_by_visible_text(person)
        browser.click("nav a", "swarm")
        browser.gone(".message.private")
        browser.type_in("/orochi scale 5")
        browser.find(".message.private", said)
        phone.picture(f"refused-{person[:3].lower()}")


def test_the_answer_of_every_command_fits(phone: Phone) -> None:
    """Not those of a button, and one of each kind."""
    assert {typed.split()[0] for typed in EVERY_COMMAND} == {row.name for row in COMMANDS}
    for typed, said in EVERY_COMMAND.items():
        before = len(phone.browser.all("main .message"))
        phone.browser.type_in(f"/orochi {typed}")
        phone.answer(said, before)
        phone.picture("command-" + re.sub(r"[^a-z0-9]+", "-", typed).strip("-"))


def test_a_night_on_call(phone: Phone) -> None:
    """See what is wrong, read the log, acknowledge, roll back, scale, and deploy.

    It repairs what is broken, so it comes last.
    """
    browser = phone.browser
    phone.picture("first")
    browser.click(TRY, "See what is wrong")
    phone.last("1 of 2 services unhealthy", "status")

    browser.click(".message a", "#alerts")
    browser.find(".message", FIRING)
    phone.picture("alert")
    browser.click("[data-action='incident.logs']")
    phone.last("portainer_server · slot 1", "log")
    browser.click("[data-action='incident.ack']")
    browser.find(".message", "Acknowledged")
    phone.picture("acknowledged")

    browser.click("[data-action='job.rollback']")
    browser.find("dialog", "Roll back?")
    phone.picture("roll-back")
    browser.click("dialog button", "Roll back")
    browser.find(".message", "Converged: roll back server")
    browser.find(".message", "Resolved: server")
    phone.picture("rolled-back")

    phone.go("swarm")
    browser.click(TRY, "Scale worker01 to 5")
    phone.last("scale worker01 to 5", "scaling")
    phone.last("Converged: scale worker01 to 5", "scaled")

    browser.type_in("/orochi deploy portainer")
    phone.last("Plan: deploy portainer", "plan")
    browser.all("[data-action='job.confirm']")[-1].click()
    browser.find("dialog", "deploy portainer")
    phone.picture("confirm")
    browser.click("dialog button", "Confirm")
    phone.last("Converged: deploy portainer", "deployed")
