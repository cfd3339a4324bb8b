"""The stack's volumes: options, mounts, and whether their NFS servers answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.commands.names import short_name
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import OPTIONS_SHOWN, NfsServer, Volume
from bot.domain.text.message import Block, Message
from bot.views.slack.blocks import context, fits, packed, section
from bot.views.slack.text import line, plural, quoted

Answers = Mapping[tuple[str, int], Reach]
"""Results of connection attempts, by host and port."""

NAME_LENGTH = 100
OPTION_LENGTH = 120
FLAW_LENGTH = 300
MOST_MOUNTS = 12
GOOD, BAD, ODD = "🟢", "🔴", "🟡"
SAID = {
    Reach.ANSWERS: "answers on TCP {port}",
    Reach.REFUSES: "refuses connections on TCP {port}. Is the NFS server running there?",
    Reach.SILENT: "does not answer on TCP {port}. Is it up? Does a firewall block the bot?",
    Reach.UNREACHABLE: "cannot be reached from the bot's node",
    Reach.UNRESOLVED: "cannot be resolved",
}


def volumes_message(
    stack: str, volumes: Sequence[Volume], answers: Answers, node: str, trouble: str = ""
) -> Message:
    """The volumes. ``node`` is the bot's node, ``trouble`` why its engine could not be read."""
    name = line(stack, NAME_LENGTH) or "the swarm"
    if not volumes:
        text = f"The services of *{name}* mount no named volumes."
        return Message(text, (section(text),))
    wrong = sum(not _is_well(volume, answers) for volume in volumes)
    title = f"*{name}*: {plural(len(volumes), 'volume')}" + (
        f", {wrong} unhealthy" if wrong else ""
    )
    ordered = sorted(volumes, key=lambda volume: (_is_well(volume, answers), volume.name))
    texts = [_volume(stack, volume, answers) for volume in ordered]
    small = context(_small_print(volumes, node, trouble))
    return Message(title, (section(title), *_fitting(texts, small), small))


def _fitting(texts: Sequence[str], small: Block) -> list[Block]:
    shown = list(texts)
    while len(shown) > 1 and not fits([section("x" * 200), *_listed(shown, texts), small]):
        shown.pop()
    return _listed(shown, texts)


def _listed(shown: Sequence[str], texts: Sequence[str]) -> list[Block]:
    left = len(texts) - len(shown)
    return packed([*shown, *([f"and {plural(left, 'more volume')}"] if left else [])])


def _is_well(volume: Volume, answers: Answers) -> bool:
    server = volume.nfs
    usable = not volume.flaw and not volume.differing
    return usable and (server is None or _answer(server, answers) is Reach.ANSWERS)


def _answer(server: NfsServer, answers: Answers) -> Reach | None:
    return None if server.is_placeholder else answers.get((server.host, server.port))


def _volume(stack: str, volume: Volume, answers: Answers) -> str:
    broken = volume.nfs is not None or volume.flaw
    sign = GOOD if _is_well(volume, answers) else BAD if broken else ODD
    lines = [f"{sign} *{line(volume.name, NAME_LENGTH)}* · {_made_with(volume)}"]
    lines.append(f"Used by {_mounts(stack, volume)}")
    if volume.nfs is not None:
        lines.append(_server(volume.nfs, answers))
    if volume.flaw:
        lines.append(line(f"No node can use it: {volume.flaw}.", FLAW_LENGTH))
    if volume.differing:
        lines.append(_difference(volume))
    return "\n".join(lines)


def _made_with(volume: Volume) -> str:
    options = volume.options
    shown = [f"{name}={options[name]}" for name in OPTIONS_SHOWN if options.get(name)]
    shown += [f"{name}={value}" for name, value in options.items() if name not in OPTIONS_SHOWN]
    each = " ".join(quoted(text, OPTION_LENGTH) for text in shown[:6])
    kind = "cluster volume, driver" if volume.is_cluster else "driver"
    return f"{kind} {line(volume.driver, 40)} {each}".rstrip()


def _mounts(stack: str, volume: Volume) -> str:
    each = [
        f"{line(short_name(stack, mount.service), 63)} {quoted(mount.target, 80)}"
        + (" read-only" if mount.read_only else "")
        for mount in volume.mounts[:MOST_MOUNTS]
    ]
    left = len(volume.mounts) - len(each)
    return ", ".join(each) + (f" and {left} more" if left else "")


def _server(server: NfsServer, answers: Answers) -> str:
    host = quoted(server.host, 80)
    if server.is_placeholder:
        named = f"{host} is a placeholder" if server.host else "no address in the options"
        return f"NFS server: {named}. Put the server's address into the stack file (`addr=…`)."
    reach = _answer(server, answers)
    said = SAID[reach].format(port=server.port) if reach else "was not checked"
    return f"NFS server {host} {said}{'' if said.endswith('?') else '.'}"


def _difference(volume: Volume) -> str:
    old = volume.live.options if volume.live else {}
    each = [
        f"{line(name, 40)} {quoted(old.get(name, ''), 80)}"
        for name in volume.differing
        if name != "driver"
    ] or ["another driver"]
    return (
        f"⚠️ On the bot's node it still has other options ({', '.join(each[:4])}). To change them,"
        " remove the volume there."
    )


def _small_print(volumes: Sequence[Volume], node: str, trouble: str) -> str:
    if trouble:
        return f"Volume state unknown: {line(trouble, 300)}"
    own = [volume for volume in volumes if not volume.is_cluster]
    if not own:
        return "The swarm itself manages these volumes."
    there = sum(volume.live is not None for volume in own)
    where = line(node, NAME_LENGTH)
    found = f"{there} of {len(own)} exist on {where}, the bot's node."
    return f"{found} Other nodes cannot be checked."
