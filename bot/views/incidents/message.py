"""An incident's message, from the first failure to resolved, and its reminder.

A message that is too long is rendered again with less detail. ``incidents ID`` shows it in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.commands.names import short_name
from bot.domain.incidents.events import CHANNEL_LABEL
from bot.domain.incidents.jobs import CLOCKS
from bot.domain.incidents.model import Incident, IncidentState, NamedJob
from bot.domain.swarm.causes import CauseKind, advice_on, is_unreachable, short_error
from bot.domain.text.message import Block, Message, Metadata, MetadataValue
from bot.views.incidents.buttons import buttons_of
from bot.views.slack.blocks import (
    context,
    fits,
    header,
    joined,
    packed,
    section,
)
from bot.views.slack.text import (
    Permalink,
    address,
    code_block,
    duration,
    id_link,
    line,
    link,
    mention,
    plural,
    slack_date,
    slack_time,
    unlinked,
)
from bot.views.words import CAUSES

STATES: Final = {
    IncidentState.FIRING: "🚨 Firing",
    IncidentState.ACKNOWLEDGED: "👀 Acknowledged",
    IncidentState.RESOLVED: "✅ Resolved",
}
ADVICE: Final = {
    CauseKind.EXIT_CODE: "read the last log lines; if an update caused it, roll back",
    CauseKind.OUT_OF_MEMORY: "raise the memory limit or reduce usage",
    CauseKind.UNHEALTHY: "check what the health check tests and why the service fails it",
    CauseKind.IMAGE_MISSING: "push the image, or correct its name and tag in the stack file",
    CauseKind.PULL_DENIED: "check the registry's login and its rights",
    CauseKind.PULL_FAILED: "check the registry, its login, and that the node can reach it",
    CauseKind.NETWORK_FAILED: "check the network and the engine on that node",
    CauseKind.CONFIG_FAILED: "name a file as the `target` of the config or secret",
    CauseKind.MOUNT_FAILED: "check the volume's server and path, and that the node can reach it",
    CauseKind.UNSCHEDULABLE: "change constraints or reservations, or make room on a node",
    CauseKind.START_FAILED: "correct what the engine refuses: a command that is missing or not "
    "executable, or an option in the stack file",
    CauseKind.NODE_DOWN: "check the machine and its engine; the swarm moves what it can",
    CauseKind.ENDED: "if it should end, set the restart condition `none`; otherwise check its log",
}
"""The next step for each kind of cause; the bot's own words, so not escaped."""

NAME_LENGTH: Final = 63
MOST_NAME: Final = 255
"""Maximum length of a hostname (Linux), and longer than any service name."""

MOST_TEXT: Final = 3000

_WORDS_OF_CONTRACT: Final = {
    CauseKind.START_FAILED: CauseKind.EXIT_CODE,
    CauseKind.ENDED: CauseKind.EXIT_CODE,
}


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """The level of detail: names in lists, characters of sentences and of evidence.

    ``logs`` is the number of lines of evidence, 0 for any.
    """

    names: int
    prose: int
    evidence: int
    logs: int = 0


MOST_NODES = 3
MOST_LINES, MOST_LINES_IF_RESOLVED = 12, 6
"""Lines of an alert: its headline, text and small print, and one for all buttons."""

IN_FULL: Final = (
    IncidentDetail(12, 600, 2200),
    IncidentDetail(12, 400, 1000),
    IncidentDetail(6, 250, 400),
    IncidentDetail(3, 120, 0),
)
DETAILS: Final = (
    IncidentDetail(12, 600, 2200, 5),
    IncidentDetail(12, 600, 1500, 4),
    IncidentDetail(12, 400, 1000, 3),
    *IN_FULL[2:],
)


def incident_message(
    incident: Incident,
    now: float,
    *,
    meant_for: str = "",
    where: Permalink = unlinked,
) -> Message:
    """The message of an incident at ``now`` (Unix seconds).

    ``meant_for`` is the channel in its service's label, if the bot cannot post there.
    """
    end = [context(*joined(_small_print(incident, now, meant_for))), *buttons_of(incident, now)]
    over = incident.state is IncidentState.RESOLVED
    told = _resolved if over else _told
    most = MOST_LINES_IF_RESOLVED if over else MOST_LINES
    made = [[*told(incident, detail, where), *end] for detail in DETAILS]
    short = next((each for each in made if fits(each, most)), made[-1])
    blocks = short if fits(short) else [header(headline(incident))]
    return Message(_fallback(incident), tuple(blocks), metadata(incident))


def incident_detail_message(
    incident: Incident, now: float, where: Permalink, command: str = "/orochi"
) -> Message:
    """An incident as its message shows it, without buttons, and a link to that message."""
    url = where(incident.channel, incident.message)
    above = [f"{link(url, 'Its message')}, with buttons"] if url else []
    lists = f"`{line(command, 30)} incidents` lists all"
    end = context(*above, *joined([*_small_print(incident, now, ""), lists]))
    made = ([*_told(incident, detail, where), end] for detail in IN_FULL)
    blocks = next((each for each in made if fits(each)), [header(headline(incident))])
    return Message(_fallback(incident), tuple(blocks))


def reminder_message(incident: Incident, now: float, command: str = "/orochi") -> Message:
    """The reminder for an incident that was reopened, or keeps firing without acknowledgement.

    It is shown in the incident's thread and in the channel, because edits notify nobody.
    """
    long = f"Still firing after {duration(max(now - incident.began, 0))}"
    how_so = "Firing again after it was resolved" if incident.reopened else long
    counted = "" if incident.is_node and incident.count == 1 else f", {_counted(incident)}"
    text = f"{how_so}: {_what(incident)}{counted}."
    how = "Acknowledge or silence it in the message above;"
    how = f"{how} `{line(command, 30)} incidents` lists all."
    told: dict[str, MetadataValue] = {
        "reminder_of": incident.id,
        "reminded": f"{incident.reminded or 0:.3f}",
    }
    said = f"🚨 {line(text, 600)} {how}"
    return Message(said, metadata=Metadata("swarm_reminder", told), broadcast=True)


def headline(incident: Incident) -> str:
    """The message in one line, unescaped: sign, state, what fails and how."""
    return f"{STATES[incident.state]}: {_what(incident)}"


def metadata(incident: Incident) -> Metadata:
    """The metadata for other programs: the event ``swarm_incident``.

    ``cause`` is the verdict's name if there is one, ``node_down`` for nodes, else ``exit_code``.
    """
    kind = incident.cause.kind
    return Metadata(
        "swarm_incident",
        {
            "incident_id": incident.id,
            "target": incident.service[:MOST_NAME],
            "state": incident.state.value,
            "cause": _WORDS_OF_CONTRACT.get(kind, kind).value,
            "exit_code": incident.cause.exit_code,
            "count": incident.count,
            "last_task": incident.last_task,
        },
    )


def name_of(incident: Incident) -> str:
    """The incident's subject, unescaped: the short service name, or the node."""
    if incident.is_node:
        return f"node {incident.service}"
    return short_name(incident.stack, incident.service) if incident.stack else incident.service


def _what(incident: Incident) -> str:
    if incident.cause.kind is CauseKind.NODE_DOWN:
        return f"{name_of(incident)} is down"
    return f"{name_of(incident)}: {CAUSES[incident.cause.kind]}"


def _counted(incident: Incident) -> str:
    if incident.is_node:
        return "once" if incident.count == 1 else f"{incident.count} times"
    return plural(incident.count, "failure")


def _fallback(incident: Incident) -> str:
    if incident.is_node:
        hit = _names(incident.services, 5)
        rest = f"Services affected: {hit}." if hit else "No monitored service had a task on it."
        return f"{line(headline(incident), MOST_NAME)}. {rest}"
    text = f"{headline(incident)}. {_plain_place(incident)}{_counted(incident)}"
    cause = incident.cause.text.rstrip(".")
    return line(f"{text}. {cause}." if cause else f"{text}.", MOST_TEXT)


def _plain_place(incident: Incident) -> str:
    word = "Slot" if len(incident.slots) == 1 else "Slots"
    slots = f"{word} {_names(incident.slots, 3)}" if incident.slots else ""
    node = f"last on {incident.node}" if len(incident.nodes) > 1 else f"on {incident.node}"
    place = f"{slots} {node if incident.node else ''}".strip()
    return f"{place[0].upper()}{place[1:]}, " if place else ""


def _told(incident: Incident, detail: IncidentDetail, where: Permalink) -> list[Block]:
    lines = [_where(incident, detail), *_cause(incident, detail), *_hit(incident, detail)]
    lines += [*_jobs(incident, where), _next(incident)]
    shown = packed([each for each in lines if each])
    return [header(headline(incident)), *shown, *_evidence(incident, detail)]


def _resolved(incident: Incident, detail: IncidentDetail, where: Permalink) -> list[Block]:
    """What failed, how often, and the jobs it began and ended after; the rest is over."""
    hit = _hit(incident, detail) if incident.is_node else _cause(incident, detail)[:1]
    lines = [_where(incident, detail), *hit[:1], " · ".join(_jobs(incident, where))]
    return [header(headline(incident)), *packed([each for each in lines if each])]


def _where(incident: Incident, detail: IncidentDetail) -> str:
    """What failed where, how often and since when."""
    how_often = _how_often(incident)
    if incident.is_node:  # the headline has its name
        return how_often
    parts = [f"*{line(incident.service, NAME_LENGTH)}*"]
    if incident.slots:
        word = "slot" if len(incident.slots) == 1 else "slots"
        parts.append(f"{word} {_names(incident.slots, detail.names)}")
    if incident.nodes:
        parts.append(f"on {_nodes(incident)}")
    return " · ".join([*parts, how_often])


def _nodes(incident: Incident) -> str:
    """The nodes by name, or how many there are and the last one."""
    count = len(incident.nodes)
    if count <= MOST_NODES:
        return _names(incident.nodes, MOST_NODES)
    last = f", last {line(incident.node, NAME_LENGTH)}" if incident.node else ""
    return f"{count} nodes{last}"


def _cause(incident: Incident, detail: IncidentDetail) -> list[str]:
    cause = incident.cause
    text = cause.text or CAUSES[cause.kind]
    known = cause.kind is CauseKind.NODE_DOWN and text.rstrip(".").lower() == CAUSES[cause.kind]
    lines = [] if known else [f"*Cause:* {line(text.rstrip('.'), detail.prose)}"]
    said = short_error(cause.raw)
    if said and said.lower() not in text.lower():
        lines.append(f"*The engine says:* {line(said, detail.prose)}")
    return lines


def _hit(incident: Incident, detail: IncidentDetail) -> list[str]:
    """The services affected by a lost node, and those that found no other node."""
    if not incident.is_node:
        return []
    if not incident.services:
        return ["No monitored service had a task on it."]
    lines = [f"*Services affected:* {_names(incident.services, detail.names)}"]
    if incident.unplaced:
        lines.append(f"*No other node fits:* {_names(incident.unplaced, detail.names)}")
    return lines


def _how_often(incident: Incident) -> str:
    if incident.is_node and incident.count == 1:
        return f"Down since {slack_date(incident.began)}"
    last = f", last {slack_time(incident.last)}" if incident.count > 1 else ""
    return f"*{_counted(incident)}* since {slack_date(incident.began)}{last}"


def _jobs(incident: Incident, where: Permalink) -> list[str]:
    """The job that changed the service shortly before, and the one that it ended after."""
    lines, before, ended = [], incident.began_after, incident.ended_after
    if before is not None and before.at > incident.began + CLOCKS:  # it had been resolved
        lines.append(f"*Came back after:* {_named(before, where)}")
    elif before is not None:
        early = duration(max(incident.began - before.at, 0))
        lines.append(f"*Began after:* {_named(before, where)}, {early} before")
    if ended is not None and incident.state is IncidentState.RESOLVED:
        lines.append(f"*Resolved after:* {_named(ended, where)}")
    return lines


def _named(job: NamedJob, where: Permalink) -> str:
    shown = id_link(job.id, address(where, job))
    return f"{line(job.action, 20)} {shown} by {mention(job.user)}"


def _next(incident: Incident) -> str:
    if incident.state is IncidentState.RESOLVED:
        return ""
    if is_unreachable(incident.cause):
        return "*Next:* start the volume's server, or make it reachable from the node"
    known = advice_on(incident.cause).rstrip(".")
    return f"*Next:* {known or ADVICE[incident.cause.kind]}"


def _evidence(incident: Incident, detail: IncidentDetail) -> list[Block]:
    most = detail.logs
    block = code_block(incident.evidence, detail.evidence, most) if detail.evidence else ""
    if not block:
        return []
    title = line(incident.evidence_title.rstrip(": "), 150) or "Last log lines"
    return [section(f"*{title}:*\n{block}")]


def _small_print(incident: Incident, now: float, meant_for: str) -> list[str]:
    said = [f"Incident `{line(incident.id, 20)}`", _as_of(incident, now)]
    if incident.late:
        said.append("*Delayed:* it happened during a monitoring gap")
    if incident.reopened:
        times = "once" if incident.reopened == 1 else f"{incident.reopened} times"
        said.append(f"Came back {times} after it was resolved")
    if incident.acknowledged is not None:
        who = mention(incident.acknowledged_by)
        said.append(f"Acknowledged by {who} {slack_date(incident.acknowledged)}")
    if incident.silenced(now) and incident.silenced_until is not None:
        until = slack_date(incident.silenced_until)
        said.append(f"Silenced by {mention(incident.silenced_by)} until {until}")
    if meant_for:
        said.append(
            f"Meant for channel `{line(meant_for, 20)}`, where the bot cannot post: invite it"
            f" there, or correct the service's label `{CHANNEL_LABEL}`"
        )
    return said


def _as_of(incident: Incident, now: float) -> str:
    if incident.resolved is None:
        return f"as of {slack_time(now)}"
    took = duration(max(incident.resolved - incident.began, 0))
    why = line(incident.resolution, 200)
    return f"resolved {slack_date(incident.resolved)} after {took}" + (f": {why}" if why else "")


def _names(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(line(each, NAME_LENGTH) for each in names[:most]) + more
