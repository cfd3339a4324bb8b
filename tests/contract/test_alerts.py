"""Alerts are posted once and in order, whatever Slack does meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.domain.incidents.alert import Alert
from bot.domain.incidents.model import IncidentState
from bot.runtime.clock import SystemClock
from playground.slack import SlackEmulator
from playground.slack.workspace import BOT_USER_ID
from tests.contract.alert_kit import ALERTS, about, delivering, grown, told_in, waiting
from tests.contract.incident_kit import NOW
from tests.contract.slack_side import SWARM, FastClock, a_message, a_messenger, error_of

LOUNGE = "C0LOUNGE01"
POST, UPDATE, HISTORY = "chat.postMessage", "chat.update", "conversations.history"


async def test_alerts_are_posted_in_the_order_in_which_they_began():
    found = [waiting("bbb", NOW + 2), waiting("aaa", NOW + 3), waiting("ccc", NOW + 1)]
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock(), *found) as desk:
            await desk.settled()

        assert about(slack) == ["ccc", "bbb", "aaa"]


async def test_an_alert_is_posted_only_after_it_is_stored():
    """Otherwise the next leader after a kill would not know of the message, and repeat it."""
    found = waiting("bbb", NOW + 1)
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock(), found) as desk:
            desk.book.put(waiting("aaa"))
            await desk.told.wait()
            await messenger.post(SWARM, a_message())
            assert about(slack) == ["bbb"]
            desk.book.saved()
            await desk.settled()

        assert about(slack) == ["bbb", "aaa"]


async def test_after_an_outage_the_newest_state_is_posted_at_once():
    alert = waiting("aaa")
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            slack.faults.status(POST, 503)
            desk.put(alert)
            await slack.wait_for_calls(POST)
            for count in (2, 3, 4):
                alert = grown(alert, count=count)
                desk.put(alert)
            await desk.settled()

        (message,) = told_in(slack)
    assert [edit.content.metadata["event_payload"]["count"] for edit in message.history] == [4]  # type: ignore[index]


async def test_a_closed_channel_does_not_delay_others():
    clock = FastClock(50)
    found = [waiting("aaa", NOW, LOUNGE), waiting("bbb", NOW + 1)]
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        async with delivering(messenger, clock, *found) as desk:
            await slack.wait_for_message(channel=ALERTS)
            assert about(slack, LOUNGE) == []
            slack.workspace.channels[LOUNGE].members.add(BOT_USER_ID)
            await desk.settled()

        assert (about(slack), about(slack, LOUNGE)) == (["bbb"], ["aaa"])


async def test_an_alert_goes_to_the_corrected_channel():
    """The alert was stored while the setting named a channel that does not exist."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        found = waiting("aaa", NOW, "C0TYPO0001")
        async with delivering(messenger, SystemClock(), found, channels=(ALERTS,)) as desk:
            await desk.settled()
            alert = desk.book.get("aaa")

        assert about(slack) == ["aaa"]
        assert alert is not None
        assert alert.channel == ALERTS


async def test_an_alert_for_a_label_channel_without_the_bot_goes_to_the_default_channel():
    """The message says so, and the alert stays there although the bot is invited later."""
    meant = (LOUNGE, ALERTS)
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        found = waiting("aaa", NOW, LOUNGE)
        async with delivering(messenger, SystemClock(), found, channels=meant) as desk:
            await desk.settled()
            slack.workspace.channels[LOUNGE].members.add(BOT_USER_ID)
            desk.put(grown(desk.alert("aaa"), state=IncidentState.ACKNOWLEDGED))
            await desk.settled()

        (message,) = told_in(slack)
        assert message.payload["state"] == "acknowledged"
        assert f"Meant for channel `{LOUNGE}`, where the bot cannot post" in message.shown_text


async def test_an_alert_without_a_usable_channel_waits_for_the_default_one():
    meant = ("C0TYPO0001", LOUNGE)
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        found = waiting("aaa", NOW, "C0TYPO0001")
        async with delivering(messenger, FastClock(20), found, channels=meant) as desk:
            await desk.told.wait()
            slack.workspace.channels[LOUNGE].members.add(BOT_USER_ID)
            await desk.settled()

        assert about(slack, LOUNGE) == ["aaa"]


async def test_a_post_whose_answer_was_lost_is_searched():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            slack.faults.drop(POST, after_effect=True)
            desk.put(waiting("aaa"))
            await desk.settled()

        assert about(slack) == ["aaa"]
        assert error_of(slack, HISTORY) == [""]


async def test_the_next_leader_searches_for_posts_without_an_answer():
    alert = waiting("aaa")
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        for found in (alert, grown(alert, count=7)):
            async with delivering(messenger, SystemClock(), found) as desk:
                await desk.settled()

        (message,) = told_in(slack)
    assert message.payload["count"] == 7


async def test_a_deleted_message_is_posted_again():
    alert = waiting("aaa")
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(alert)
            await desk.settled()
            slack.workspace.delete(told_in(slack)[0])
            known = desk.book.get("aaa")
            assert known is not None
            desk.put(grown(known, state=IncidentState.ACKNOWLEDGED))
            await desk.settled()

        (message,) = told_in(slack)
    assert message.payload["state"] == "acknowledged"


async def test_a_message_that_is_too_old_to_edit_is_posted_again_once():
    """The message still exists, so a search would find it again and again."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await desk.settled()
            slack.faults.fail(UPDATE, "edit_window_closed")
            known = desk.book.get("aaa")
            assert known is not None
            desk.put(grown(known, state=IncidentState.ACKNOWLEDGED))
            await desk.settled()

        assert [m.payload["state"] for m in told_in(slack)] == ["firing", "acknowledged"]


async def test_a_deleted_message_of_a_resolved_alert_is_not_posted_again():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await desk.settled()
            slack.workspace.delete(told_in(slack)[0])
            known = desk.book.get("aaa")
            assert known is not None
            desk.put(grown(known, state=IncidentState.RESOLVED))
            await desk.settled()

        assert about(slack) == []


async def test_a_reminder_is_posted_once_in_the_thread():
    """It is also in the channel, because nobody follows the thread of a bot's message."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await desk.settled()
            known = desk.book.get("aaa")
            assert known is not None
            desk.put(replace(known, remind=True))
            await desk.settled()
            desk.put(waiting("bbb"))
            await desk.settled()

        message = told_in(slack)[0]
        below = slack.workspace.in_thread(ALERTS, message.ts)[1:]
    assert len(below) == 1
    assert "Still firing" in below[0].text
    assert below[0].broadcast


async def reminders_of(slack: SlackEmulator, *alerts: Alert) -> int:
    """How many reminders there are after the delivery of these alerts."""
    async with (
        a_messenger(slack) as messenger,
        delivering(messenger, SystemClock(), *alerts) as desk,
    ):
        await desk.settled()
    (message,) = told_in(slack)
    return len(slack.workspace.in_thread(ALERTS, message.ts)) - 1


async def test_a_reminder_whose_answer_was_lost_is_not_repeated():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await desk.settled()
            slack.faults.drop(POST, after_effect=True)
            desk.put(replace(desk.alert("aaa"), remind=True))
            await desk.settled()
            known = desk.alert("aaa")
        assert await reminders_of(slack, known) == 1


async def test_the_next_leader_searches_for_a_reminder_without_an_answer():
    """It posts only the next one: that of another time."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await desk.settled()
            due = replace(desk.alert("aaa"), remind=True)
        assert [await reminders_of(slack, due) for _ in range(2)] == [1, 1]
        later = replace(due, incident=replace(due.incident, reminded=NOW + 60))
        assert await reminders_of(slack, later) == 2


async def test_a_reminder_of_a_deleted_message_posts_the_message_again():
    """It must not delay the alerts after it."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await desk.settled()
            slack.workspace.delete(told_in(slack)[0])
            known = desk.book.get("aaa")
            assert known is not None
            desk.put(replace(known, remind=True), waiting("bbb", NOW + 1))
            await desk.settled()

        assert about(slack) == ["aaa", "bbb"]
        assert len(slack.workspace.in_channel(ALERTS)) == 2


async def test_an_alert_that_slack_refuses_does_not_delay_others():
    clock = FastClock(50)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        slack.faults.fail(POST, "some_new_word", unlisted=True)
        async with delivering(messenger, clock) as desk:
            desk.put(waiting("aaa"), waiting("bbb", NOW + 1))
            await desk.settled()

        assert about(slack) == ["bbb", "aaa"]


async def test_higher_counts_are_shown_when_the_budget_allows():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await desk.settled()
            known = desk.book.get("aaa")
            assert known is not None
            more = replace(known, incident=replace(known.incident, count=5, revision=2))
            desk.put(more)
            desk.delivery.show(more)
            await slack.wait_for_message(lambda message: message.payload["count"] == 5)
            await desk.delivery.quiet()

        assert about(slack) == ["aaa"]


async def test_states_already_shown_are_not_sent_again():
    """A new leader uses its edits for new states."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"), waiting("bbb", NOW + 1))
            await desk.settled()
            for alert in desk.book.all():
                desk.delivery.show(alert)
            known = desk.book.get("bbb")
            assert known is not None
            desk.put(grown(known, state=IncidentState.ACKNOWLEDGED))
            await desk.settled()

        assert len(slack.calls_of(UPDATE)) == 1


async def test_a_running_post_ends_before_another_replica_searches_for_it():
    """Otherwise it could arrive after that search, and be posted twice."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        slack.faults.hang(POST)
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(waiting("aaa"))
            await slack.wait_for_calls(POST)
            asyncio.get_running_loop().call_later(0.05, slack.faults.release)

        assert about(slack) == ["aaa"]


async def test_an_incident_that_cannot_be_rendered_does_not_delay_others():
    unspeakable = replace(waiting("aaa"), incident=replace(waiting("aaa").incident, count="?"))  # type: ignore[arg-type]
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        async with delivering(messenger, SystemClock()) as desk:
            desk.put(unspeakable, waiting("bbb", NOW + 1))
            desk.delivery.show(replace(unspeakable, message="1.2", done=0, due=0))
            await slack.wait_for_message(channel=ALERTS)

        assert about(slack) == ["bbb"]
