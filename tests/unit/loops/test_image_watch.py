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
from bot.domain.jobs.model import Target
from bot.domain.operations.image_list import ServiceImage
from bot.domain.operations.image_watch import WATCH_LABEL, Wish
from bot.domain.swarm.model import Mode, Service
from bot.domain.text.message import Message, Metadata
from bot.loops.image_watch import ImageWatch
from bot.ports import Manifest

OLD, NEW, OTHER = (f"sha256:{digit * 64}" for digit in "abc")


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
        self.jobs: tuple[Any, ...] = ()
        self.newest = NEW
        self.watch = self.watching(self.begin)

    def watching(self, begin: Callable[[str, str, str], Awaitable[None]]) -> ImageWatch:
        """A watch of this world."""
        me, jobs = cast("Any", self), cast("Any", History(self))
        return ImageWatch(
            looks=me, registry=me, notices=me, incidents=me, jobs=jobs, chat=me, clock=me,
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
        return Manifest(self.newest)

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


class History:
    """The jobs of a world, none of them active."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def recent(self, count: int) -> tuple[Any, ...]:
        assert count
        return self._world.jobs

    async def active(self) -> tuple[Any, ...]:
        return ()


def job_of(service: Service, image: str) -> Any:
    """A job that set an image."""
    return SimpleNamespace(targets=(Target(service.name, service.id, 1, image=image),), plan=None)


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
        world.time += 60

    assert [begun[1:] for begun in world.begun] == [("orochi_web", "C1")]
    assert world.asked == ["reg:5000/web:1"] * 2


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


@pytest.mark.parametrize("wish", Wish)
async def test_an_image_that_was_found_before_the_services_present_one_is_not_newer(wish: Wish):
    world = World(replace(a_service("web", wish), image=f"reg:5000/web:1@{NEW}"))
    await world.watch.look()
    world.newest = OTHER
    world.existing = (replace(a_service("web", wish), image=f"reg:5000/web:1@{OTHER}"),)
    world.time += 60
    await world.watch.look()

    assert (world.posted, world.begun, world.kept) == ([], [], set())


@pytest.mark.parametrize("wish", Wish)
async def test_an_image_that_a_job_has_rolled_out_is_left_alone(wish: Wish):
    """It failed and was rolled back, or somebody took it back."""
    service = a_service("web", wish)
    world = World(service)
    world.jobs = (job_of(service, f"reg:5000/web:1@{NEW}"),)
    await world.watch.look()

    assert (world.posted, world.begun) == ([], [])
    assert world.kept == {("web", "b" * 12)}


async def test_an_update_that_could_not_begin_is_begun_again_in_the_next_hour():
    world = World(a_service("web", Wish.UPDATE))
    for _ in range(61):
        await world.watch.look()
        world.time += 60

    assert len(world.begun) == len({key for key, _, _ in world.begun}) == 2
    assert world.kept == set()


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
