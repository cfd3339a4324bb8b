"""Commands in an alert's thread, with the whole bot on a real swarm."""

from __future__ import annotations

from playground.slack import BOT_USER_ID, Message
from tests.desk import Desk, finished, states
from tests.swarm.alerting import ALERTS, QUIET, incident

BOT = f"<@{BOT_USER_ID}>"


def in_thread(alert: Message, *words: str):
    """Whether a message is in the alert's thread and shows all of these words."""
    return lambda m: m.thread_ts == alert.ts and all(word in m.shown_text for word in words)


async def test_an_alerts_thread_has_the_log_and_the_restart(empty_desk: Desk):
    """`@orochi logs` and `@orochi restart` there are about its service; the verdict is there."""
    desk = empty_desk
    await desk.start_bot(**QUIET)
    await desk.service("worker01", "sh", "-c", "echo no database; exit 3", running=0)
    alert = await incident(desk, "orochi_worker01")

    await desk.slack.say(f"{BOT} logs", channel=ALERTS, thread=alert.ts)
    log = await desk.slack.wait_for_message(in_thread(alert, "no database", "worker01"))
    await desk.slack.say(f"{BOT}\u00a0*restart*", channel=ALERTS, thread=alert.ts)
    job = await desk.slack.wait_for_message(
        lambda m: finished(m) and m.thread_ts == alert.ts, timeout=90
    )
    told = await desk.slack.wait_for_message(in_thread(alert, "<@U0ANN00001>"))

    assert log.only_for is None
    assert states(job)[-1] == "finished"
    assert (job.payload["action"], job.payload["target"]) == ("restart", "orochi_worker01")
    assert job.payload["verdict"] == "paused"
    assert "worker01" in told.text
    replies = [m for m in desk.slack.workspace.messages.values() if m.bot_id and m is not alert]
    assert {m.thread_ts for m in replies if m.channel == ALERTS} == {alert.ts}
