"""Implements the port ``Stacks``: records plans from the docker CLI and applies them in steps."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, replace
from typing import Any, Final

from bot.domain.deploys.foreseen import Foreseen
from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.secret_values import NOTHING, SecretValues, secret_values
from bot.domain.deploys.variables import nested_variables
from bot.domain.deploys.version import Bundle
from bot.domain.errors import BotError, RefusedError, RegistryError
from bot.domain.jobs.deploy_plan import Kind, Plan, PlanAction, PlanStep
from bot.ports import Applied, FileImage, Recording, Still
from bot.ports.engine import Reachability
from bot.swarm.connection import Connection
from bot.swarm.logins import NO_LOGINS, Logins
from bot.swarm.registry import DockerRegistry
from bot.swarm.stacks import complaints
from bot.swarm.stacks.bundle import Contents, Seal, as_it_was, unpacked
from bot.swarm.stacks.cli import PROGRAM, DockerCli
from bot.swarm.stacks.completing import (
    left_out,
    platforms_of,
    with_platforms,
    without_newer_fields,
)
from bot.swarm.stacks.compose import bodies, depends_on, image_line, read_compose
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.dry_runs import DryRuns
from bot.swarm.stacks.engine_rules import refused
from bot.swarm.stacks.file_contents import FileContents, Named
from bot.swarm.stacks.folder import StackFiles, StackFolder, private_folder
from bot.swarm.stacks.narrowing import only_for
from bot.swarm.stacks.networks import drivers_of, without_existing
from bot.swarm.stacks.planning import Basis, Recorded, planned
from bot.swarm.stacks.reading import ReadFiles, checked
from bot.swarm.stacks.registry import Tags
from bot.swarm.stacks.replay import Replay, names_by_id
from bot.swarm.stacks.survey import Found, Survey, filled_in
from bot.swarm.stacks.tracking import tracked

Json = dict[str, Any]

SECONDS: Final = 60.0
RESOLVE: Final = "changed"


class DockerStacks:
    """Implements ``bot.ports.Stacks``.

    ``folder`` is ``BOT_STACKS_DIR``, "" if nothing can be deployed. ``key`` is for keyed digests:
    secret, and the same for all replicas, because plans of different keys cannot be compared.
    ``logins`` are those of the registries.
    ``reachability`` checks whether NFS servers answer; None: no check. ``program``, ``resolve`` and
    ``seconds`` as for ``DockerCli``; ``base_url`` and ``timeout`` as for ``Connection``.
    """

    def __init__(
        self,
        folder: str,
        key: bytes,
        base_url: str = "",
        *,
        reachability: Reachability | None = None,
        timeout: float = 30.0,
        logins: Logins = NO_LOGINS,
        program: str = PROGRAM,
        resolve: str = RESOLVE,
        seconds: float = SECONDS,
    ) -> None:
        self._connection = Connection(base_url, timeout)
        self._folder = StackFolder(folder)
        self._redactor = Redactor(key)
        self._seal = Seal(key)
        self._contents = FileContents(self._connection, self._redactor)
        self._survey = Survey(self._connection, reachability)
        self._logins = logins
        self._tags = Tags(DockerRegistry(self._connection, logins))
        cli = DockerCli(program, seconds=seconds, resolve=resolve)
        restoring = DockerCli(program, seconds=seconds, resolve="never")
        self._runs = DryRuns(self._connection, logins, self._redactor, cli, restoring)
        self._known: dict[str, SecretValues] = {}

    async def aclose(self) -> None:
        """Close the connections to the engine."""
        self._connection.close()

    def hidden(self, text: str, *, certain: bool = False) -> str:
        """A text without the secret values of all stacks, or without those that certainly are."""
        for secrets in tuple(self._known.values()):
            text = self._redactor.knowing(secrets).text(text, certain=certain)
        return text

    async def learn(self) -> None:
        """Read the secret values of all stacks in the folder, to hide them."""
        await asyncio.to_thread(self._learn)

    def _read(self, files: StackFiles) -> ReadFiles:
        """Read and check a stack's files. Raises RefusedError."""
        written = read_compose(files.text)
        try:
            return checked(files, written)
        except RefusedError as error:
            secrets = secret_values(written, files.variables)
            error.reword(self._redactor.knowing(secrets).text)
            raise

    def _learn(self) -> None:
        with suppress(RefusedError):
            for name in self._folder.names():
                with suppress(RefusedError):
                    self._known.setdefault(name, self._read(self._folder.read(name)).secrets)

    async def names(self) -> tuple[str, ...]:
        """The names of the stacks with a file. Raises RefusedError without a folder."""
        return await asyncio.to_thread(self._folder.names)

    async def file_image(self, stack: str, service: str) -> FileImage | None:
        """The image that the stack's file names for a service. As in ``bot.ports.Stacks``."""
        return await asyncio.to_thread(self._file_image, stack, service)

    def _file_image(self, stack: str, service: str) -> FileImage | None:
        try:
            files = self._folder.read(stack)
            document = filled_in(read_compose(files.text), files.variables)
        except RefusedError:
            return None
        body = dict(bodies(document, "services")).get(service) or {}
        if not body.get("image"):
            return None
        number, text = image_line(files.text, service) or (0, "")
        return FileImage(f"{stack}.yml", str(body["image"]), number, text)

    async def record(
        self,
        stack: str,
        deployed: Mapping[str, int | None] | None = None,
        bundle: Bundle | None = None,
        *,
        only: str = "",
        former: Bundle | None = None,
        undone: Mapping[str, int] | None = None,
    ) -> Recorded:
        """Record what a deploy of the stack would do now. As in ``bot.ports.Stacks``."""
        earlier = await asyncio.to_thread(self._secrets_of, former) if former else NOTHING
        with self._hiding(stack):
            if bundle is None:
                files = await asyncio.to_thread(self._folder.read, stack)
                recorded, kept = await self._record(files, deployed, earlier, only=only)
                return replace(recorded, bundle=await asyncio.to_thread(self._seal.sealed, kept))
            contents = await asyncio.to_thread(self._seal.opened, bundle)
            async with private_folder() as folder:
                files = await asyncio.to_thread(unpacked, contents, folder)
                recorded, _ = await self._record(
                    files, deployed, earlier, contents, only=only, undone=undone
                )
            return replace(recorded, bundle=bundle)

    @contextmanager
    def _hiding(self, stack: str) -> Iterator[None]:
        """Hide the stack's secret values in what is said of an error."""
        try:
            yield
        except BotError as error:
            secrets = self._known.get(stack, NOTHING)
            error.reword(self._redactor.knowing(secrets).text)
            raise

    def _secrets_of(self, bundle: Bundle) -> SecretValues:
        """The secret values of an earlier version; none if its files can no longer be read."""
        try:
            return tracked(self._seal.opened(bundle))
        except RefusedError:
            return NOTHING

    async def _record(
        self,
        files: StackFiles,
        deployed: Mapping[str, int | None] | None,
        earlier: SecretValues,
        former: Contents | None = None,
        *,
        only: str,
        undone: Mapping[str, int] | None = None,
    ) -> tuple[Recorded, Contents]:
        """The plan for some files, with their content; a ``former`` version's is the original."""
        # In a thread: a large file takes seconds, in which the bot must renew its leases.
        read = await asyncio.to_thread(self._read, files)
        read = replace(read, secrets=read.secrets | earlier)
        self._known[files.stack] = read.secrets
        engine, ended = await self._runs.run(files, read, restores=former is not None)
        if not read.written:
            raise complaints.unreadable(files.stack)
        calls = [as_it_was(call, former, files.folder) if former else call for call in engine.calls]
        named = await self._contents.named(calls, read.entries, files.stack, engine.seen)
        calls, seen = named.calls, {**named.seen, **engine.seen}
        calls, found = await self._completed(
            only_for(only, calls) if only else calls,
            seen,
            Found(
                files.stack,
                read.document,
                said=complaints.warnings(ended.said, engine.unresolved),
                unresolved={image: _said(why) for image, why in engine.unresolved.items()},
                nested=nested_variables(read.written),
            ),
            looks_up=former is None,
        )
        basis = Basis(
            stack=files.stack,
            seen=seen,
            names=await names_by_id(self._connection),
            depends=depends_on(read.document, files.stack),
            deployed=deployed,
            undone=undone or {},
            entries=named.names,
        )
        recorded = await self._planned(calls, found, basis, read.secrets)
        recorded = _with_contents(recorded, named)
        contents = replace(read.contents, images=_images(calls), platforms=_platforms(calls))
        return recorded, contents

    async def _planned(
        self, calls: list[RecordedCall], found: Found, basis: Basis, secrets: SecretValues
    ) -> Recorded:
        """The plan of the calls, with its warnings and what can be known before it is applied."""
        redactor = self._redactor.knowing(secrets)
        services, told = await asyncio.gather(
            self._connection.list("/services"), self._survey.warnings(found, redactor)
        )
        basis = replace(basis, warnings=told)
        recorded = await asyncio.to_thread(planned, calls, basis, redactor)
        recorded = replace(recorded, secrets=secrets)
        _refuse_impossible(recorded, calls, basis.seen, services)
        foreseen = await self._survey.foreseen(recorded, basis.seen)
        foreseen = Foreseen(*(tuple(map(redactor.text, said)) for said in astuple(foreseen)))
        return replace(recorded, plan=_with_foreseen(recorded.plan, foreseen))

    async def _completed(
        self, calls: list[RecordedCall], seen: Mapping[str, Json], found: Found, *, looks_up: bool
    ) -> tuple[list[RecordedCall], Found]:
        """The calls as the engine will understand them, with what is to be said of that."""
        calls, networks = without_existing(calls, seen, found.name)
        calls = [with_platforms(call, seen.get(call.id, {})) for call in calls]
        unknown: Mapping[str, str] = {}
        if looks_up:
            calls, unknown, strays = await self._tags.newest(calls, seen)
            found = replace(found, unresolved={**found.unresolved, **strays})
        api = await self._connection.api_version()
        calls, dropped = without_newer_fields(calls, api)
        dropped = left_out(found.document.get("services") or {}, found.name, api) | dropped
        found = replace(
            found,
            specs=tuple(call.body for call in calls if _is_wanted_service(call)),
            networks=networks,
            drivers=tuple(drivers_of(calls)),
            dropped={(newer.name, newer.docker): names for newer, names in dropped.items()},
            unknown_tags=unknown,
        )
        return calls, found

    async def can_read(self, bundle: Bundle) -> bool:
        """Whether a version's files can be read. As in ``bot.ports.Stacks``."""
        try:
            await asyncio.to_thread(self._seal.opened, bundle)
        except RefusedError:
            return False
        return True

    async def clear(
        self,
        stack: str,
        entries: Collection[str],
        kept: Collection[str],
        *,
        still: Still | None = None,
    ) -> tuple[str, ...]:
        """Remove the configs and secrets that nobody needs. As in ``bot.ports.Stacks``."""
        return await self._contents.clear(stack, entries, kept, still)

    async def apply(
        self, recording: Recording, step: PlanStep, *, still: Still | None = None
    ) -> Applied:
        """Apply one step of a recording's plan. As in ``bot.ports.Stacks``."""
        if not isinstance(recording, Recorded):
            raise TypeError("a recording of this adapter is needed")
        try:
            return await self._replay(recording, still).make(step)
        except BotError as error:
            error.reword(self._redactor.knowing(recording.secrets).text)
            raise

    def _replay(self, recorded: Recorded, still: Still | None) -> Replay:
        return Replay(self._connection, self._redactor, recorded, still, self._logins)


def _is_wanted_service(call: RecordedCall) -> bool:
    return call.collection == "services" and call.action != "remove"


def _images(calls: list[RecordedCall]) -> dict[str, str]:
    """Each service's image by its full name, with the digest if the CLI resolved it."""
    wanted = filter(_is_wanted_service, calls)
    found = ((call.name, call.body["TaskTemplate"].get("ContainerSpec", {})) for call in wanted)
    return {name: str(container.get("Image", "")) for name, container in found}


def _platforms(calls: list[RecordedCall]) -> dict[str, list[Json]]:
    """The platforms of each service's image by its full name, as far as a registry said."""
    wanted = filter(_is_wanted_service, calls)
    found = ((call.name, platforms_of(call.body["TaskTemplate"])) for call in wanted)
    return {name: platforms for name, platforms in found if platforms}


def _with_foreseen(plan: Plan, foreseen: Foreseen) -> Plan:
    warnings = (*foreseen.warnings, *plan.warnings)
    return replace(plan, warnings=warnings, dangers=foreseen.dangers)


def _with_contents(recorded: Recorded, named: Named) -> Recorded:
    plan = replace(recorded.plan, contents=named.changes, files=dict(named.files))
    return replace(recorded, plan=plan)


def _said(error: RegistryError) -> str:
    return f"{error.sentence} {error.hint}".strip()


def _refuse_impossible(
    recorded: Recorded,
    calls: list[RecordedCall],
    seen: Mapping[str, Json],
    services: list[Json],
) -> None:
    """Raise RefusedError for what the engine would refuse, which the dry-run engine accepts."""
    steps = [step for step in recorded.plan.steps if step.kind is Kind.SERVICE]
    pairs = [
        (step.name, seen[step.id]["Spec"], recorded.calls[step.key].body)
        for step in steps
        if step.action is PlanAction.UPDATE
    ]
    coming = [
        (step.name, recorded.calls[step.key].body)
        for step in steps
        if step.action is not PlanAction.REMOVE
    ]
    removed = frozenset(step.name for step in recorded.plan.removals)
    found = (
        refused(calls, recorded.plan.stack)
        or complaints.port_taken(coming, services, removed)
        or complaints.mode_changed(recorded.plan.stack, pairs)
    )
    if found is not None:
        raise found
