"""Runs the real docker CLI without a shell, with its own environment and a time limit."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.domain.errors import RefusedError

PROGRAM: Final = "docker"


@dataclass(frozen=True, slots=True)
class Ended:
    """The exit status of a run of the CLI, and its standard error."""

    code: int
    said: str


class DockerCli:
    """Runs ``docker stack deploy``.

    ``program`` is its name or path. ``seconds`` is the time limit of a run; ``resolve`` is the
    CLI's ``--resolve-image``: ``always``, ``changed`` or ``never``.
    """

    def __init__(self, program: str = PROGRAM, *, seconds: float, resolve: str) -> None:
        self._program = program
        self._seconds = seconds
        self._resolve = resolve
        self._detach: list[str] | None = None

    async def deploy(
        self,
        host: str,
        stack: str,
        file: bytes,
        *,
        folder: Path,
        environment: Mapping[str, str],
        private: Path,
    ) -> Ended:
        """Deploy ``file`` on the engine at ``host``; its paths are relative to ``folder``.

        ``environment`` is all that the CLI sees of variables, so the file means the same wherever
        the bot runs. ``private`` is an empty folder for the CLI's own settings, so that registry
        credentials, plugins and contexts of this machine are not used.

        Raises:
            RefusedError: the CLI is missing, or does not finish in time.
        """
        arguments = [
            *("--host", host, "--config", str(private)),
            *("stack", "deploy", "--prune", f"--resolve-image={self._resolve}"),
            *await self._detached(private),
            *("--compose-file", "-", stack),
        ]
        code, _, said = await self._run(arguments, file, folder, environment)
        return Ended(code, said)

    async def _detached(self, folder: Path) -> list[str]:
        """``--detach`` if the CLI supports it (from 26.0 on); older ones never wait."""
        if self._detach is None:
            arguments = ["--config", str(folder), "stack", "deploy", "--help"]
            _, text, _ = await self._run(arguments, b"", folder, {})
            self._detach = ["--detach"] if "--detach" in text else []
        return self._detach

    async def _run(
        self, arguments: list[str], given: bytes, folder: Path, environment: Mapping[str, str]
    ) -> tuple[int, str, str]:
        program = shutil.which(self._program)
        if program is None:
            raise RefusedError(
                "The docker CLI is not installed where the bot runs.",
                hint="The bot's image has it; elsewhere install the package docker-cli.",
            )
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._seconds):
                printed, said = await process.communicate(given)
        except TimeoutError as error:
            raise RefusedError(
                f"The docker CLI made no plan within {self._seconds:g} s.",
                hint="A registry may not be answering. Try again.",
            ) from error
        finally:
            await _end(process)
        return (
            process.returncode or 0,
            printed.decode(errors="replace"),
            said.decode(errors="replace"),
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the process and everything that it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
