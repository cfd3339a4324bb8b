"""Parsing of the arguments of ``ps``, ``logs``, ``nodes``, ``drain``, ``activate`` and ``join``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain.commands.arguments import (
    example,
    service_name,
    service_or_stack,
    without_yes,
)
from bot.domain.commands.names import is_typed_service
from bot.domain.commands.values import (
    GREP_LINES,
    LOG_LINES,
    Activate,
    Command,
    Defaults,
    Drain,
    Join,
    ListNodes,
    ListTasks,
    ReadLogs,
    Reply,
)
from bot.domain.swarm.join_tokens import ROLES
from bot.domain.text.escaping import quoted

MOST_LINES = 5000
MOST_BACK = 30 * 24 * 3600
"""One month, in seconds."""
LONGEST_NODE_NAME = 253

LONGEST_GREP = 100
WIDE = frozenset({"--wide", "-w"})
LOG_OPTIONS = {
    "--since": "since",
    "--lines": "lines",
    "--tail": "lines",
    "-n": "lines",
    "--grep": "grep",
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(?:\d{1,8}[smhd])+")
_NODE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


def tasks(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse nothing, one service, or one stack, and ``--wide`` in any position."""
    names, wide = _without_wide(words)
    if len(names) > 1:
        right = f"{example(defaults, f'ps {defaults.service}')} or {example(defaults, 'ps')}"
        return Reply("`ps` takes one service or stack, or none.", f"Try: {right}")
    if not names:
        return ListTasks(wide=wide)
    name = service_or_stack(names[0], defaults)
    return name if isinstance(name, Reply) else ListTasks(name, wide)


def _without_wide(words: Sequence[str]) -> tuple[list[str], bool]:
    rest = [word for word in words if word.lower() not in WIDE]
    return rest, len(rest) < len(words)


def logs(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse ``django`` · ``django.2 --since 10m --lines 50`` (options in any position).

    ``--grep`` takes the words up to the next option.
    """
    right = f"Try: {example(defaults, f'logs {defaults.service} --since 10m --lines 50')}"
    names: list[str] = []
    given: dict[str, str] = {}
    rest = list(words)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if not word.startswith("-"):
            names.append(f"{word}{equals}{value}")
            continue
        option = LOG_OPTIONS.get(word.lower())
        if option is None:
            return Reply(f"`logs` has no option {quoted(word)}.", right)
        if option in given:
            return Reply(f"{quoted(word)} is given twice.", right)
        given[option] = value if equals else rest.pop(0) if rest else ""
        while option == "grep" and rest and not rest[0].startswith("-"):
            given[option] += f" {rest.pop(0)}"
    if len(names) == 2 and names[1].isdecimal() and is_typed_service(names[0]):
        right = f"Try: {example(defaults, f'logs {names[0]}.{names[1]}')}"
        return Reply("`logs` takes one service, with its slot behind a dot.", right)
    if len(names) != 1:
        if "grep" in given and not names:
            right = f"Try: {example(defaults, f'logs {defaults.service} --grep WORD')}"
        return Reply("`logs` takes one service." if names else "Logs of which service?", right)
    typed, dot, place = names[0].partition(".")
    if dot and (len(place) > LONGEST_NODE_NAME or not _NODE_NAME.fullmatch(place)):
        right = f"Try: {example(defaults, f'logs {defaults.service}.1')}"
        return Reply(f"{quoted(place)} is not a slot.", right)
    name = service_name(typed, defaults)
    return name if isinstance(name, Reply) else _read_logs(name, place, given, right)


def nodes(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse nothing, ``--wide``, or one node."""
    names, wide = _without_wide(words)
    if names and wide:
        right = f"{example(defaults, 'nodes --wide')} or {example(defaults, f'nodes {names[0]}')}"
        return Reply("`--wide` is for the list of all nodes.", f"Try: {right}")
    node = _node("nodes", "Show", names, defaults) if names else None
    return node if isinstance(node, Reply) else ListNodes(node, wide)


def drain(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse one node, and ``--yes`` in any position."""
    right = f"Try: {example(defaults, 'drain NODE')} or {example(defaults, 'drain NODE --yes')}"
    found = without_yes("drain", words, right)
    if isinstance(found, Reply):
        return found
    names, yes = found
    node = _node("drain", "Drain", names, defaults)
    return node if isinstance(node, Reply) else Drain(node, yes=yes)


def activate(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse one node."""
    node = _node("activate", "Activate", words, defaults)
    return node if isinstance(node, Reply) else Activate(node)


def join(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse ``worker`` · ``manager`` · ``rotate worker`` · ``rotate manager``."""
    said = [word.lower() for word in words]
    rotate = said[:1] == ["rotate"]
    roles = said[1:] if rotate else said
    if len(roles) == 1 and roles[0] in ROLES:
        return Join(roles[0], rotate)
    named = roles[:1] if roles and roles[0] in ROLES else ROLES
    forms = [f"join rotate {role}" if rotate else f"join {role}" for role in named]
    right = " or ".join(example(defaults, form) for form in forms)
    if named is not ROLES:
        return Reply("`join` takes one role.", f"Try: {right}")
    if rotate:
        return Reply("Rotate the token of which role?", f"Try: {right}")
    asked = "Join as worker or manager?" if not words else f"{quoted(words[0])} is not a role."
    return Reply(asked, f"Try: {right}")


def _read_logs(name: str, place: str, given: dict[str, str], right: str) -> Command | Reply:
    grep = given.get("grep", "").strip()
    if "grep" in given and not grep:
        return Reply("Which word is to be found?", f"{right.partition(' --')[0]} --grep WORD`")
    if len(grep) > LONGEST_GREP:
        return Reply(f"The text after `--grep` is too long: at most {LONGEST_GREP} characters.")
    since = _span(given["since"]) if "since" in given else 0
    if since is None:
        return Reply(
            f"{quoted(given['since'])} is not a valid duration.",
            "Try: `--since 10m` (at most 30 days).",
        )
    usual = GREP_LINES if grep else LOG_LINES
    lines = _count(given["lines"]) if "lines" in given else usual
    if lines is None:
        said = quoted(given["lines"])
        return Reply(f"{said} is not a valid number of lines. Use 1 to {MOST_LINES}.", right)
    return ReadLogs(name, since, lines, place, grep)


def _span(text: str) -> int | None:
    """The seconds in ``10m`` or ``1h30m``; None for an invalid, empty or too long duration."""
    if not text.isascii() or not _SPAN.fullmatch(text.lower()):
        return None
    parts = re.findall(r"(\d+)([smhd])", text.lower())
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    return seconds if 0 < seconds <= MOST_BACK else None


def _count(text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) <= 6
    return int(text) if plain and 1 <= int(text) <= MOST_LINES else None


def _node(name: str, asked: str, words: Sequence[str], defaults: Defaults) -> str | Reply:
    listed = f"To list the nodes: {example(defaults, 'nodes')}"
    if not words:
        return Reply(f"{asked} which node?", listed)
    if len(words) > 1:
        return Reply(f"`{name}` takes one node.", listed)
    if len(words[0]) > LONGEST_NODE_NAME or not _NODE_NAME.fullmatch(words[0]):
        return Reply(f"{quoted(words[0])} is not a valid node name or id.", listed)
    return words[0]
