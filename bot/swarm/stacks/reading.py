"""Reads a stack's files and checks what the docker CLI would not report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.deploys.secret_values import SecretValues
from bot.domain.deploys.variables import unescaped_hashes, unset_variables
from bot.swarm.stacks import complaints
from bot.swarm.stacks.bundle import Contents, packed
from bot.swarm.stacks.file_contents import Entry, check_entries, entries_of
from bot.swarm.stacks.folder import StackFiles
from bot.swarm.stacks.survey import filled_in, homes
from bot.swarm.stacks.tracking import tracked

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadFiles:
    """A stack's compose file as written and with its variables; all its files; their secrets.

    ``entries`` are the configs and secrets that are named by their content.
    """

    written: Json
    document: Json
    contents: Contents
    secrets: SecretValues
    entries: frozenset[Entry]


def checked(files: StackFiles, written: Json) -> ReadFiles:
    """A stack's files with what they refer to.

    Raises:
        RefusedError: with what has to be changed in which file.
    """
    if hashes := unescaped_hashes(written):
        raise complaints.unescaped(hashes[0], files.stack)
    if missing := unset_variables(written, files.variables):
        raise complaints.unset(missing, files.stack)
    document = filled_in(written, files.variables)
    contents = packed(files, document)
    if at_home := next(homes(document), None):
        raise complaints.of_a_home(files.stack, *at_home)
    secrets = tracked(contents, written, document)
    entries = entries_of(document, files.stack)
    check_entries(document, files.stack, entries)
    return ReadFiles(written, document, contents, secrets, entries)
