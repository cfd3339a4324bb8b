"""How often registries are asked for newer images, and that each is told or begun once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.domain.errors import (
    CannotPostError,
    ChatUnavailableError,
    RegistryError,
    StoreUnavailableError,
)
from bot.domain.incidents.events import CHANNEL_LABEL, Rules
from bot.domain.operations.image_list import ServiceImage
from bot.domain.operations.image_watch import WATCH_LABEL, Wish
from bot.domain.swarm.model import Mode, Service
from bot.domain.text.message import Message, Metadata
from bot.loops.image_watch import ImageWatch
from bot.ports import Manifest

OLD, NEW = (f"sha256:{digit * 64}" for digit in "ab")


def a_service(name: str, wish: Wish = Wish.NOTIFY, host: str = "reg:5000/") -> Service:
    image = f"{host}{name}:1@{OLD}"
    labels = {WATCH_LABEL: wish.value}
    return Service(name, f"orochi_{name}", 1, Mode.REPLICATED, 1, image=image, labels=labels)


def a_notice(row: ServiceImage) -> Message:
    return Message(row.service.name, metadata=Metadata("image", {"service": row.service.name}))


class World:
    """Everything around the watch; ``asked``, ``posted`` and ``begun`` are what it did."""

    def __init__(self, *services: Service) -> None:
        self.existing = services
        self.leads = True
        self.killed = False
        self.time = 1_000_000.0
        self.trouble: Exception | None = None
        self.asked: list[str] = []
        self.posted: list[str] = []
        self.begun: list[tuple[str, str, str]] = []
        self.kept: set[tuple[str, str]] = set()
        self.closed: set[str] = set()
        self.incidents: tuple[Any, ...] = ()
        self.watch = self.watching(self.begin)

    def watching(self, begin: Callable[[str, str, str], Awaitable[None]]) -> ImageWatch:
        """A watch of this world."""
        me = cast("Any", self)
        return ImageWatch(
            looks=me, registry=me, notices=me, incidents=me, jobs=me, chat=me, clock=me,
            rules=Rules(channel="C1"), render=a_notice, begin=begin,
            still=lambda: self.leads, seconds=900.0,
        )  # fmt: skip

    def now(self) -> float:
        return self.time

    async def services(self, stack: str) -> tuple[Service, ...]:
        assert stack == ""
        return self.existing

    async def recent(self, image: str) -> Manifest:
        self.asked.append(image)
        if isinstance(self.trouble, RegistryError):
            raise self.trouble
        return Manifest(NEW)

    async def told(self) -> frozenset[tuple[str, str]]:
        return frozenset(self.kept)

    async def note(self, service_id: str, digest: str) -> None:
        if self.killed:
            raise StoreUnavailableError("Killed before it could note it.")
        self.kept.add((service_id, digest))

    async def forget(self, service_ids: Collection[str]) -> None:
        self.kept = {each for each in self.kept if each[0] not in service_ids}

    async def open_incidents(self) -> tuple[Any, ...]:
        return self.incidents

    async def active(self) -> tuple[Any, ...]:
        return ()

    async def post(self, channel: str, message: Message, *, still: Any) -> str:
        assert still()
        if isinstance(self.trouble, ChatUnavailableError):
            raise self.trouble
        self.posted.append(f"{message.text} in {channel}")
        return "1.0"

    async def find(self, channel: str, marks: Any) -> str:
        if channel in self.closed:
            raise CannotPostError("It is not in that channel.")
        return "1.0" if f"{marks['service']} in {channel}" in self.posted else ""

    async def begin(self, key: str, service: str, channel: str) -> None:
        if isinstance(self.trouble, StoreUnavailableError):
            raise self.trouble
        self.begun.append((key, service, channel))


async def test_a_newer_image_is_told_once():
    world = World(a_service("web"), replace(a_service("db"), labels={}))

    for _ in range(3):
        await world.watch.look()
        world.time += 901

    assert world.posted == ["orochi_web in C1"]
    assert world.asked == ["reg:5000/web:1"] * 3


async def test_an_update_is_begun_once_and_not_while_an_incident_is_open():
    world = World(a_service("web", Wish.UPDATE))
    world.incidents = (SimpleNamespace(service_id="web"),)
    await world.watch.look()
    assert world.begun == []
    world.incidents = ()
    for _ in range(2):
        await world.watch.look()

    assert world.begun == [(f"image:web:{'b' * 12}", "orochi_web", "C1")]
    assert world.asked == ["reg:5000/web:1"]


@pytest.mark.parametrize(
    ("wish", "trouble"),
    [(Wish.NOTIFY, ChatUnavailableError("No.")), (Wish.UPDATE, StoreUnavailableError("No."))],
)
async def test_what_did_not_succeed_is_done_later(wish: Wish, trouble: Exception):
    world = World(a_service("web", wish))
    world.trouble = trouble
    await world.watch.look()
    assert (world.posted, world.begun, world.kept) == ([], [], set())

    world.trouble = None
    await world.watch.look()

    assert len(world.posted) + len(world.begun) == 1


async def test_a_leader_that_is_killed_before_it_notes_a_notice_does_not_lose_or_repeat_it():
    world = World(a_service("web"))
    world.killed = True
    await world.watch.look()
    world.killed = False
    for _ in range(2):
        await world.watch.look()

    assert world.posted == ["orochi_web in C1"]
    assert world.kept == {("web", "b" * 12)}


async def test_an_incident_that_opens_while_others_are_updated_holds_an_update_back():
    world = World(a_service("web", Wish.UPDATE), a_service("worker", Wish.UPDATE))
    begin = world.begin

    async def with_incident(key: str, service: str, channel: str) -> None:
        world.incidents = (SimpleNamespace(service_id="worker"),)
        await begin(key, service, channel)

    world.watch = world.watching(with_incident)
    await world.watch.look()

    assert [service for _, service, _ in world.begun] == ["orochi_web"]


async def test_only_the_leader_asks():
    world = World(a_service("web"))
    world.leads = False

    await world.watch.look()

    assert world.asked == world.posted == []


async def test_docker_hub_is_asked_within_its_limit():
    """100 manifests in six hours; 40 services ask for notices."""
    world = World(*(a_service(f"s{number}", host="") for number in range(40)))

    for _ in range(6 * 60):
        await world.watch.look()
        world.time += 60

    assert len(set(world.asked)) == 40
    assert len(world.asked) <= 100


async def test_a_registry_that_refuses_is_asked_at_the_next_turn():
    world = World(a_service("web"))
    world.trouble = RegistryError("No.", kind="pull_denied")

    await world.watch.look()
    await world.watch.look()

    assert world.asked == ["reg:5000/web:1"]
    assert world.posted == []


async def test_nothing_is_kept_of_a_removed_service():
    world = World(a_service("web"))
    world.kept = {("gone", "b" * 12)}

    await world.watch.look()

    assert {service for service, _ in world.kept} == {"web"}


@pytest.mark.parametrize(("closed", "channel"), [(set(), "C2"), ({"C2"}, "C1")])
async def test_a_service_with_a_channel_of_its_own_is_told_there_if_possible(
    closed: set[str], channel: str
):
    service = a_service("web")
    world = World(replace(service, labels={**service.labels, CHANNEL_LABEL: "C2"}))
    world.closed = closed

    await world.watch.look()

    assert world.posted == [f"orochi_web in {channel}"]
