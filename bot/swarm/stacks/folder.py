"""The folder of the stacks that can be deployed: ``NAME.yml``, and optionally ``NAME.env``."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.domain.commands.names import alike, is_service_name
from bot.domain.errors import RefusedError
from bot.swarm.stacks.env_file import read_env

SETTING: Final = "BOT_STACKS_DIR"
_MOST_BYTES: Final = 2**20
_MOST_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class StackFiles:
    """A stack's compose file, its folder for relative paths, and the variables of ``NAME.env``."""

    stack: str
    text: bytes = field(repr=False)
    folder: Path
    variables: dict[str, str] = field(repr=False)


class StackFolder:
    """Reads stacks by name; never reads outside of the folder.

    ``path`` is "" if no stack can be deployed. Blocking calls: small files of a local folder.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def names(self) -> tuple[str, ...]:
        """The names of the stacks with a file. Raises RefusedError without a folder."""
        folder = self._folder()
        found = (file.stem for file in folder.glob("*.yml") if _is_inside(file, folder))
        return tuple(sorted(filter(is_service_name, found)))

    def read(self, stack: str) -> StackFiles:
        """A stack's files. Raises RefusedError if there is no such stack."""
        folder = self._folder()
        if not is_service_name(stack):
            raise RefusedError(
                "That is not a valid stack name.",
                hint="Use letters, digits, `-` and `_`, without `.yml`.",
            )
        file = folder / f"{stack}.yml"
        if not file.exists():
            raise self._unknown(stack)
        environment = folder / f"{stack}.env"
        variables = {}
        if environment.exists():
            variables = read_env(_text(environment, folder), environment.name)
        return StackFiles(stack, _content(file, folder), folder, variables)

    def _folder(self) -> Path:
        if not self._path:
            raise RefusedError(
                "Deploying is turned off.",
                hint=f"Set `{SETTING}` to the folder with the stack files.",
            )
        folder = Path(self._path)
        if not folder.is_dir():
            raise RefusedError(
                "The folder with the stack files does not exist.",
                hint=f"Mount it at the path in `{SETTING}`.",
            )
        return folder.resolve()

    def _unknown(self, stack: str) -> RefusedError:
        names = self.names()
        sentence = f"There is no stack file `{stack}.yml`."
        if close := alike(stack, names):
            return RefusedError(sentence, hint=f"Did you mean {' or '.join(map(_code, close))}?")
        if not names:
            return RefusedError(sentence, hint=f"The folder in `{SETTING}` has no stack files yet.")
        more = " and more" if len(names) > _MOST_NAMES else ""
        shown = ", ".join(map(_code, names[:_MOST_NAMES]))
        return RefusedError(sentence, hint=f"Stacks: {shown}{more}.")


def _is_inside(file: Path, folder: Path) -> bool:
    """Whether a name refers to a file in the folder, and not by a link to one elsewhere."""
    real = file.resolve()
    return real.is_relative_to(folder) and real.is_file()


def _content(file: Path, folder: Path) -> bytes:
    if not _is_inside(file, folder):
        raise RefusedError(
            f"`{file.name}` is not a file in the stacks' folder.",
            hint="Links that leave the folder are not followed. Put the file itself there.",
        )
    with file.open("rb") as opened:
        text = opened.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise RefusedError(f"`{file.name}` is larger than 1 MiB.")
    return text


def _text(file: Path, folder: Path) -> str:
    try:
        return _content(file, folder).decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"`{file.name}` is not UTF-8 text.") from error


def _code(name: str) -> str:
    return f"`{name}`"


@asynccontextmanager
async def private_folder() -> AsyncIterator[Path]:
    """A temporary folder that only this user can access (0700)."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="plan-")
    try:
        yield Path(folder.name)
    finally:
        await asyncio.to_thread(folder.cleanup)
