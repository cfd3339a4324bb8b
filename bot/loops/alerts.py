"""Brings alerts to Slack: each once, in the order in which they began, however long that takes.

Only the leader does. What Slack was given is remembered with the alert; where that is not known
(another replica was killed as it posted, or Slack's answer was lost), the channel is looked
through for the message before anything is posted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.domain.alert import Alert
from bot.domain.errors import CannotPostError, ChatError
from bot.domain.incident import Incident, IncidentState
from bot.domain.message import Message
from bot.loops.backoff import Backoff
from bot.ports import Chat, Clock

log = logging.getLogger(__name__)

SHUT_OUT_SECONDS = 15.0
"""How often it is tried anew to post where the bot may not."""


class AlertBook:
    """The alerts that are open or not wholly told, by the incident's id, oldest first.

    ``changed`` are the ids of those that are other than the store has them, ``uncertain`` of those
    whose message may stand in Slack though nobody noted where.
    """

    def __init__(self, alerts: Mapping[str, Alert]) -> None:
        oldest = sorted(alerts.values(), key=lambda alert: alert.incident.began)
        self._alerts = {alert.incident.id: alert for alert in oldest}
        self.uncertain = {key for key, alert in self._alerts.items() if not alert.message}
        self.changed: set[str] = set()
        self.news = asyncio.Event()

    def address(self, channel: str) -> None:
        """Give the alerts that had no channel this one."""
        for alert in self.all():
            if channel and not alert.channel:
                self.put(replace(alert, channel=channel))

    def get(self, incident_id: str) -> Alert | None:
        """The alert of an incident."""
        return self._alerts.get(incident_id)

    def all(self) -> tuple[Alert, ...]:
        """Every alert."""
        return tuple(self._alerts.values())

    def put(self, alert: Alert) -> None:
        """Keep an alert as it became."""
        self._alerts[alert.incident.id] = alert
        self._note(alert.incident.id)

    def drop(self, incident_id: str) -> None:
        """Forget an alert that needs nothing any more."""
        if self._alerts.pop(incident_id, None) is not None:
            self.uncertain.discard(incident_id)
            self._note(incident_id)

    def take_changed(self) -> dict[str, Alert | None]:
        """What the store does not have yet; None for what was dropped."""
        taken = {key: self._alerts.get(key) for key in self.changed}
        self.changed.clear()
        return taken

    def _note(self, incident_id: str) -> None:
        self.changed.add(incident_id)
        self.news.set()


@dataclass(frozen=True, slots=True)
class AlertTexts:
    """``message`` makes an incident's message, ``reminder`` what is said in its thread when it
    fires for long."""

    message: Callable[[Incident], Message]
    reminder: Callable[[Incident], Message]


class AlertDelivery:
    """Tells what waits in the book, each channel by a task of its own.

    ``told`` is called when Slack took something and the store should hear of it.
    """

    def __init__(
        self,
        chat: Chat,
        clock: Clock,
        book: AlertBook,
        texts: AlertTexts,
        told: Callable[[], None],
    ) -> None:
        self._chat = chat
        self._clock = clock
        self._book = book
        self._texts = texts
        self._told = told
        self._channels: dict[str, _Channel] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._book.news.clear()
                for channel in {a.channel for a in self._book.all() if a.waits and a.channel}:
                    if channel not in self._channels:
                        self._channels[channel] = _Channel()
                        group.create_task(self._serve(channel), name=f"alerts of {channel}")
                    self._channels[channel].wake.set()
                await self._book.news.wait()

    def show(self, alert: Alert) -> None:
        """Show the newest state of a message that stands, when there is room for it."""
        if alert.message:
            self._chat.show(alert.channel, alert.message, self._texts.message(alert.incident))

    async def quiet(self) -> None:
        """Send no more of what was to be shown: another replica leads from now on."""
        for alert in self._book.all():
            if alert.message:
                await self._chat.forget(alert.channel, alert.message)

    async def _serve(self, channel: str) -> None:
        state, backoff = self._channels[channel], Backoff()
        while True:
            alert = self._next(channel)
            if alert is None:
                state.wake.clear()
                await state.wake.wait()
                continue
            try:
                await self._bring(alert)
            except CannotPostError as error:
                self._shut_out(channel, error)
                await self._clock.sleep(SHUT_OUT_SECONDS)
            except ChatError as error:
                log.warning("alerts wait for Slack: %s", error)
                await self._clock.sleep(backoff.failed())
            else:
                state.shut_out = False
                backoff.worked()

    def _next(self, channel: str) -> Alert | None:
        waiting = (a for a in self._book.all() if a.waits and a.channel == channel)
        return next(waiting, None)

    def _shut_out(self, channel: str, error: CannotPostError) -> None:
        state = self._channels[channel]
        if not state.shut_out:
            log.warning("alerts wait for channel %s: %s %s", channel, error, error.hint)
        state.shut_out = True

    async def _bring(self, alert: Alert) -> None:
        if not alert.message:
            await self._post(alert)
        elif alert.done < alert.due:
            await self._edit(alert)
        elif alert.remind:
            await self._chat.post(
                alert.channel, self._texts.reminder(alert.incident), thread=alert.message
            )
            self._keep(alert, remind=False)

    async def _post(self, alert: Alert) -> None:
        incident = alert.incident
        found = ""
        if incident.id in self._book.uncertain:
            found = await self._chat.find(alert.channel, incident.id)
            self._book.uncertain.discard(incident.id)
        if found:
            self._keep(alert, message=found)
            return
        try:
            ts = await self._chat.post(alert.channel, self._texts.message(incident))
        except ChatError:
            self._book.uncertain.add(incident.id)
            raise
        self._keep(alert, message=ts, done=incident.revision)

    async def _edit(self, alert: Alert) -> None:
        """Edit the message; one that is gone is posted anew while the incident is open."""
        incident = alert.incident
        try:
            await self._chat.edit(alert.channel, alert.message, self._texts.message(incident))
        except CannotPostError as error:
            log.info("the message of incident %s is gone: %s", incident.id, error)
            if incident.state is not IncidentState.RESOLVED:
                self._book.uncertain.add(incident.id)
                self._keep(alert, message="")
                return
        self._keep(alert, done=incident.revision)

    def _keep(
        self,
        alert: Alert,
        *,
        message: str | None = None,
        done: int | None = None,
        remind: bool | None = None,
    ) -> None:
        """Note what Slack has now, on the alert as it became meanwhile."""
        now = self._book.get(alert.incident.id) or alert
        kept = replace(
            now,
            message=now.message if message is None else message,
            done=now.done if done is None else max(now.done, done),
            remind=now.remind if remind is None else remind,
        )
        self._book.put(kept)
        if kept.incident.revision > kept.done and not kept.waits:
            self.show(kept)
        self._told()


class _Channel:
    """One channel's task: what wakes it, and whether the bot may post there."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.shut_out = False
