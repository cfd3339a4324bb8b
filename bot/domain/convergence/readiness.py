"""Decides whether running tasks are also ready, based on the service's probe.

A service without a probe is ready as soon as its tasks run. Workers of a Dask scheduler are
identified by their addresses: a task is registered if a worker has registered from one of the
task's addresses on its networks (for a task on the host's network: from its node's address). So
workers of other services, and workers that the scheduler has not dropped yet, are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.convergence.probe_spec import (
    LABEL,
    HttpStatus,
    InvalidProbeSpec,
    ProbeKind,
    ProbeSpec,
    Reading,
    Unlike,
    Unreached,
    Workers,
    probe_of,
)
from bot.domain.swarm.model import Look, Node, Service, Task
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.slots import Census, place_of, runs_to_completion

_SHOWN: Final = 5
_OTHER_ADDRESSES: Final = (
    "If those are this service's workers, start them without `--contact-address`: the bot looks "
    "for each task by its own address."
)
_ATTACH: Final = "Attach the bot to a network of {host} (networks in its stack file)."


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the probe says at one look.

    ``words`` is a clause for the progress display. ``lack`` is a clause for a verdict that says
    what is missing, "" if nothing is. ``advice`` is the next step if the bot itself is the
    obstacle. ``probed`` says whether there is a probe, ``wrong`` that its label cannot be parsed:
    then ``ready`` is False.
    """

    ready: bool = True
    words: str = ""
    lack: str = ""
    advice: str = ""
    probed: bool = False
    wrong: bool = False


UNPROBED: Final = Readiness()
"""The readiness of a service without a probe, or when readiness does not matter."""


def question(look: Look, census: Census) -> ProbeSpec | None:
    """The probe to ask about the tasks that run at this look; None if there is nothing to ask."""
    service = look.service
    probe = _probe(service, census) if service is not None else None
    return probe if isinstance(probe, ProbeSpec) and census.running else None


def judge(look: Look, service: Service, census: Census, reading: Reading | None) -> Readiness:
    """The readiness of a service. ``reading`` is this look's probe result, None without one."""
    probe = _probe(service, census)
    if probe is None:
        return UNPROBED
    if isinstance(probe, InvalidProbeSpec):
        text = f"readiness is unknown: {probe.sentence}"
        advice = f"Correct the label `{LABEL}` and deploy again."
        return Readiness(ready=False, words=text, lack=text, advice=advice, probed=True, wrong=True)
    match reading:
        case Workers():
            return _registered(look, service, census, probe, reading)
        case HttpStatus() if 200 <= reading.code < 300:
            return Readiness(words=f"{probe.shown} answers {reading.code}", probed=True)
        case HttpStatus():
            text = f"{probe.shown} answers {reading.code}, expected 2xx"
            return _unready(text, text)
        case Unreached():
            return _unverified(probe, _unreached(probe, reading.reach), reading.reach)
        case Unlike():
            return _unverified(probe, _unlike(probe, reading))
    text = f"{probe.shown} has not been checked yet"
    return _unready(text, text)


def _unready(words: str, lack: str, advice: str = "") -> Readiness:
    return Readiness(ready=False, words=words, lack=lack, advice=advice, probed=True)


def _probe(service: Service, census: Census) -> ProbeSpec | InvalidProbeSpec | None:
    if census.wanted == 0 or runs_to_completion(service):
        return None
    return probe_of(service)


def _registered(
    look: Look, service: Service, census: Census, probe: ProbeSpec, reading: Workers
) -> Readiness:
    absent = _absent(census.running, look.nodes, reading.hosts)
    number = len(census.running)
    score = f"{number - len(absent)} of {number} registered at {probe.shown}"
    if not absent:
        return Readiness(words=score, probed=True)
    places = ", ".join(_place(look, service, task) for task in absent[:_SHOWN])
    more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
    lack = f"{score}, not registered: {places}{more}"
    ours = {each for task in census.running for each in _addresses(task, look.nodes)}
    others = sum(host not in ours for host in reading.hosts)
    if others < len(absent):
        return _unready(score, lack)
    elsewhere = f"; the scheduler knows {others} at other addresses"
    words = f"{score}{elsewhere}" if len(absent) == number else score
    return _unready(words, f"{lack}{elsewhere}", _OTHER_ADDRESSES)


def _absent(tasks: Iterable[Task], nodes: Sequence[Node], hosts: Iterable[str]) -> list[Task]:
    """The tasks from which no worker has registered.

    Tasks on one node's network share its address, so each needs its own worker there.
    """
    left = Counter(hosts)
    absent = []
    for task in tasks:
        own = _addresses(task, nodes)
        found = next((address for address in own if left[address] > 0), None)
        if found is None:
            absent.append(task)
        else:
            left[found] -= 1
    return absent


def _addresses(task: Task, nodes: Sequence[Node]) -> tuple[str, ...]:
    """A task's own addresses, or its node's if it uses the node's network."""
    return task.addresses or tuple(node.address for node in nodes if node.id == task.node_id)


def _place(look: Look, service: Service, task: Task) -> str:
    node = next((n.hostname for n in look.nodes if n.id == task.node_id), task.node_id)
    return node if service.mode.is_global else f"slot {place_of(service, task)} on {node}"


def _unverified(probe: ProbeSpec, why: str, reach: Reach = Reach.REFUSES) -> Readiness:
    """The readiness when it is unknown.

    A server that refuses connections may still be starting. If there is no route to it, the bot
    lacks a network.
    """
    what = "registration" if probe.kind is ProbeKind.DASK else "readiness"
    far = reach is not Reach.REFUSES
    advice = _ATTACH.format(host=probe.host) if far else ""
    hint = "; it must share a network with it" if far else ""
    lack = f"{what} not verified because {why}"
    return _unready(f"{what} not verified: {why}{hint}", lack, advice)


def _unlike(probe: ProbeSpec, reading: Unlike) -> str:
    what = "a Dask scheduler" if probe.kind is ProbeKind.DASK else "an HTTP server"
    return f"{probe.shown} does not answer as {what}: {reading.why}"


def _unreached(probe: ProbeSpec, reach: Reach) -> str:
    match reach:
        case Reach.UNRESOLVED:
            return f"the bot cannot resolve `{probe.host}`"
        case Reach.REFUSES:
            return f"nothing listens at {probe.shown} yet"
        case Reach.SILENT:
            return f"the bot gets no answer from {probe.shown}"
    return f"the bot cannot reach {probe.shown}"
