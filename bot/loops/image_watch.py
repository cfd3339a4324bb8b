"""Tells of newer images, and begins their roll-out, for services whose labels ask for it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from bot.domain.errors import BotError, CannotPostError, RegistryError, SwarmError
from bot.domain.incidents.events import Rules
from bot.domain.operations.image_change import short_digest
from bot.domain.operations.image_list import ServiceImage, compared, tags_of
from bot.domain.operations.image_watch import Due, Wish, due, label_flaws, tried, wish_of
from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import Service
from bot.domain.text.message import Message
from bot.ports import Chat, Clock, ImageNotices, Incidents, Jobs, Looks, Registry, Still
from bot.runtime.token_buckets import TokenBuckets

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 60.0
HUB_A_MINUTE: Final = 0.25
"""Docker Hub allows 100 manifests in six hours without a login; this takes 90."""
OTHERS_A_MINUTE: Final = 30.0
_BURST: Final = 10
MOST_JOBS: Final = 200
AGAIN_SECONDS: Final = 3600.0
"""How long an update that could not begin is left alone."""


class ImageWatch:
    """Looks for newer images; each name is looked up at most every ``seconds``.

    ``begin`` starts an update of the bot's own: it gets a key that is the same for the same digest
    within an hour, the service's full name and the channel for its message. Only the replica that
    leads does anything. It notes what was told, and what a job has rolled out, also a person's; a
    leader that takes over before that finds the message or the job.
    """

    def __init__(
        self,
        *,
        looks: Looks,
        registry: Registry,
        notices: ImageNotices,
        incidents: Incidents,
        jobs: Jobs,
        chat: Chat,
        clock: Clock,
        rules: Rules,
        render: Callable[[ServiceImage], Message],
        begin: Callable[[str, str, str], Awaitable[None]],
        still: Still,
        seconds: float,
    ) -> None:
        self._looks = looks
        self._registry = registry
        self._notices = notices
        self._incidents = incidents
        self._jobs = jobs
        self._chat = chat
        self._clock = clock
        self._rules = rules
        self._render = render
        self._begin = begin
        self._still = still
        self._seconds = seconds
        self._buckets = TokenBuckets(clock.now)
        self._found: dict[str, str] = {}
        self._asked: dict[str, float] = {}
        self._fresh: set[str] = set()
        self._begun: dict[str, str] = {}
        self._flawed: set[str] = set()

    async def look(self) -> None:
        """Look once, if this replica leads and a service asks for it. Raises BotError."""
        if not self._still() or not self._rules.channel:
            return
        existing = await self._looks.services("")
        self._warn(existing)
        watched = [service for service in existing if wish_of(service) is not None]
        if not watched:
            return
        self._fresh.clear()
        await self._look_up(tags_of(watched))
        services = [service for service in watched if _name(service) in self._found]
        rows = compared(services, (), self._found, {})
        told = await self._notices.told()
        await self._notices.forget({key for key, _ in told} - {each.id for each in existing})
        for row in rows:
            now, troubled = self._clock.now(), await self._troubled()
            for each in due([row], told, now, troubled=troubled):
                await self._act(each)

    async def _look_up(self, names: Sequence[str]) -> None:
        """Ask for the digests of the names whose turn it is, the longest unasked ones first."""
        for name in sorted(names, key=lambda each: self._asked.get(each, 0.0)):
            if not self._still() or not self._is_due(name):
                continue
            self._asked[name] = self._clock.now()
            self._fresh.add(name)
            try:
                self._found[name] = (await self._registry.recent(name)).digest
            except RegistryError as error:
                self._found.pop(name, None)
                log.info("no look at %s: %s", name, error)
            except SwarmError as error:
                log.info("no looks at images: %s", error)
                return

    def _is_due(self, name: str) -> bool:
        if self._clock.now() - self._asked.get(name, 0.0) < self._seconds:
            return False
        return self._may_ask(name)

    def _may_ask(self, name: str) -> bool:
        host = read_image(name).registry
        rate = OTHERS_A_MINUTE if host else HUB_A_MINUTE
        return self._buckets.take(host, rate, _BURST) == 0.0

    async def _troubled(self) -> frozenset[str]:
        """The services with an open incident or a job."""
        incidents = await self._incidents.open_incidents()
        jobs = await self._jobs.active()
        targets = (target.service_id for job in jobs for target in job.targets)
        return frozenset((*(each.service_id for each in incidents), *targets))

    async def _act(self, each: Due) -> None:
        service = each.row.service
        if not self._still() or self._begun.get(service.id) == self._key(each.row):
            return
        try:
            await self._decide(each)
        except BotError as error:
            log.warning("the newer image of %s has to wait: %s", service.name, error)

    async def _decide(self, each: Due) -> None:
        service, digest = each.row.service, each.row.newest
        known = (service.id, digest) in tried(await self._jobs.recent(MOST_JOBS))
        if not known:
            if not await self._is_newest(each.row):
                return
            await self._carry_out(each)
        if known or each.wish is Wish.NOTIFY:
            await self._notices.note(service.id, digest)

    def _key(self, row: ServiceImage) -> str:
        """The key of an update: another one in the next hour, if this one could not begin."""
        hour = int(self._clock.now() // AGAIN_SECONDS)
        return f"image:{row.service.id}:{row.newest}:{hour}"

    async def _is_newest(self, row: ServiceImage) -> bool:
        """Whether the registry still has it: the service's image may be newer than the look-up.

        False, too, if the registry's limit does not allow to ask now.
        """
        name = _name(row.service)
        if name not in self._fresh:
            if not self._may_ask(name):
                return False
            self._found[name] = (await self._registry.recent(name)).digest
        return short_digest(f"@{self._found[name]}") == row.newest

    async def _carry_out(self, each: Due) -> None:
        service, digest = each.row.service, each.row.newest
        message = self._render(each.row)
        channel, posted = await self._place(service, message)
        if each.wish is Wish.UPDATE:
            log.info("updating %s to digest %s", service.name, digest)
            key = self._key(each.row)
            await self._begin(key, service.name, channel)
            self._begun[service.id] = key
        elif not posted:
            await self._chat.post(channel, message, still=self._still)

    async def _place(self, service: Service, message: Message) -> tuple[str, bool]:
        """The channel of the service's alerts, or the usual one where the bot may not post there.

        And whether the notice is there: Slack's answer to it may have been lost.
        """
        marks = message.metadata.payload if message.metadata else {}
        own = self._rules.channel_for(service)
        try:
            return own, bool(await self._chat.find(own, marks))
        except CannotPostError as error:
            log.warning("%s is told elsewhere: %s", service.name, error)
            usual = self._rules.channel
            return usual, bool(await self._chat.find(usual, marks))

    def _warn(self, services: Sequence[Service]) -> None:
        """Log each label that is not valid once."""
        for service in services:
            for flaw in label_flaws(service):
                if (said := f"{service.name}: {flaw}") not in self._flawed:
                    self._flawed.add(said)
                    log.warning("%s", said)


def _name(service: Service) -> str:
    return next(iter(tags_of([service])), "")
