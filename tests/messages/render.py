"""A message of Slack's blocks as Markdown, as a person sees it.

A block or an element that is not known here is an error: nothing of a message is left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.domain.text.message import Block, Message
from tests.messages.sample import PEOPLE

BREAK = "\\\n"
"""A line break within a paragraph."""

_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_TOKEN = re.compile(r"`(?P<code>[^`\n]+)`|<(?P<link>[^<>]+)>")
_BOLD = re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*?\S)?)\*(?![\w*])")
_DATE = re.compile(r"!date\^(?P<at>\d+)\^(?P<form>[^|]+)\|.*")
_FORMS = {"{date_short_pretty} {time}": "%b %-d, %Y %H:%M", "{time_secs}": "%H:%M:%S"}
_KEPT = re.compile("\0(\\d+)\0")


def markdown(message: Message) -> str:
    """The message as a quotation, then its fallback text where that says something else."""
    shown = "\n\n".join(map(_block, message.blocks)) if message.blocks else _mrkdwn(message.text)
    quoted = "\n".join(f"> {line}".rstrip() for line in shown.split("\n"))
    fallback = _mrkdwn(message.text)
    if fallback in shown:
        return quoted
    return f"{quoted}\n\nNotification: {fallback}"


def _block(block: Block) -> str:
    match block["type"]:
        case "header":
            return f"### {_plain(block['text']['text'])}"
        case "section":
            return _section(block)
        case "context":
            return BREAK.join(f"<sub>{_text(each)}</sub>" for each in block["elements"])
        case "actions":
            return _elements(block["elements"])
        case "input":
            label, hint = block["label"]["text"], block["element"]["placeholder"]["text"]
            return f"**{_plain(label)}**{BREAK}[ {_plain(hint)} ]"
        case "divider":
            return "---"
        case "table":
            return _table(block)
    raise ValueError(f"a block of the type {block['type']} cannot be shown yet")


def _table(block: Block) -> str:
    heading, *rows = (
        [_plain(cell["text"]).replace("|", r"\|") for cell in row] for row in block["rows"]
    )
    marks = ["--:" if each["align"] == "right" else "---" for each in block["column_settings"]]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, marks, *rows))


def _section(block: Block) -> str:
    parts = [_text(block["text"])] if "text" in block else []
    parts += [_text(field) for field in block.get("fields", ())]
    parts += [_elements([block["accessory"]])] if "accessory" in block else []
    return "\n\n".join(parts)


def _elements(elements: Sequence[Block]) -> str:
    """The elements in a row, then what each of them asks before it does its work."""
    asked = [each for each in elements if "confirm" in each]
    return BREAK.join([" ".join(map(_element, elements)), *map(_question, asked)])


def _element(element: Block) -> str:
    if element["type"] == "button":
        label = f"[{_plain(element['text']['text'])}]"
        return f"**{label}**" if element.get("style") else label
    if element["type"].endswith("select"):
        options = " / ".join(_plain(each["text"]["text"]) for each in element.get("options", ()))
        return f"[{_plain(element['placeholder']['text'])} ▾ {options}]"
    raise ValueError(f"an element of the type {element['type']} cannot be shown yet")


def _question(element: Block) -> str:
    asked = element["confirm"]
    title, text, yes, no = (
        _plain(asked[part]["text"]) for part in ("title", "text", "confirm", "deny")
    )
    return f"<sub>{_element(element)} asks: **{title}** {text} [{yes}] [{no}]</sub>"


def _text(text: dict[str, Any]) -> str:
    return _plain(text["text"]) if text["type"] == "plain_text" else _mrkdwn(text["text"])


def _plain(text: str) -> str:
    """Text that Slack shows as it is."""
    return re.sub(r"([*`\\])", r"\\\1", html.escape(text, quote=False))


def _mrkdwn(text: str) -> str:
    """Slack's mrkdwn: code blocks stand alone, the lines between them are kept."""
    parts = _FENCE.split(text)
    shown = [
        f"```text\n{html.unescape(part)}\n```" if index % 2 else _paragraph(part.strip("\n"))
        for index, part in enumerate(parts)
    ]
    return "\n\n".join(filter(None, shown))


def _paragraph(text: str) -> str:
    return BREAK.join(_line(line) for line in text.split("\n")) if text else ""


def _line(line: str) -> str:
    """A line; code, mentions, links and dates are set aside while the rest is read."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(_code(found["code"]) if found["code"] else _link(found["link"]))
        return f"\0{len(kept) - 1}\0"

    spaces = len(line) - len(line.lstrip(" "))
    rest = _TOKEN.sub(keep, line.lstrip(" ").replace("\\", "\\\\"))
    rest = "**".join(part.replace("*", r"\*") for part in _BOLD.sub("\1\\1\1", rest).split("\1"))
    return "&emsp;" * (spaces // 4) + _KEPT.sub(lambda found: kept[int(found[1])], rest)


def _code(text: str) -> str:
    """Two backticks around what has a dot: names in one are looked up as files of the project."""
    mark = "``" if "." in text else "`"
    return f"{mark}{html.unescape(text)}{mark}"


def _link(text: str) -> str:
    if text.startswith("@"):
        return PEOPLE[text[1:]]
    if date := _DATE.fullmatch(text):
        return datetime.fromtimestamp(int(date["at"]), UTC).strftime(_FORMS[date["form"]])
    address, _, label = text.partition("|")
    return f"[{label or address}]({html.unescape(address)})"
