"""Messages of Slack as plain text, as a person sees them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from playground.slack import Message

PEOPLE = {"U0ANN00001": "ann", "U0BOB00001": "bob"}
_TOKEN = re.compile(r"<([^<>\n]+)>")
_DATE = re.compile(r"!date\^(\d+)\^([^|]+)\|.*")
_SECRET = re.compile(r"SWMTKN-1-\S+")
_MARKED = re.compile(r"(?<![\w*_])([*_])([^*\n]+?)\1(?![\w*_])")


def transcript(typed: str, message: Message, *, most: int = 14, names: Mapping[str, str]) -> str:
    """What was typed or pressed, and the message; the middle of a long one is left out.

    ``names`` are texts of the run with what stands for them.
    """
    told = list(_lines(message))
    if len(told) > most:
        end = most // 3
        told = [*told[: most - end - 1], "…", *told[-end:]]
    text = "\n".join([typed, "", *told])
    for real, shown in names.items():
        text = _renamed(text, real, shown)
    return f"```text\n{text.rstrip()}\n```"


def _renamed(text: str, real: str, shown: str) -> str:
    """The text with another name; the columns of a table stay in place."""

    def rename(found: re.Match[str]) -> str:
        gap = found[2] or ""
        kept = max(2, len(gap) + len(real) - len(shown)) if gap else 0
        return f"{shown}{found[1]}{' ' * kept}"

    return re.sub(rf"{re.escape(real)}(\S*)( {{2,}})?", rename, text)


def _lines(message: Message) -> Iterator[str]:
    if not message.blocks:
        yield from _shown(message.text)
    for block in message.blocks:
        yield from _block(block)


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield from _shown(block["text"]["text"])
        case "section":
            for part in (block.get("text"), *block.get("fields", ())):
                yield from _shown(part["text"]) if part else ()
            if "accessory" in block:
                yield _labels([block["accessory"]])
        case "context":
            for part in block["elements"]:
                yield from _shown(part.get("text", part.get("alt_text", "")))
        case "actions":
            yield _labels(block["elements"])
        case "input":
            yield f"{block['label']['text']}: [          ]"
        case "divider":
            return
        case kind:
            raise ValueError(f"a block of the type {kind} cannot be shown yet")


def _labels(elements: Iterable[Mapping[str, Any]]) -> str:
    texts = (each.get("text", each.get("placeholder", {})).get("text", "") for each in elements)
    return " ".join(f"[{text}]" for text in texts)


def _shown(text: str) -> Iterator[str]:
    for part in text.replace("```", "\n").split("\n"):
        plain = _MARKED.sub(r"\2", _TOKEN.sub(_token, part)).replace("`", "")
        plain = _SECRET.sub("SWMTKN-1-XXXXXXXX", html.unescape(plain))
        if plain.strip():
            yield plain.rstrip()


def _token(found: re.Match[str]) -> str:
    text = found[1]
    if text.startswith("@"):
        return f"@{PEOPLE.get(text[1:], 'someone')}"
    if date := _DATE.fullmatch(text):
        at = datetime.fromtimestamp(int(date[1]), UTC)
        return at.strftime("%H:%M:%S UTC" if "secs" in date[2] else "%H:%M UTC")
    return text.rpartition("|")[2]
