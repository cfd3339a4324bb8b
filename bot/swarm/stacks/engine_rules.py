"""Refuses what the engine would refuse only after parts of the plan were applied. Pure.

The rules are moby's and swarmkit's own: ``daemon/cluster/convert``, ``manager/controlapi``.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from bot.domain.commands.names import short_name
from bot.domain.errors import RefusedError
from bot.domain.swarm.constraints import is_constraint
from bot.domain.swarm.image_name import flaw_of
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.normal import publish_mode

Json = Mapping[str, Any]
Refusal = tuple[str, str]
"""What is wrong, as the end of a sentence that begins with the service, and what would be right."""

_NAME: Final = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*")
_LONGEST: Final = {"services": 63, "networks": 63, "configs": 64, "secrets": 64}
_DOTTED: Final = ("configs", "secrets")
_LOCAL_DRIVERS: Final = ("bridge", "host", "null", "none", "macvlan", "ipvlan")
_LEAST_CPUS: Final = 10**6
_LEAST_MEMORY: Final = 4 * 2**20
_LEAST_DURATION: Final = 10**6
_DURATIONS: Final = {
    "Interval": "interval",
    "Timeout": "timeout",
    "StartPeriod": "start_period",
    "StartInterval": "start_interval",
}
_TESTS: Final = ("CMD", "CMD-SHELL", "NONE")
_LONGEST_HOSTNAME: Final = 64
"""Of Linux (``__NEW_UTS_LEN``): with a longer one no container starts."""
_CONDITIONS: Final = ("none", "on-failure", "any")
_ORDERS: Final = ("stop-first", "start-first")
_ENDPOINTS: Final = ("vip", "dnsrr")
_UPDATES: Final = (
    ("UpdateConfig", "update_config", ("pause", "continue", "rollback")),
    ("RollbackConfig", "rollback_config", ("pause", "continue")),
)
_MOST_BYTES: Final = {"configs": 1000 * 1024 - 1, "secrets": 500 * 1024 - 1}
"""Of content (seen with 20.10 and 28.5)."""


def refused(calls: Iterable[RecordedCall], stack: str) -> RefusedError | None:
    """The refusal for the first call that the engine would refuse, None if it accepts all."""
    for call in calls:
        if call.action == "remove":
            continue
        found = _of_name(call, stack) or _of_network(call) or _of_content(call) or _of_service(call)
        if found:
            name = short_name(stack, call.entry or call.name)
            what = f"the {call.collection.removesuffix('s')} `{name}`"
            return RefusedError(f"In `{stack}.yml`, {what} {found[0]}.", hint=found[1])
    return None


def _of_name(call: RecordedCall, stack: str) -> Refusal | None:
    longest, name = _LONGEST[call.collection], call.name
    if len(name) > longest:
        full = f"is named `{name}` in the swarm: {len(name)} characters"
        return full, f"At most {longest} are allowed, with the stack's name."
    if "." in name and call.collection in _DOTTED:
        return None
    if call.action == "create" and not _NAME.fullmatch(name):
        dots = name.removeprefix(f"{stack}_")
        return (
            f"has a name that the swarm does not accept: `{dots}`",
            "Use letters, digits, `-` and `_`; begin and end with a letter or a digit.",
        )
    return None


def _of_network(call: RecordedCall) -> Refusal | None:
    driver = call.body.get("Driver")
    if call.collection != "networks" or driver not in _LOCAL_DRIVERS:
        return None
    return (
        f"has the driver `{driver}`, which makes a network of one machine; services cannot use it",
        (
            "Remove the line `driver:`, then it is an overlay network. For the host's own network: "
            "`external: true` and `name: host`."
        ),
    )


def _of_service(call: RecordedCall) -> Refusal | None:
    if call.collection != "services":
        return None
    found = (rule(call.body) for rule in _RULES)
    return next((each for each in found if each), None)


def _image(spec: Json) -> Refusal | None:
    image = str(_container(spec).get("Image", ""))
    if not image:
        return "has no image", "A swarm builds none: build and push it, then write `image:`."
    if flaw := flaw_of(image):
        return f"has the image `{image}`, which is not a valid name", flaw
    return None


def _constraints(spec: Json) -> Refusal | None:
    wrong = [text for text in _placement(spec).get("Constraints") or [] if not is_constraint(text)]
    if not wrong:
        return None
    return f"has a constraint that is not valid: `{wrong[0]}`", (
        "Write `node.labels.zone == eu`, with `==` or `!=`."
    )


def _ports(spec: Json) -> Refusal | None:
    endpoint = spec.get("EndpointSpec") or {}
    ports = endpoint.get("Ports") or []
    if endpoint.get("Mode") == "dnsrr" and any(publish_mode(port) == "ingress" for port in ports):
        return (
            "publishes a port with `endpoint_mode: dnsrr`, which has no ingress",
            "Publish it with `mode: host`, or remove `endpoint_mode`.",
        )
    published = Counter(_published(ports))
    twice = next((port for port, count in published.items() if count > 1), None)
    return (f"publishes port {twice} twice", "Publish each port once.") if twice else None


def _published(ports: Iterable[Json]) -> Iterator[str]:
    for port in ports:
        if port.get("PublishedPort"):
            yield f"{port['PublishedPort']}/{port.get('Protocol') or 'tcp'}"


def _mounts(spec: Json) -> Refusal | None:
    targets = Counter(str(m.get("Target", "")) for m in _container(spec).get("Mounts") or [])
    twice = next((target for target, count in targets.items() if count > 1), None)
    return (f"mounts two volumes at `{twice}`", "Give each its own path.") if twice else None


def _references(spec: Json) -> Refusal | None:
    for kind in ("Configs", "Secrets"):
        files = Counter(
            str(each["File"].get("Name"))
            for each in _container(spec).get(kind) or []
            if each.get("File")
        )
        twice = next((name for name, count in files.items() if count > 1), None)
        if twice:
            return f"has two {kind.lower()} at `{twice}`", "Give each its own `target:`."
    return None


def _resources(spec: Json) -> Refusal | None:
    resources = (spec.get("TaskTemplate") or {}).get("Resources") or {}
    for part in ("Limits", "Reservations"):
        found = resources.get(part) or {}
        cpus, memory = found.get("NanoCPUs") or 0, found.get("MemoryBytes") or 0
        name = part.lower()
        if 0 < cpus < _LEAST_CPUS:
            return f"has less than 0.001 CPU in its {name}", "Write at least `cpus: '0.001'`."
        if 0 < memory < _LEAST_MEMORY:
            return f"has less than 4 MiB of memory in its {name}", "Write at least `memory: 4M`."
    return None


def _policies(spec: Json) -> Refusal | None:
    restart = (spec.get("TaskTemplate") or {}).get("RestartPolicy") or {}
    found: list[tuple[str, str, object, tuple[str, ...]]]
    found = [("restart_policy", "condition", restart.get("Condition"), _CONDITIONS)]
    for part, name, actions in _UPDATES:
        config = spec.get(part) or {}
        found.append((name, "failure_action", config.get("FailureAction"), actions))
        found.append((name, "order", config.get("Order"), _ORDERS))
    for field, key, value, known in found:
        if value and value not in known:
            return f"has `{key}: {value}` in its `{field}`", f"Write {_either(known)}."
    mode = (spec.get("EndpointSpec") or {}).get("Mode")
    if mode and mode not in _ENDPOINTS:
        return f"has `endpoint_mode: {mode}`", f"Write {_either(_ENDPOINTS)}."
    return None


def _either(words: tuple[str, ...]) -> str:
    return " or ".join(f"`{word}`" for word in words)


def _health(spec: Json) -> Refusal | None:
    check = _container(spec).get("Healthcheck") or {}
    test = check.get("Test") or []
    if test and test[0] not in _TESTS:
        return f"has a health check whose `test` begins with `{test[0]}`", (
            f'Begin the list with {_either(_TESTS)}: `test: ["CMD", "{test[0]}"]`.'
        )
    short = [name for name in _DURATIONS if 0 < (check.get(name) or 0) < _LEAST_DURATION]
    if not short:
        return None
    name = _DURATIONS[short[0]]
    return f"has less than 1 ms as `{name}` of its health check", f"Write at least `{name}: 1ms`."


def _hostname(spec: Json) -> Refusal | None:
    name = str(_container(spec).get("Hostname") or "")
    if len(name) <= _LONGEST_HOSTNAME or "{{" in name:
        return None
    return f"has a `hostname` of {len(name)} characters", (
        f"At most {_LONGEST_HOSTNAME} are allowed."
    )


def _job(spec: Json) -> Refusal | None:
    mode = spec.get("Mode") or {}
    if not spec.get("UpdateConfig") or not mode.keys() & {"ReplicatedJob", "GlobalJob"}:
        return None
    return "is a job and has an `update_config`", "Remove it: a job is not updated."


def _of_content(call: RecordedCall) -> Refusal | None:
    if call.collection not in _MOST_BYTES or call.body.get("Driver"):
        return None
    size, most = len(base64.b64decode(call.body.get("Data") or "")), _MOST_BYTES[call.collection]
    if 0 < size <= most:
        return None
    has = "is empty" if not size else f"has {size} bytes"
    return f"{has}, which the swarm does not accept", f"It has to have 1 to {most} bytes."


def _container(spec: Json) -> Json:
    return (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}


def _placement(spec: Json) -> Json:
    return (spec.get("TaskTemplate") or {}).get("Placement") or {}


_RULES: Final[tuple[Callable[[Json], Refusal | None], ...]] = (
    _image,
    _constraints,
    _ports,
    _mounts,
    _references,
    _resources,
    _policies,
    _health,
    _hostname,
    _job,
)
