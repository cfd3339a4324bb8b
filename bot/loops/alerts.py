"""Delivers alerts to Slack: each once, in order of their start, with retries until it succeeds.

Only the leader does this. Each alert records what Slack has. If that is unknown (another replica
was killed while posting, or Slack's answer was lost), the channel is searched for the message
before anything is posted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.domain.errors import (
    CannotPostError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    LeaseLostError,
    MessageGoneError,
)
from bot.domain.incidents.alert import Alert, readdressed
from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.text.message import Message
from bot.ports import Chat, Clock, Still
from bot.runtime.backoff import Backoff

log = logging.getLogger(__name__)

T = TypeVar("T")

GOODBYE_SECONDS = 0.8
"""How long a post in progress may finish when this replica stops leading, in seconds."""
SHUT_OUT_SECONDS = 15.0
"""How often to retry in a channel where the bot may not post, in seconds."""


class AlertBook:
    """The alerts that are open or not fully delivered, by incident id, oldest first.

    An alert from the watcher is delivered only after ``saved`` was called, because otherwise the
    next leader could deliver it a second time. ``changed`` are the ids of alerts that the store
    does not have in their present state, ``uncertain`` those whose message may exist in Slack
    although its ts is unknown, ``half_reminded`` those whose reminder may exist, ``lost`` the
    messages (ts) that can no longer be edited.
    """

    def __init__(self, alerts: Mapping[str, Alert]) -> None:
        oldest = sorted(alerts.values(), key=lambda alert: alert.incident.began)
        self._alerts = {alert.incident.id: alert for alert in oldest}
        self._unsaved: set[str] = set()
        self.uncertain = {key for key, alert in self._alerts.items() if not alert.message}
        self.half_reminded = {key for key, alert in self._alerts.items() if alert.remind}
        self.lost: set[str] = set()
        self.changed: set[str] = set()
        self.news = asyncio.Event()

    def address(self, channel: str) -> None:
        """Set this channel for alerts without one."""
        for alert in self.all():
            if channel and not alert.channel:
                self.note(replace(alert, channel=channel))

    def adopt(self, incident: Incident) -> None:
        """Keep an announced incident for which no alert was found."""
        if incident.id not in self._alerts:
            self.uncertain.add(incident.id)
            self.note(Alert(incident, channel=incident.channel, due=incident.revision))

    def doubt(self, incident_id: str) -> None:
        """Look for the message first: a leader may have posted it, and Redis have lost that."""
        self.uncertain.add(incident_id)

    def get(self, incident_id: str) -> Alert | None:
        """The alert of an incident."""
        return self._alerts.get(incident_id)

    def all(self) -> tuple[Alert, ...]:
        """Every alert."""
        return tuple(self._alerts.values())

    def ready(self) -> Iterator[Alert]:
        """The alerts with something to deliver now, oldest first."""
        return (alert for alert in self.all() if alert.waits and self.has_saved(alert.incident.id))

    def has_saved(self, incident_id: str) -> bool:
        """Whether the store has the watcher's last state of this alert."""
        return incident_id not in self._unsaved

    def put(self, alert: Alert) -> None:
        """Store an alert as the watcher wants it."""
        self._unsaved.add(alert.incident.id)
        self._keep(alert)

    def note(self, alert: Alert) -> None:
        """Store an alert's delivery state."""
        self._keep(alert)
        self.news.set()

    def drop(self, incident_id: str) -> None:
        """Remove an alert that is finished."""
        if self._alerts.pop(incident_id, None) is not None:
            self.uncertain.discard(incident_id)
            self.half_reminded.discard(incident_id)
            self.changed.add(incident_id)

    def take_changed(self) -> dict[str, Alert | None]:
        """The alerts that the store does not have yet; None for removed ones."""
        taken = {key: self._alerts.get(key) for key in self.changed}
        self.changed.clear()
        return taken

    def saved(self) -> None:
        """Note that the store has everything so far."""
        if self._unsaved:
            self._unsaved.clear()
            self.news.set()

    def _keep(self, alert: Alert) -> None:
        self._alerts[alert.incident.id] = alert
        self.changed.add(alert.incident.id)


@dataclass(frozen=True, slots=True)
class AlertTexts:
    """The views of alerts.

    ``message`` makes an alert's message, ``reminder`` the text for its thread when the incident
    keeps firing.
    """

    message: Callable[[Alert], Message]
    reminder: Callable[[Incident], Message]


class AlertDelivery:
    """Delivers the waiting alerts, with one task per channel.

    Nothing is sent when ``still`` returns 0, because another replica may lead. ``told`` is
    called after Slack accepted something that the store should record. ``channels_of`` returns the
    channels for an incident that begins now: the intended one, then the fallback if the bot cannot
    post there.
    """

    def __init__(
        self,
        chat: Chat,
        clock: Clock,
        book: AlertBook,
        texts: AlertTexts,
        *,
        told: Callable[[], None],
        still: Still,
        channels_of: Callable[[Incident], Sequence[str]] = lambda incident: (incident.channel,),
    ) -> None:
        self._chat = chat
        self._clock = clock
        self._book = book
        self._texts = texts
        self._told = told
        self._still = still
        self._channels_of = channels_of
        self._channels: dict[str, _Channel] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._book.news.clear()
                for channel in {alert.channel for alert in self._book.ready() if alert.channel}:
                    if channel not in self._channels:
                        self._channels[channel] = _Channel()
                        group.create_task(self._serve(channel), name=f"alerts of {channel}")
                    self._channels[channel].wake.set()
                await self._book.news.wait()

    def show(self, alert: Alert) -> None:
        """Update a posted message with new counts, when the rate limit allows."""
        if not alert.message or alert.waits or alert.done >= alert.incident.revision:
            return
        try:
            text = self._texts.message(alert)
        except Exception:  # an incident that cannot be shown must not stop the watcher
            log.exception("incident %s is not shown", alert.incident.id)
        else:
            self._chat.show(alert.channel, alert.message, text, still=self._still)

    async def quiet(self) -> None:
        """Stop pending updates: another replica leads from now on."""
        for alert in self._book.all():
            if alert.message:
                await self._chat.forget(alert.channel, alert.message)

    async def _serve(self, channel: str) -> None:
        state, backoff = self._channels[channel], Backoff()
        while True:
            alert = self._next(channel, state)
            if alert is None:
                await self._rest(state)
                continue
            try:
                await self._bring(alert)
            except CannotPostError as error:
                if not self._readdress(alert):
                    self._shut_out(channel, state, error)
                    await self._clock.sleep(SHUT_OUT_SECONDS)
            except (ChatUnavailableError, ChatLoginError) as error:
                log.warning("alerts wait for Slack: %s", error)
                await self._clock.sleep(backoff.failed())
            except ChatError as error:
                state.refuse(alert, error)
            except LeaseLostError:
                raise
            except Exception:
                log.exception("an alert waits, %s", alert.incident.id)
                state.refused.add(alert.incident.id)
            else:
                state.shut_out = False
                state.reported.discard(alert.incident.id)
                backoff.worked()

    def _next(self, channel: str, state: _Channel) -> Alert | None:
        """The oldest alert that waits; one that Slack rejected does not block the others."""
        waiting = (alert for alert in self._book.ready() if alert.channel == channel)
        return next((a for a in waiting if a.incident.id not in state.refused), None)

    async def _rest(self, state: _Channel) -> None:
        """Wait for something new, or until rejected alerts may be retried."""
        state.wake.clear()
        if not state.refused:
            await state.wake.wait()
            return
        waking = asyncio.ensure_future(state.wake.wait())
        timer = asyncio.ensure_future(self._clock.sleep(SHUT_OUT_SECONDS))
        try:
            await asyncio.wait({waking, timer}, return_when=asyncio.FIRST_COMPLETED)
            if timer.done():
                state.refused.clear()
        finally:
            waking.cancel()
            timer.cancel()

    def _readdress(self, alert: Alert) -> bool:
        """Move an alert that was never posted to its present channel or to the fallback."""
        known = self._book.get(alert.incident.id) or alert
        moved = readdressed(known, self._channels_of(alert.incident))
        if moved is None:
            return False
        log.warning(
            "incident %s goes to channel %s: the bot cannot post in %s",
            alert.incident.id,
            moved.channel,
            alert.channel,
        )
        self._book.note(moved)
        self._told()
        return True

    def _shut_out(self, channel: str, state: _Channel, error: CannotPostError) -> None:
        if not state.shut_out:
            log.warning("alerts wait for channel %s: %s %s", channel, error, error.hint)
        state.shut_out = True

    async def _bring(self, alert: Alert) -> None:
        try:
            if not alert.message:
                await self._post(alert)
            elif alert.done < alert.due:
                await self._edit(alert)
            else:
                await self._remind(alert)
        except MessageGoneError as error:
            self._lose(alert, error)

    async def _post(self, alert: Alert) -> None:
        incident = alert.incident
        found = ""
        if incident.id in self._book.uncertain:
            found = await self._chat.find(alert.channel, {"incident_id": incident.id})
            self._book.uncertain.discard(incident.id)
        if found and found not in self._book.lost:
            self._keep(alert, message=found)
            return
        try:
            text = self._texts.message(alert)
            ts = await _shielded(self._chat.post(alert.channel, text, still=self._still))
        except ChatError:
            self._book.uncertain.add(incident.id)
            raise
        self._keep(alert, message=ts, done=incident.revision, remind=False)

    async def _edit(self, alert: Alert) -> None:
        incident = alert.incident
        text = self._texts.message(alert)
        await self._chat.edit(alert.channel, alert.message, text, still=self._still)
        self._keep(alert, done=incident.revision)

    async def _remind(self, alert: Alert) -> None:
        half, incident_id = self._book.half_reminded, alert.incident.id
        text = self._texts.reminder(alert.incident)
        if incident_id not in half or not await self._is_reminded(alert, text):
            half.add(incident_id)
            await _shielded(self._chat.post(alert.channel, text, alert.message, still=self._still))
        half.discard(incident_id)
        self._keep(alert, remind=False)

    async def _is_reminded(self, alert: Alert, text: Message) -> bool:
        """Whether the reminder is in the thread: Slack's answer to it may have been lost."""
        marks = text.metadata.payload if text.metadata else {}
        return bool(marks and await self._chat.find(alert.channel, marks, alert.message))

    def _lose(self, alert: Alert, error: MessageGoneError) -> None:
        """Handle a message that can no longer be edited: post an open incident again."""
        incident = alert.incident
        log.info("the message of incident %s is gone: %s", incident.id, error)
        if incident.state is IncidentState.RESOLVED:
            self._keep(alert, done=incident.revision, remind=False)
            return
        self._book.lost.add(alert.message)
        self._book.uncertain.add(incident.id)
        self._keep(alert, message="", due=incident.revision)

    def _keep(
        self,
        alert: Alert,
        *,
        message: str | None = None,
        due: int = 0,
        done: int | None = None,
        remind: bool | None = None,
    ) -> None:
        """Record what Slack has now, based on the alert's present state."""
        now = self._book.get(alert.incident.id) or alert
        kept = replace(
            now,
            message=now.message if message is None else message,
            due=max(now.due, due),
            done=now.done if done is None else max(now.done, done),
            remind=now.remind if remind is None else remind,
        )
        self._book.note(kept)
        if self._book.has_saved(kept.incident.id):
            self.show(kept)
        self._told()


async def _shielded(call: Awaitable[T]) -> T:
    """The result of a call, which may briefly continue after a cancellation.

    A message that reached Slack after the next leader searched for it would be posted twice.
    """
    calling = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        await asyncio.wait({calling}, timeout=GOODBYE_SECONDS)
        calling.cancel()
        raise


class _Channel:
    """The state of one channel's task.

    It has the event that wakes the task, whether the bot may post there, the incidents whose
    content Slack rejected, and those for which that is in the log already.
    """

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.shut_out = False
        self.refused: set[str] = set()
        self.reported: set[str] = set()

    def refuse(self, alert: Alert, error: ChatError) -> None:
        """Let an alert that Slack rejected wait; the log says so once."""
        if alert.incident.id not in self.reported:
            log.error("an alert waits, %s: %s", alert.incident.id, error)
        self.reported.add(alert.incident.id)
        self.refused.add(alert.incident.id)
