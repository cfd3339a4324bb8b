"""Everything that a stack is deployed from, stored with the deployed version.

It contains secrets, so it is stored only encrypted: with Fernet (AES-128 and a MAC) and a key that
is derived with HKDF from the adapter's own.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.version import Bundle
from bot.domain.errors import RefusedError
from bot.swarm.stacks.compose import bodies
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.folder import StackFiles

_INFO: Final = b"orochi stack bot: bundles of versions"
_MOST_BYTES: Final = 2**20
_GONE: Final = "Deploy from the stack's file instead."


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a bundle.

    ``folder`` is where the stack's file was. ``files`` are those that the compose file refers to in
    configs, secrets and environments, by their path in the folder. ``images`` are by the services'
    full names, and so are the images' ``platforms``.
    """

    stack: str
    folder: str
    text: bytes = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    images: Mapping[str, str] = field(default_factory=dict)
    platforms: Mapping[str, Any] = field(default_factory=dict)

    def file(self, path: str) -> str:
        """The text of a file that the compose file refers to, "" if it could not be read."""
        return self.files.get(os.path.normpath(path), b"").decode(errors="replace")


class Seal:
    """Encrypts and decrypts bundles. ``key`` is secret and the same for all replicas."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._redactor = Redactor(key)

    def sealed(self, contents: Contents) -> Bundle:
        """The bundle of some contents.

        The platforms are no part of the digest: they follow from the images, and bundles of older
        versions of the bot have none.
        """
        body = _as_json(contents)
        platforms = {"platforms": dict(contents.platforms)} if contents.platforms else {}
        packed = zlib.compress(json.dumps({**body, **platforms}).encode())
        return Bundle(self._redactor.digest(body), self._fernet().encrypt(packed).decode())

    def opened(self, bundle: Bundle) -> Contents:
        """The contents of a bundle. Raises RefusedError if it was encrypted with another key."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 (few commands need it)

        try:
            packed = self._fernet().decrypt(bundle.sealed.encode())
        except InvalidToken as error:
            raise RefusedError(
                "The files of that version can no longer be read: the bot token that encrypted "
                "them has changed.",
                hint=_GONE,
            ) from error
        return _from_json(json.loads(zlib.decompress(packed)))

    def _fernet(self) -> Any:  # noqa: ANN401 (imported only where it is needed)
        from cryptography.fernet import Fernet  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        made = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(self._key)
        return Fernet(base64.urlsafe_b64encode(made))


def packed(files: StackFiles, document: Mapping[str, Any]) -> Contents:
    """Everything that a stack's file refers to, read now. The CLI reports unreadable files.

    ``document`` is the file with its variables substituted. Images are not known yet. Raises
    RefusedError if a path leaves the folder, before anything is read there.
    """
    found: dict[str, bytes] = {}
    for path in _referred(document):
        name = _within(path, files)
        content = _content(files.folder / name)
        if content is not None:
            found[name] = content
    variables = dict(files.variables)
    return Contents(files.stack, str(files.folder), files.text, variables, found)


def unpacked(contents: Contents, folder: Path) -> StackFiles:
    """Write the stack's files into an empty folder of this machine."""
    for name, content in contents.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return StackFiles(contents.stack, contents.text, folder, dict(contents.variables))


def as_it_was(call: RecordedCall, contents: Contents, folder: Path) -> RecordedCall:
    """A call recorded from unpacked files, as if made from the original files.

    Services get exactly the original images, even if a tag has another meaning now. Paths that the
    CLI put under ``folder`` are moved to the folder of the stacks.
    """
    if call.collection != "services" or not call.body:
        return call
    template = call.body["TaskTemplate"]
    container = dict(template.get("ContainerSpec") or {})
    if image := contents.images.get(call.name):
        container["Image"] = image
    placement = dict(template.get("Placement") or {})
    if platforms := contents.platforms.get(call.name):
        placement["Platforms"] = platforms
    if mounts := container.get("Mounts"):
        container["Mounts"] = [_moved(mount, str(folder), contents.folder) for mount in mounts]
    shaped = {**template, "ContainerSpec": container, "Placement": placement}
    return replace(call, body={**call.body, "TaskTemplate": shaped})


def _moved(mount: Mapping[str, Any], here: str, there: str) -> Mapping[str, Any]:
    source = str(mount.get("Source", ""))
    if mount.get("Type") != "bind" or not f"{source}/".startswith(f"{here}/"):
        return mount
    return {**mount, "Source": f"{there}{source.removeprefix(here)}"}


def _referred(document: Mapping[str, Any]) -> Iterator[str]:
    """The paths of all files whose content becomes part of the stack."""
    yield from _named_files(document, "configs")
    yield from secret_files(document)
    yield from env_files(document)


def secret_files(document: Mapping[str, Any]) -> Iterator[str]:
    """The paths of the files that become docker secrets."""
    return _named_files(document, "secrets")


def _named_files(document: Mapping[str, Any], part: str) -> Iterator[str]:
    for _, body in bodies(document, part):
        if isinstance(body.get("file"), str):
            yield body["file"]


def env_files(document: Mapping[str, Any]) -> Iterator[str]:
    """The paths of the files with services' variables."""
    for _, body in bodies(document, "services"):
        named = body.get("env_file")
        for each in named if isinstance(named, list) else [named]:
            path = each.get("path") if isinstance(each, Mapping) else each
            if isinstance(path, str):
                yield path


def _within(path: str, files: StackFiles) -> str:
    """A path of the compose file, normalised. Raises RefusedError if it leaves the folder.

    Like the CLI, the returned path does not resolve links.
    """
    name = os.path.normpath(path)
    try:
        real = (files.folder / name).resolve()
    except (OSError, RuntimeError, ValueError):
        real = Path("/")
    if Path(name).is_absolute() or not real.is_relative_to(files.folder.resolve()):
        raise RefusedError(
            f"`{files.stack}.yml` names the file `{path}`, which is not in the stacks' folder.",
            hint=f"Put it next to `{files.stack}.yml` and use a path relative to it.",
        )
    if real.exists() and not real.is_file():  # reading a pipe would block forever
        raise RefusedError(
            f"`{files.stack}.yml` names the file `{path}`, which is not a regular file.",
            hint="Put a regular file there.",
        )
    return name


def _content(place: Path) -> bytes | None:
    try:
        with place.open("rb") as opened:
            return opened.read(_MOST_BYTES)
    except OSError:
        return None


def _as_json(contents: Contents) -> dict[str, Any]:
    return {
        "stack": contents.stack,
        "folder": contents.folder,
        "text": _text(contents.text),
        "variables": dict(contents.variables),
        "files": {name: _text(content) for name, content in contents.files.items()},
        "images": dict(contents.images),
    }


def _from_json(body: Mapping[str, Any]) -> Contents:
    return Contents(
        stack=body["stack"],
        folder=body["folder"],
        text=base64.b64decode(body["text"]),
        variables=body["variables"],
        files={name: base64.b64decode(text) for name, text in body["files"].items()},
        images=body["images"],
        platforms=body.get("platforms") or {},
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
