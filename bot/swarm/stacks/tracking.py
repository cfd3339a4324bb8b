"""Finds the secret values of a stack's files, and the CLI's words without them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.secret_values import SecretValues, secret_values
from bot.swarm.stacks.bundle import Contents, env_files, secret_files
from bot.swarm.stacks.compose import read_compose
from bot.swarm.stacks.survey import filled_in

_STAND_IN: Final = "orochihidden{}x"
_QUOTED: Final = re.compile(r"([\"'`])(?P<quoted>[^\"'`\n]{4,})\1")


def tracked(
    contents: Contents,
    written: Mapping[str, Any] | None = None,
    document: Mapping[str, Any] | None = None,
) -> SecretValues:
    """The secret values of some contents.

    ``written`` is the compose file as it is written, ``document`` the same with its variables
    substituted; without them the file is read again.
    """
    if written is None or document is None:
        written = read_compose(contents.text)
        document = filled_in(written, contents.variables)
    environments = {
        name: value
        for path in env_files(document)
        for name, value in _assignments(contents.file(path))
    }
    texts = (contents.file(path) for path in secret_files(document))
    return secret_values(written, contents.variables, environments=environments, contents=texts)


def stand_ins(variables: Mapping[str, str], secrets: SecretValues) -> dict[str, str]:
    """The variables with another text in the place of each secret value."""
    names = sorted(secrets.names)
    return {**variables, **{name: _STAND_IN.format(at) for at, name in enumerate(names)}}


def without_values(
    said: str,
    stood_in: str,
    variables: Mapping[str, str],
    secrets: SecretValues,
    redactor: Redactor,
) -> str | None:
    """What the CLI said with stand-ins, each shown as the hidden value that it stands for.

    None if it said something else than with the values.
    """
    hidden = {
        _STAND_IN.format(at): redactor.hidden(variables[name])
        for at, name in enumerate(sorted(secrets.names))
    }
    pieces = re.split(f"({'|'.join(map(re.escape, hidden))})", stood_in) if hidden else [stood_in]
    form = "".join(".*?" if piece in hidden else re.escape(piece) for piece in pieces)
    if re.fullmatch(form, said, re.DOTALL) is None:
        return None
    return "".join(hidden.get(piece, piece) for piece in pieces)


def without_parts(
    said: str, variables: Mapping[str, str], secrets: SecretValues, redactor: Redactor
) -> str:
    """The CLI's words without secret values, and without what it quotes of one.

    It may quote the beginning of a value only, as in ``parsing "12ab": invalid syntax``.
    """
    values = [variables[name] for name in secrets.names]

    def shown(found: re.Match[str]) -> str:
        part = found["quoted"]
        hidden = any(part in value for value in values)
        return found[0].replace(part, redactor.hidden(part)) if hidden else found[0]

    return _QUOTED.sub(shown, redactor.text(said))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, sign, value = line.strip().partition("=")
        if sign and not name.startswith("#"):
            yield name.removeprefix("export ").strip(), value
