"""Passwords after short options in the words of a command.

``bot.domain.text.redaction`` masks what a text itself shows to be secret: ``--password x``,
``PGPASSWORD=x``, passwords in URLs, and those of clients in the form that they document. In a
command the words are known as well, so ``-p`` is judged by these rules; a shell's text (``sh -c``)
is judged in the same way, part by part.

1. A client whose ``-p`` is a password and nothing else (``mysql``, ``mariadb`` and their tools,
   ``cypher-shell``, ``7z``): the rest of the word, or the next word, unless that is an option.
2. A program that gets a user as well (``-u``, ``-U``, ``--user``, ``--username``): the next word,
   unless it is an option, has the form of ports, or is a path. Not with ``sudo`` and the like,
   whose user is not the program's.

Everything else is shown: ``mkdir -p dir``, ``-p 8080:80``, ``psql -U bob -p 5432``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.domain.text.redaction import MASK, masked

_CLIENT: Final = re.compile(r"(?:.*/)?(?:(?:mysql|mariadb)[\w-]*|cypher-shell|7z[ar]?)")
_AS_USER: Final = frozenset({"sudo", "doas", "su", "runuser", "setpriv", "gosu"})
_USER: Final = re.compile(r"-[uU].*|--user(?:name)?(?:=.*)?")
_PASSWORD: Final = re.compile(r"-p.*", re.DOTALL)
_NO_PASSWORD: Final = re.compile(r"-.*|.*/.*|\d{1,5}(?:[.:-]\d{1,5})*", re.DOTALL)
_SHELL: Final = re.compile(r"(?:.*/)?(?:ba|da|z|a|k)?sh")
_PARTS: Final = re.compile(r"([;|&\n()]+)")
_SPACES: Final = re.compile(r"(\s+)")


def without_passwords(arguments: Sequence[str]) -> tuple[str, ...]:
    """The words with ``MASK`` in place of passwords."""
    words = _masked(arguments)
    shell = any(map(_SHELL.fullmatch, words[:-1]))
    return tuple(_text(word) if shell and " " in word else word for word in words)


def shown_line(text: str) -> str:
    """A command as it was typed, for logs and answers: values that look secret are masked."""
    return masked(_text(text))


def _text(text: str) -> str:
    """A shell's text without passwords; its spaces and operators stay as they are."""
    return "".join(map(_part, _PARTS.split(text)))


def _part(text: str) -> str:
    pieces = _SPACES.split(text)
    pieces[::2] = _masked(pieces[::2])
    return "".join(pieces)


def _masked(words: Sequence[str]) -> list[str]:
    """The words of one program with its arguments."""
    masked = list(words)
    names = [word.rpartition("/")[2] for word in words]
    client = next((i for i, word in enumerate(words) if _CLIENT.fullmatch(word)), len(words))
    user = any(map(_USER.fullmatch, words)) and not _AS_USER & {*names}
    for index, word in enumerate(words):
        own = index > client
        if not _PASSWORD.fullmatch(word) or not (own or user):
            continue
        if word != "-p":
            masked[index] = f"-p{MASK}" if own else word
        elif index + 1 < len(words) and _is_password(words[index + 1], own=own):
            masked[index + 1] = MASK
    return masked


def _is_password(word: str, *, own: bool) -> bool:
    """Whether the word after ``-p`` is one; ``own`` says that the option means nothing else."""
    return bool(word) and not (word.startswith("-") if own else _NO_PASSWORD.fullmatch(word))
