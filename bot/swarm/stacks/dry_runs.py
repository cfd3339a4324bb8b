"""Runs the docker CLI on a stack's files against a dry-run engine, and reads its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.domain.deploys.redaction import Redactor
from bot.domain.errors import NotAManagerError
from bot.swarm.connection import Connection
from bot.swarm.logins import Logins
from bot.swarm.stacks import complaints
from bot.swarm.stacks.cli import DockerCli, Ended
from bot.swarm.stacks.dry_run import DryRunEngine
from bot.swarm.stacks.file_contents import Entry
from bot.swarm.stacks.folder import StackFiles, private_folder
from bot.swarm.stacks.reading import ReadFiles
from bot.swarm.stacks.tracking import stand_ins, without_parts, without_values

_NOT_A_MANAGER: Final = "this node is not a swarm manager"


class DryRuns:
    """Runs ``cli`` for files of the folder, and ``restoring`` for those of a version."""

    def __init__(
        self,
        connection: Connection,
        logins: Logins,
        redactor: Redactor,
        cli: DockerCli,
        restoring: DockerCli,
    ) -> None:
        self._connection = connection
        self._logins = logins
        self._redactor = redactor
        self._cli = cli
        self._restoring = restoring

    async def run(
        self, files: StackFiles, read: ReadFiles, *, restores: bool
    ) -> tuple[DryRunEngine, Ended]:
        """Run the CLI against a dry-run engine; ``restores`` asks no registry for images.

        Raises the error that prevented it.
        """
        cli = self._restoring if restores else self._cli
        engine, ended = await self._attempt(files, cli, files.variables, read.entries)
        if engine.trouble is not None:
            raise engine.trouble
        if _NOT_A_MANAGER in ended.said:
            raise NotAManagerError(
                "This engine is not a manager of a swarm.",
                hint="Point DOCKER_HOST at a manager, or run the bot on one.",
            )
        if ended.code:
            said = await self._said(files, cli, read, ended)
            raise complaints.refusal(said, files.stack, str(files.folder))
        return engine, ended

    async def _attempt(
        self,
        files: StackFiles,
        cli: DockerCli,
        variables: Mapping[str, str],
        hidden: frozenset[Entry],
    ) -> tuple[DryRunEngine, Ended]:
        async with private_folder() as private, self._dry_run(private, hidden) as engine:
            ended = await cli.deploy(
                engine.host,
                files.stack,
                files.text,
                folder=files.folder,
                environment=variables,
                private=private,
            )
        return engine, ended

    def _dry_run(self, folder: Path, hidden: frozenset[Entry]) -> DryRunEngine:
        return DryRunEngine(self._connection, folder, logins=self._logins, hidden=hidden)

    async def _said(self, files: StackFiles, cli: DockerCli, read: ReadFiles, ended: Ended) -> str:
        """The CLI's error without secret values.

        The CLI is asked again with other texts in their place: only its own words are then sure to
        be its own, however short or common a value is.
        """
        secrets, said = read.secrets, ended.said
        redactor = self._redactor.knowing(secrets)
        names = secrets.names & files.variables.keys()
        if names:
            secrets = replace(secrets, names=names)
            variables = stand_ins(files.variables, secrets)
            _, again = await self._attempt(files, cli, variables, read.entries)
            other = without_values(said, again.said, files.variables, secrets, redactor)
            said = other or without_parts(said, files.variables, secrets, redactor)
        return redactor.text(said)
