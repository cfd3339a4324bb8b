"""What people do on the page, by mouse and by keyboard, as operator and as viewer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from bot.slack.permalinks import permalink
from tests.browser.browser import DESK, PHONE, Browser
from tests.browser.stage import ALERTS, BOB, SWARM, Stage

Take = Callable[[str], None]
COMPOSER = "[data-composer=channel]"
IN_SIGHT = """said => {
  const box = said.getBoundingClientRect();
  return box.top >= 0 && box.bottom <= innerHeight && box.height > 0;
}"""


@pytest.fixture(autouse=True)
def _no_complaints(browser: Browser) -> Iterator[None]:
    """The browser's console holds no error when a test ends."""
    browser.complaints()
    yield
    assert browser.complaints() == []


def act_as(browser: Browser, name: str) -> None:
    Select(browser.find("[data-acting]")).select_by_visible_text(name)
    browser.wait(lambda: Select(browser.find("[data-acting]")).first_selected_option.text == name)


def test_a_command_is_completed_from_the_bots_table_and_watched_live(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    box = browser.find(COMPOSER)
    box.send_keys("/orochi sc")
    option = browser.find("[role=option][aria-selected=true]", "/orochi scale")
    assert "operators" in option.text
    picture("autocomplete")
    box.send_keys(Keys.ENTER)
    assert box.get_property("value") == "/orochi scale "
    browser.find("[role=option]", "five replicas")
    box.send_keys("5", Keys.ENTER)
    message = browser.find(".message", "Scale worker01 to 5")
    assert "2/5" in message.text
    stage.call(stage.bot.progress(4))
    browser.find(".message", "4/5")
    stage.call(stage.bot.progress(5))
    browser.find(".message", "converged")
    assert len([each for each in browser.all(".message") if "worker01" in each.text]) == 1
    assert stage.bot.got[0]["text"] == "scale 5"
    browser.find(".edited")
    picture("converged")


def test_enter_sends_a_complete_command_despite_suggestions(browser: Browser, stage: Stage) -> None:
    box = browser.find(COMPOSER)
    box.send_keys("/orochi status")
    browser.find("[role=option]", "/orochi status django")
    box.send_keys(Keys.ENTER)
    browser.find(".message", "unhealthy")
    box.send_keys("/orochi", Keys.ENTER)
    browser.wait(lambda: len(stage.bot.got) == 2 or None)
    assert [got["text"] for got in stage.bot.got] == ["status", ""]


def test_a_long_channel_opens_at_its_latest_messages(browser: Browser, stage: Stage) -> None:
    browser.driver.get("about:blank")
    early = [stage.say(f"message {number}.") for number in range(200)]
    browser.driver.get(stage.page.url)
    browser.find(f"[data-ts='{early[-1]}']", "message 199.")
    late = [stage.say(f"message {number}.") for number in range(200, 203)]
    browser.find(f"[data-ts='{late[-1]}']", "message 202.")
    browser.wait(lambda: len(browser.all(".message")) == 200 or None)
    browser.find(".earlier button").send_keys(Keys.ENTER)
    browser.wait(lambda: len(browser.all(".message")) == 203 or None)
    browser.find(".beginning")


def test_an_ephemeral_answer_is_visible_to_one_person(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    browser.type_in("/orochi status")
    message = browser.find(".message.private", "unhealthy")
    assert "Only visible to you" in message.text
    picture("ephemeral")
    act_as(browser, "Bob · viewer")
    browser.gone(".message", "unhealthy")


def test_texts_are_shown_as_slack_shows_them(browser: Browser, stage: Stage) -> None:
    browser.type_in("/orochi status")
    message = browser.find(".message", "unhealthy")
    code = message.find_element("css selector", "pre").text
    assert "Traceback <most recent call last>:" in code
    assert "a && b, snake_case_name, 2 * 3 * 4\n# no heading\n1. no list" in code
    assert message.find_element("css selector", "blockquote").text.startswith("out of memory")
    assert "✅" in message.text
    link = message.find_element("css selector", "a")
    assert (link.text, link.get_attribute("href")) == ("docs", "https://docs.docker.com/")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<!channel> &lt;!channel&gt;", "@channel <!channel>"),
        (f"<@{BOB}> in <#{ALERTS}>", "@Bob in #alerts"),
        ("*bold* _slanted_ ~struck~ a*b*c snake_case_x", "bold slanted struck a*b*c snake_case_x"),
        ("`a &lt; b` 12:30:45 :no_such_thing:", "a < b 12:30:45 :no_such_thing:"),
        ("<javascript:alert(1)|harmless>", "harmless"),
        ("<script>alert(1)</script>", "script>alert(1)/script>"),
    ],
)
def test_mrkdwn_is_read_by_slacks_rules(
    browser: Browser, stage: Stage, said: str, shown: str
) -> None:
    ts = stage.say(said)
    message = browser.find(f"[data-ts='{ts}'] .library")
    if "<script" not in said:
        assert message.text == shown
    assert browser.all("[href^=javascript], .library script") == []


def test_dates_are_in_the_readers_time_zone(browser: Browser, stage: Stage) -> None:
    zone = {"timezoneId": "Asia/Tokyo"}
    browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", zone)
    ts = stage.say("At <!date^1800000000^{date_num} {time_secs}|long ago> it was.")
    shown = browser.find(f"[data-ts='{ts}'] .library").text
    browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})
    assert shown.startswith("At 2027-01-15 ")
    assert "5:00:00" in shown
    assert datetime.fromisoformat("2027-01-15T17:00:00+09:00").timestamp() == 1_800_000_000


def test_a_button_asks_for_confirmation_and_the_thread_shows_who_clicked(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    browser.type_in("/orochi scale 5")
    browser.click("[data-action=scale_back]")
    browser.find("dialog", "Three of the five replicas are stopped.")
    picture("confirm")
    browser.click("dialog button", "Keep five")
    browser.gone("dialog")
    assert len(stage.bot.got) == 1
    browser.click("[data-action=scale_back]")
    browser.click("dialog button", "Scale back")
    browser.click(".replies button", "1 reply")
    browser.find("[aria-label=Thread] .message", "@Ann pressed scale_back")
    browser.type_in("thank you", composer="thread")
    browser.find("[aria-label=Thread] .message", "thank you")
    browser.find(".replies button", "2 replies")
    picture("thread")


def test_an_alert_elsewhere_is_counted_and_its_menu_works(browser: Browser, stage: Stage) -> None:
    browser.type_in("/orochi incidents")
    browser.find("nav .unread", "alerts")
    browser.click("nav a", "alerts")
    Select(browser.find("[data-action=next]")).select_by_visible_text("Restart django")
    browser.find(".replies button", "1 reply")
    assert stage.bot.got[-1]["actions"][0]["selected_option"]["value"] == "restart"
    browser.gone("nav .unread")


def test_a_dialog_is_filled_in_corrected_and_sent(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    browser.type_in("/orochi incidents")
    browser.click("nav a", "alerts")
    browser.click("[data-action=silence]")
    why = browser.find("dialog input[type=text]")
    assert browser.focused() == why
    why.send_keys("no")
    Select(browser.find("dialog select")).select_by_visible_text("A day")
    browser.click("dialog input[type=checkbox]")
    browser.click("dialog button", "Silence")
    browser.find("dialog [role=alert]", "at least five letters")
    picture("modal")
    why.send_keys(" memory to spare")
    browser.click("dialog button", "Silence")
    browser.gone("dialog")
    values = stage.bot.got[-1]["view"]["state"]["values"]
    assert values["why"]["text"]["value"] == "no memory to spare"
    assert values["long"]["choice"]["selected_option"]["value"] == "1d"
    assert [each["value"] for each in values["tell"]["who"]["selected_options"]] == ["channel"]


def test_a_viewer_learns_that_only_operators_can_do_that(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    act_as(browser, "Bob · viewer")
    browser.type_in("/orochi scale 5")
    browser.find(".message.private", "Only operators may use scale")
    assert stage.bot.got[-1]["user_id"] == BOB
    picture("viewer")


def test_a_reload_keeps_channel_person_and_messages(browser: Browser, stage: Stage) -> None:
    act_as(browser, "Bob · viewer")
    stage.say("still there", ALERTS)
    browser.click("nav a", "alerts")
    browser.find(".message", "still there")
    browser.driver.refresh()
    browser.find(".message", "still there")
    assert browser.find("h1").text == "#alerts"
    assert Select(browser.find("[data-acting]")).first_selected_option.text == "Bob · viewer"


def test_a_page_that_reconnects_misses_nothing(browser: Browser, stage: Stage) -> None:
    stage.say("before")
    browser.find(".message", "before")
    browser.driver.set_network_conditions(offline=True, latency=0, throughput=0)
    stage.call(stage.slack.go_down())
    stage.call(stage.slack.come_back())
    stage.say("meanwhile")
    browser.driver.delete_network_conditions()
    browser.find(".message", "meanwhile")
    stage.say("after")
    browser.find(".message", "after")


def test_a_program_sees_the_metadata(browser: Browser, stage: Stage, picture: Take) -> None:
    browser.type_in("/orochi scale 5")
    browser.find(".message", "Scale worker01")
    browser.click("[aria-label='What a program sees']")
    seen = browser.find(".program pre", "swarm_job").text
    assert '"job_id": "k3f9ab"' in seen
    picture("metadata")


def test_a_picture_is_shown_inline(browser: Browser, stage: Stage, picture: Take) -> None:
    browser.type_in("/orochi logs django")
    shown = browser.find(".upload img")
    browser.wait(lambda: shown.get_property("naturalWidth") == 480 or None)
    assert shown.get_attribute("alt") == "Three nodes, ten tiles"
    (file,) = stage.slack.workspace.files.values()
    ts = stage.say(f"<{file.as_json()['permalink']}|the picture>")
    link = browser.find(f"[data-ts='{ts}'] a").get_attribute("href")
    assert link == f"{stage.page.url}api/files/{file.id}"
    picture("upload")


def test_a_link_to_a_message_shows_it_within_the_page(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    browser.size(*PHONE)
    first = stage.say("the alert that is meant", ALERTS)
    for number in range(30):
        stage.say(f"a later alert, number {number}", ALERTS)
    last = stage.say(f"<{address(ALERTS, first)}|k3f9ab>")
    browser.click(f"[data-ts='{last}'] a")
    meant = browser.find(f"[data-ts='{first}']")
    place = f"return location.hash + ' ' + ({IN_SIGHT})(arguments[0])"
    browser.wait(
        lambda: browser.driver.execute_script(place, meant) == f"#{ALERTS}//{first} true" or None
    )
    assert len(browser.driver.window_handles) == 1
    picture("link")


def address(channel: str, ts: str) -> str:
    """A message's permalink, as the bot builds it."""
    return permalink("https://emulated.slack.com/", channel, ts)


def test_the_home_tab_is_published_when_it_is_opened(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    browser.click("nav a", "Orochi Home")
    browser.find(".home h3", "🏠 Your swarm")
    browser.click("[data-action=refresh]")
    browser.wait(lambda: any("view" in got for got in stage.bot.got) or None)
    assert stage.bot.got[-1]["container"]["type"] == "view"
    picture("home")


def test_the_panel_breaks_and_repairs_things(browser: Browser, stage: Stage, picture: Take) -> None:
    browser.click("[aria-label='Break things']")
    browser.click("[data-break=heal]")
    browser.find(".said", "All is well already.")
    Select(browser.find(".breakable select")).select_by_visible_text("worker01")
    browser.click("[data-break=kill]")
    browser.find(".said", "A task of worker01 was killed.")
    assert stage.hammer.broken == "worker01"
    picture("panel")


def test_a_failure_is_shown_and_the_typed_text_is_kept(browser: Browser, stage: Stage) -> None:
    stage.slack.request_url = "http://127.0.0.1:9/"
    browser.type_in("/orochi status")
    browser.find("[role=alert]", "/orochi failed with the error “dispatch_failed”")
    assert browser.find(COMPOSER).get_property("value") == "/orochi status"
    browser.click("[role=alert] button")
    browser.gone("[role=alert]", "failed")
    browser.find(COMPOSER).clear()
    browser.type_in("/other")
    browser.find("[role=alert]", "/other is not a command here. Try /orochi.")


def test_the_theme_follows_the_system_or_the_readers_choice(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    browser.type_in("/orochi status")
    browser.find(".message", "unhealthy")
    assert browser.style("body", "background-color") == "rgba(255, 255, 255, 1)"
    browser.prefer("dark")
    browser.wait(lambda: browser.style("body", "background-color") != "rgba(255, 255, 255, 1)")
    browser.type_in("/orochi scale 5")
    browser.find(".message", "Scale worker01")
    picture("dark")
    browser.click("[aria-label=Dark]")
    browser.wait(lambda: browser.style("body", "background-color") == "rgba(255, 255, 255, 1)")
    browser.driver.refresh()
    browser.find(COMPOSER)
    assert browser.style("body", "background-color") == "rgba(255, 255, 255, 1)"


def test_a_phone_shows_one_part_at_a_time_without_overflow(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    browser.size(*PHONE)
    browser.type_in("/orochi status")
    browser.find(".message", "unhealthy")
    picture("phone")
    assert width_of(browser) <= PHONE[0]
    browser.click("[aria-label=Channels]")
    browser.wait(lambda: browser.find("nav").rect["x"] == 0 or None)
    picture("phone-menu")
    browser.click("nav a", "alerts")
    browser.wait(lambda: browser.find("h1").text == "#alerts")
    stage.say("an alert", ALERTS)
    browser.find(".message", "an alert").find_element("css selector", ".replies button").click()
    browser.find("[aria-label=Thread]")
    assert width_of(browser) <= PHONE[0]
    browser.size(*DESK)


def test_a_wide_table_scrolls_within_its_message_on_a_phone(
    browser: Browser, stage: Stage, picture: Take
) -> None:
    cells = [["NAME", "TASKS"], ["orochi_" + "worker01" * 20, "12"]]
    rows = [[{"type": "raw_text", "text": text} for text in row] for row in cells]
    settings = [{"align": "left"}, {"align": "right"}]
    browser.size(*PHONE)
    table = {"type": "table", "rows": rows, "column_settings": settings}
    ts = stage.say("14 tasks", blocks=(table,))
    shown = browser.find(f"[data-ts='{ts}'] .blocks .table")
    picture("phone-table")
    assert [each.text for each in browser.all(f"[data-ts='{ts}'] th")] == cells[0]
    assert browser.style(f"[data-ts='{ts}'] td:last-child", "text-align") == "right"
    assert width_of(browser) <= PHONE[0]
    assert shown.get_property("scrollWidth") > shown.rect["width"]
    browser.size(*DESK)


def width_of(browser: Browser) -> int:
    return int(browser.driver.execute_script("return document.documentElement.scrollWidth"))


def test_everything_works_with_the_keyboard_alone(browser: Browser, stage: Stage) -> None:
    browser.tab_to(".skip")
    browser.keys(Keys.ENTER)
    assert browser.focused() == browser.find(COMPOSER)
    browser.keys("/orochi sca", Keys.TAB, "5", Keys.ENTER)
    browser.find(".message", "Scale worker01")
    browser.driver.execute_script("document.querySelector('.scroll').focus()")
    browser.tab_to("[data-action=scale_back]")
    browser.keys(Keys.ENTER)
    browser.find("dialog")
    browser.tab_to("dialog button", "Scale back")
    browser.keys(Keys.ENTER)
    browser.find(".replies button", "1 reply")
    browser.tab_to(".replies button", "1 reply")
    browser.keys(Keys.ENTER)
    browser.find("[aria-label=Thread] .message", "pressed scale_back")
    browser.driver.execute_script("document.querySelector('[data-acting]').focus()")
    browser.tab_to("nav a", "alerts")
    browser.keys(Keys.ENTER)
    browser.wait(lambda: browser.find("h1").text == "#alerts")


def test_escape_cancels_and_restores_the_focus(browser: Browser, stage: Stage) -> None:
    browser.type_in("/orochi scale 5")
    browser.find("[data-action=scale_back]").send_keys(Keys.ENTER)
    browser.find("dialog")
    browser.keys(Keys.ESCAPE)
    browser.gone("dialog")
    assert browser.focused().get_attribute("data-action") == "scale_back"
    assert len(stage.bot.got) == 1


def test_new_messages_are_announced(browser: Browser, stage: Stage) -> None:
    stage.say("worker01 &lt;slot 2&gt; *fails*", SWARM)
    news = browser.find("[data-news]")
    browser.wait(lambda: news.get_property("textContent") == "Orochi: worker01 <slot 2> fails")


def test_every_control_has_a_name_and_every_picture_a_text(browser: Browser, stage: Stage) -> None:
    browser.type_in("/orochi scale 5")
    browser.find("[data-action=scale_back]")
    browser.click("[aria-label='Break things']")
    browser.find(".breakable")
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = {"button", "combobox", "textbox", "link", "checkbox", "radio", "region", "dialog"}
    nameless = [
        each["role"]["value"]
        for each in nodes
        if not each["ignored"]
        and each.get("role", {}).get("value") in controls
        and not each.get("name", {}).get("value")
    ]
    assert nameless == []
    assert browser.all("img:not([alt])") == []
    ids = browser.driver.execute_script(
        "return [...document.querySelectorAll('[id]')].map(e => e.id)"
    )
    assert len(ids) == len(set(ids))
