"""What is said of runs: a line for each, a file for those that failed, and a summary."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from playground.slack import Message
from tests.chaos.play import Played, play
from tests.chaos.recorded import Violation
from tests.chaos.schedule import Event, Fault


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one seed, as a worker sends it."""

    seed: int
    seconds: float
    violations: tuple[Violation, ...]


async def replayed(seed: int, folder: Path) -> int:
    """Run one seed and print everything; returns the exit code."""
    logging.disable()
    played = await play(seed)
    sys.stdout.write(f"{account(played)}\n{line(result_of(played))}\n")
    written(played, folder)
    return 1 if played.violations else 0


def result_of(played: Played) -> Result:
    """The short result of a run."""
    return Result(played.schedule.seed, played.seconds, played.violations)


def written(played: Played, folder: Path) -> Path:
    """Write everything about a run to a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{played.schedule.seed}.txt"
    path.write_text(account(played))
    return path


def line(result: Result) -> str:
    """One seed in a line, and a line for each violation."""
    how = f"{len(result.violations)} violations" if result.violations else "ok"
    head = f"seed {result.seed}: {how}, {result.seconds:.0f} s"
    each = (f"    {v.rule}, {v.subject}: {v.text}" for v in result.violations)
    return "\n".join([head, *each])


def summary(results: Sequence[Result], drawn: Sequence[Counter[str]]) -> str:
    """How often each fault was drawn, and which rules were violated by which seeds."""
    faults: Counter[str] = sum(drawn, Counter())
    lines = [f"{len(results)} seeds. Faults drawn:"]
    lines += [f"    {faults[fault.value]:5}  {fault.value}" for fault in Fault]
    violated: dict[str, list[int]] = {}
    for result in results:
        for rule in dict.fromkeys(each.rule for each in result.violations):
            violated.setdefault(rule, []).append(result.seed)
    failed = sum(bool(result.violations) for result in results)
    lines.append(f"{failed} seeds failed." if failed else "Every invariant held.")
    lines += [f"    {rule}: seeds {', '.join(map(str, seeds))}" for rule, seeds in violated.items()]
    return "\n".join(lines)


def account(played: Played) -> str:
    """Everything about a run, in the order of time."""
    parts = (_schedule(played), _asked(played), _updates(played), _messages(played), _logs(played))
    found = [f"{each.rule}, {each.subject}: {each.text}" for each in played.violations]
    return "\n".join(
        ["VIOLATIONS", *(found or ["none"]), *(text for part in parts for text in part), ""]
    )


def _schedule(played: Played) -> Iterator[str]:
    yield f"\nSCHEDULE of seed {played.schedule.seed}: {played.schedule.replicas} bots"
    for event in played.schedule.events:
        yield f"{_clock(played.began + event.at)} {_event(event)}"


def _event(event: Event) -> str:
    names = (
        "replica",
        "seconds",
        "silent",
        "method",
        "times",
        "after_effect",
        "channel",
        "service",
    )
    more = {name: value for name in names if (value := getattr(event, name))}
    typed = f" {event.text!r} ({event.confirmed.value})" if event.text else ""
    earlier = f" command {event.earlier}" if event.earlier else ""
    said = ", ".join(f"{name} {value}" for name, value in more.items())
    return f"[{event.number}] {event.what.value}{typed}{earlier} {said}"


def _asked(played: Played) -> Iterator[str]:
    yield "\nASKED"
    accepted = played.recorded.accepted
    for each in played.recorded.asked:
        kept = accepted.get(each.key, "not accepted")
        yield f"[{each.number}] {each.text} {each.about} of {each.user}: {kept} {each.error}"
    yield "\nJOBS in the order of their queueing"
    for job_id in played.recorded.order:
        if job := played.recorded.jobs.get(job_id):
            verdict = job.verdict.value if job.verdict else job.state.value
            yield f"{job.id} {job.text} ({', '.join(job.lanes)}): {verdict}, attempt {job.attempt}"
            for target in job.targets:
                yield f"    {target}"
    yield "\nINCIDENTS"
    yield from (
        f"{each.id} {each.service} {each.state.value} {each.count}"
        for each in played.recorded.incidents
    )


def _updates(played: Played) -> Iterator[str]:
    yield "\nWRITES"
    for each in played.recorded.updates:
        changed = {key: value for key, value in each.after.items() if value != each.before.get(key)}
        yield f"{_clock(each.at)} {each.name}: {changed}"
    yield "\nFAILURES"
    for failure in played.recorded.failures:
        yield f"{_clock(failure.at)} {failure.service} {failure.task} {failure.code}"


def _messages(played: Played) -> Iterator[str]:
    for message in (*played.recorded.messages, *played.recorded.whispers):
        yield f"\nMESSAGE {message.ts} {_place(message)}"
        for edit in message.history:
            payload = (edit.content.metadata or {}).get("event_payload", {})
            yield f"{_clock(edit.at)} {payload.get('state', '')} {edit.content.text[:300]}"


def _place(message: Message) -> str:
    thread = f" in the thread of {message.thread_ts}" if message.is_reply else ""
    only = f" for {message.only_for}" if message.only_for else ""
    gone = f" deleted {_clock(message.deleted_at)}" if message.deleted_at else ""
    return f"in {message.channel}{thread}{only}{gone} {message.payload}"


def _logs(played: Played) -> Iterator[str]:
    for name, lines in played.logs.items():
        yield f"\nLOG of {name}"
        yield from lines


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at * 1000) % 1000:03}"
