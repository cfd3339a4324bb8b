"""Brings alerts to Slack: each once, in the order in which they began, however long that takes.

Only the leader does. What Slack was given is remembered with the alert; where that is not known
(another replica was killed as it posted, or Slack's answer was lost), the channel is looked
through for the message before anything is posted.
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
"""How long a post under way is waited for when this replica stops leading."""
SHUT_OUT_SECONDS = 15.0
"""How often it is tried anew to post where the bot may not."""


class AlertBook:
    """The alerts that are open or not wholly told, by the incident's id, oldest first.

    What the watcher puts into it is not told before ``saved`` says that the store has it: else
    whoever leads next could tell it a second time. ``changed`` are the ids of those that are other
    than the store has them, ``uncertain`` of those whose message may stand in Slack though nobody
    noted where, ``lost`` the messages (ts) that can be edited no more.
    """

    def __init__(self, alerts: Mapping[str, Alert]) -> None:
        oldest = sorted(alerts.values(), key=lambda alert: alert.incident.began)
        self._alerts = {alert.incident.id: alert for alert in oldest}
        self._unsaved: set[str] = set()
        self.uncertain = {key for key, alert in self._alerts.items() if not alert.message}
        self.lost: set[str] = set()
        self.changed: set[str] = set()
        self.news = asyncio.Event()

    def address(self, channel: str) -> None:
        """Give the alerts that had no channel this one."""
        for alert in self.all():
            if channel and not alert.channel:
                self.note(replace(alert, channel=channel))

    def adopt(self, incident: Incident) -> None:
        """Keep an incident that people were told of, though no alert of it was found."""
        if incident.id not in self._alerts:
            self.uncertain.add(incident.id)
            self.note(Alert(incident, channel=incident.channel, due=incident.revision))

    def get(self, incident_id: str) -> Alert | None:
        """The alert of an incident."""
        return self._alerts.get(incident_id)

    def all(self) -> tuple[Alert, ...]:
        """Every alert."""
        return tuple(self._alerts.values())

    def ready(self) -> Iterator[Alert]:
        """Those of which something is to be told now, the oldest first."""
        return (alert for alert in self.all() if alert.waits and self.has_saved(alert.incident.id))

    def has_saved(self, incident_id: str) -> bool:
        """Whether the store has what the watcher put last."""
        return incident_id not in self._unsaved

    def put(self, alert: Alert) -> None:
        """Keep an alert as the watcher wants it."""
        self._unsaved.add(alert.incident.id)
        self._keep(alert)

    def note(self, alert: Alert) -> None:
        """Keep what became of an alert on its way."""
        self._keep(alert)
        self.news.set()

    def drop(self, incident_id: str) -> None:
        """Forget an alert that needs nothing any more."""
        if self._alerts.pop(incident_id, None) is not None:
            self.uncertain.discard(incident_id)
            self.changed.add(incident_id)

    def take_changed(self) -> dict[str, Alert | None]:
        """What the store does not have yet; None for what was dropped."""
        taken = {key: self._alerts.get(key) for key in self.changed}
        self.changed.clear()
        return taken

    def saved(self) -> None:
        """All that was put so far is in the store."""
        if self._unsaved:
            self._unsaved.clear()
            self.news.set()

    def _keep(self, alert: Alert) -> None:
        self._alerts[alert.incident.id] = alert
        self.changed.add(alert.incident.id)


@dataclass(frozen=True, slots=True)
class AlertTexts:
    """``message`` makes an alert's message, ``reminder`` what is said in its thread when the
    incident fires for long."""

    message: Callable[[Alert], Message]
    reminder: Callable[[Incident], Message]


class AlertDelivery:
    """Tells what waits in the book, each channel by a task of its own.

    Nothing is said any more when ``still`` says that another replica may lead by now.
    ``told`` is called when Slack took something and the store should hear of it. ``channels_of``
    gives the channels that an incident would go to if it began now: the one it is meant for, then
    the one that is left when the bot cannot post there.
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
        """Show what counted up meanwhile where the message stands, when there is room for it."""
        if not alert.message or alert.waits or alert.done >= alert.incident.revision:
            return
        try:
            text = self._texts.message(alert)
        except Exception:  # what cannot be shown of one incident must not end the watcher
            log.exception("incident %s is not shown", alert.incident.id)
        else:
            self._chat.show(alert.channel, alert.message, text, still=self._still)

    async def quiet(self) -> None:
        """Send no more of what was to be shown: another replica leads from now on."""
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
                log.error("an alert waits, %s: %s", alert.incident.id, error)  # noqa: TRY400 - a sentence
                state.refused.add(alert.incident.id)
            except LeaseLostError:
                raise
            except Exception:
                log.exception("an alert waits, %s", alert.incident.id)
                state.refused.add(alert.incident.id)
            else:
                state.shut_out = False
                backoff.worked()

    def _next(self, channel: str, state: _Channel) -> Alert | None:
        """The oldest that waits; what Slack refused as it is holds up no other."""
        waiting = (alert for alert in self._book.ready() if alert.channel == channel)
        return next((a for a in waiting if a.incident.id not in state.refused), None)

    async def _rest(self, state: _Channel) -> None:
        """Until something is new, or it is time to try again what was refused."""
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
        """Send what was never posted to where it would go now, or to where it still can."""
        known = self._book.get(alert.incident.id) or alert
        moved = readdressed(known, self._channels_of(alert.incident))
        if moved is None:
            return False
        log.warning(
            "incident %s is told in channel %s: the bot cannot post in %s",
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
            found = await self._chat.find(alert.channel, incident.id)
            self._book.uncertain.discard(incident.id)
        if found and found not in self._book.lost:
            self._keep(alert, message=found)
            return
        try:
            text = self._texts.message(alert)
            ts = await _to_the_end(self._chat.post(alert.channel, text, still=self._still))
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
        text = self._texts.reminder(alert.incident)
        await self._chat.post(alert.channel, text, alert.message, still=self._still)
        self._keep(alert, remind=False)

    def _lose(self, alert: Alert, error: MessageGoneError) -> None:
        """The message can be edited no more: it is posted anew while the incident is open."""
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
        """Note what Slack has now, on the alert as it became meanwhile."""
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


async def _to_the_end(call: Awaitable[T]) -> T:
    """What a call returns. When cancelled, it is given a moment to end first: a message that
    reached Slack after another replica looked for it would be posted twice."""
    calling = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        await asyncio.wait({calling}, timeout=GOODBYE_SECONDS)
        calling.cancel()
        raise


class _Channel:
    """One channel's task: what wakes it, whether the bot may post there, and the incidents whose
    alerts Slack refused for what they say."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.shut_out = False
        self.refused: set[str] = set()
