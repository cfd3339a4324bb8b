"""Translates the docker CLI's messages about a stack's file for people. Pure.

The CLI's messages are those of 20.10, 26.1 and 28.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from bot.domain.errors import RefusedError
from bot.domain.text.redaction import masked
from bot.swarm.stacks.compose_keys import KEYS, NEW_KEYS, form
from bot.swarm.stacks.normal import publish_mode

_Told = Callable[[re.Match[str], str], tuple[str, str]]

_LONGEST: Final = 400
_NOTHING_TO_SAY: Final = ("Since --detach=false", "In a future release, --detach")
_SECTIONS: Final = "(?:services|networks|volumes|configs|secrets)"
_LOGGED: Final = 'time="'
_ADVICE: Final = r'(?:"; you may need to escape.*)?'
_MODES: Final = {
    "Replicated": "replicated",
    "Global": "global",
    "ReplicatedJob": "a replicated job",
    "GlobalJob": "a global job",
}
_PREFIX: Final = re.compile(r"Error response from daemon: |rpc error: code = \w+ desc = ")


def refusal(said: str, stack: str, folder: str) -> RefusedError:
    """The refusal for the CLI's standard error.

    ``folder`` is the folder of the stack's file, removed from the paths in the CLI's messages.
    """
    text = _tidy(said.replace(f"{folder}/", ""))
    for pattern, tell in _TABLE:
        if found := re.search(pattern, text, re.DOTALL):
            sentence, hint = tell(found, stack)
            return RefusedError(sentence, hint=hint)
    text = masked(text)
    words = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return RefusedError(f"The docker CLI refuses `{stack}.yml`: {words.rstrip('.')}.")


def unset(names: Iterable[str], stack: str) -> RefusedError:
    """The refusal for variables that the file uses and that are not set."""
    named = [f"`{name}`" for name in names]
    verb, pronoun = ("is", "it") if len(named) == 1 else ("are", "them")
    return RefusedError(
        f"{_and(named)} {verb} not set, but `{stack}.yml` uses {pronoun}.",
        hint=f"Set {pronoun} in `{stack}.env`, or write `${{NAME:-}}` for an empty value.",
    )


def of_a_home(stack: str, service: str, path: str) -> RefusedError:
    """The refusal for a bind mount of a path in a home directory: nodes have none of a person."""
    return RefusedError(
        f"`{service}` in `{stack}.yml` mounts `{path}`, and `~` has no meaning on a node.",
        hint="Write an absolute path that every node has.",
    )


def unescaped(place: str, stack: str) -> RefusedError:
    """The refusal for a hash of a password with unescaped ``$``; only its place, not its parts."""
    return RefusedError(
        f"`{stack}.yml` has a `$` in `{place}` that is not a variable.",
        hint="It looks like the hash of a password: write `$$` for each `$`.",
    )


def unreadable(stack: str) -> RefusedError:
    """The refusal for a file that the CLI accepts but the bot cannot parse.

    The files that it refers to are unknown.
    """
    return RefusedError(
        f"The YAML of `{stack}.yml` uses tags or duplicate keys.",
        hint="Remove them: tags look like `!name`.",
    )


def port_taken(
    wanted: Iterable[tuple[str, Mapping[str, Any]]],
    services: Iterable[Mapping[str, Any]],
    removed: frozenset[str],
) -> RefusedError | None:
    """The refusal for a published port that another service has, None if all are free.

    ``wanted`` are the names and desired specs, ``services`` all present services of the swarm,
    ``removed`` the names of those that the plan removes. The rule is swarmkit's
    (``manager/allocator/cnmallocator``): a port of the ingress network belongs to one service only;
    ports in host mode are checked when the task is scheduled.
    """
    coming = dict(wanted)
    taken = {
        port: str(raw["Spec"]["Name"])
        for raw in services
        if raw["Spec"]["Name"] not in coming
        for port in _ingress_ports(raw["Spec"])
    }
    for name, spec in coming.items():
        for port in _ingress_ports(spec):
            if port in taken:
                return _taken(name, port, taken[port], removed)
            taken[port] = name
    return None


def mode_changed(
    stack: str, pairs: Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
) -> RefusedError | None:
    """The refusal for a service whose mode would change, None if all keep theirs.

    ``pairs`` are names, present specs and desired specs. The engine reports this only when the
    change is made: "service mode change is not allowed".
    """
    for name, live, coming in pairs:
        before, after = _mode(live), _mode(coming)
        if before != after:
            return RefusedError(
                f"{name} is {before} in the swarm and {after} in `{stack}.yml`: the mode of a "
                "service cannot change.",
                hint="Give it another name. Or remove it first: deploy the file without it, or "
                f"`docker service rm {name}`.",
            )
    return None


def warnings(said: str, unresolved: Collection[str] = ()) -> tuple[str, ...]:
    """The warnings of a successful run, one for each paragraph or log line of the CLI.

    Without those about the ``unresolved`` images, of which more is known.
    """
    lines = [line for line in said.splitlines() if not line.startswith(_NOTHING_TO_SAY)]
    text = "\n".join(f"{line}\n" if line.startswith(_LOGGED) else line for line in lines)
    paragraphs = re.split(r"\n\s*\n", text)
    told = (" ".join(each.split()) for each in paragraphs if each.strip())
    known = tuple(f"image {image} could not be accessed" for image in unresolved)
    return tuple(each for each in told if not each.startswith(known))


def _taken(name: str, port: tuple[int, str], holder: str, removed: frozenset[str]) -> RefusedError:
    number, protocol = port
    hint = f"Publish another port, or remove it from {holder} first."
    if holder in removed:
        hint = f"{holder} would be removed last. Remove it first, or publish another port."
    return RefusedError(
        f"{name} cannot publish port {number}/{protocol}: {holder} uses it.",
        hint=hint,
    )


def _mode(spec: Mapping[str, Any]) -> str:
    words = (_MODES.get(name, name) for name in spec.get("Mode") or {"Replicated": {}})
    return " ".join(words)


def _ingress_ports(spec: Mapping[str, Any]) -> list[tuple[int, str]]:
    ports = (spec.get("EndpointSpec") or {}).get("Ports") or []
    return [
        (port["PublishedPort"], port.get("Protocol") or "tcp")
        for port in ports
        if port.get("PublishedPort") and publish_mode(port) == "ingress"
    ]


def _tidy(said: str) -> str:
    """The error, without the warnings before it."""
    before = (*_NOTHING_TO_SAY, "Ignoring unsupported options: ", _LOGGED)
    lines = [line for line in said.splitlines() if not line.startswith(before)]
    return _PREFIX.sub("", " ".join(" ".join(lines).split()))


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _unknown_key(found: re.Match[str], stack: str) -> tuple[str, str]:
    place, key = found["place"], found["key"]
    where = "at the top level" if place == "(root)" else f"in `{place}`"
    if (place, key) == ("(root)", "name"):
        hint = f"Remove it: the stack is named after its file, {stack}."
        return f"`{stack}.yml` has a key that stacks do not have {where}: `name`.", hint
    if key in NEW_KEYS:
        return (
            f"`{stack}.yml` has the key `{key}` {where}, for which the docker CLI is too old.",
            f"It needs version {NEW_KEYS[key]} or newer where the bot runs.",
        )
    if place in {"services", "networks", "volumes", "configs", "secrets"}:
        return (
            f"`{stack}.yml` has a name under `{place}` that is not valid: `{found['rest']}`.",
            "Use letters, digits, `.`, `-` and `_`.",
        )
    if key in KEYS:
        return f"`{stack}.yml` has a key that stacks do not have {where}: `{key}`.", KEYS[key]
    return f"`{stack}.yml` has an unknown key {where}: `{key}`.", "Correct its name, or remove it."


def _unsupported(found: re.Match[str], stack: str) -> tuple[str, str]:
    """The sentence for Compose's options that the CLI refuses by name."""
    keys = re.findall(r"(\w+): (?:[A-Z])", found["rest"])
    named = _and([f"`{key}`" for key in keys])
    hints = dict.fromkeys(KEYS.get(key, "") for key in keys)
    return f"`{stack}.yml` has keys that stacks do not have: {named}.", " ".join(
        filter(None, hints)
    )


def _form(found: re.Match[str], stack: str) -> tuple[str, str]:
    place, what = found["place"], found["what"].replace("a integer", "an integer")
    return f"In `{stack}.yml`, `{place}` must be {what.rstrip('.')}.", form(place)


def _no_image(found: re.Match[str], stack: str) -> tuple[str, str]:
    return (
        f"The service `{found['service']}` in `{stack}.yml` has no image.",
        "A swarm builds none: build and push it, then write `image:`.",
    )


def _bad_image(found: re.Match[str], stack: str) -> tuple[str, str]:
    what = found["what"].rstrip(".")
    return (
        f"The image of the service `{found['service']}` in `{stack}.yml` is not valid: {what}.",
        "Image names are lower case: `registry/name:tag`.",
    )


def _twice(found: re.Match[str], stack: str) -> tuple[str, str]:
    return f"In `{stack}.yml`, `{found['place']}` lists an entry twice.", "Remove one of them."


def _other_client(_: re.Match[str], __: str) -> tuple[str, str]:
    return (
        "The docker CLI where the bot runs and the engine have no common API version.",
        "Update the older one; nothing in the stack's file is wrong.",
    )


def _old_version(_: re.Match[str], stack: str) -> tuple[str, str]:
    return (
        f"`{stack}.yml` has no version that the docker CLI accepts.",
        'Start it with `version: "3.8"`.',
    )


def _required(found: re.Match[str], stack: str) -> tuple[str, str]:
    reason = found["reason"].strip().rstrip(".?!")
    if reason.rfind("${") > reason.rfind("}"):  # the CLI ends the text at the first brace
        reason += "}"
    return (
        f"The variable `{found['name']}` is not set{f': {reason}' if reason else ''}.",
        f"Set it in `{stack}.env`.",
    )


def _no_variable(found: re.Match[str], stack: str) -> tuple[str, str]:
    """The sentence for an invalid variable: only its place, as the value may be a secret."""
    place = found["place"].removesuffix(".[]")
    return (
        f"`{stack}.yml` has a `$` in `{place}` that is not a variable.",
        "Write `$$` for a literal `$`.",
    )


def _alternative(found: re.Match[str], stack: str) -> tuple[str, str]:
    """The sentence for a value that is used only if a variable is set, as shells know it."""
    name = found["name"]
    return (
        (
            f"`{stack}.yml` uses `${{{name}:+…}}` in `{found['place'].removesuffix('.[]')}`, and "
            "the docker CLI does not know `:+`."
        ),
        (
            f"Set the whole value as a variable in `{stack}.env`. Stacks know "
            f"`${{{name}:-default}}` and `${{{name}:?message}}`."
        ),
    )


def _env_file(found: re.Match[str], stack: str) -> tuple[str, str]:
    """The sentence for an invalid line; does not quote it, as it may be part of a secret."""
    named = f"The file `{found['file']}`" if found["file"] else "A variables file"
    return f"{named} in `{stack}.yml` has a line that is not KEY=VALUE.", ""


def _network(found: re.Match[str], stack: str) -> tuple[str, str]:
    name = found["name"]
    return (
        f"`{stack}.yml` needs the network `{name}`, which is not in the swarm.",
        f"Create it: `docker network create --driver overlay {name}`.",
    )


def _network_scope(found: re.Match[str], stack: str) -> tuple[str, str]:
    name = found["name"]
    return (
        f"The network `{name}` in `{stack}.yml` is local to one machine, not a swarm network.",
        "Create one with the driver overlay and another name.",
    )


def _missing(found: re.Match[str], stack: str) -> tuple[str, str]:
    kind, name = found["kind"], found["name"]
    service = f" (service `{found['service']}`)" if found["service"] else ""
    return (
        f"`{stack}.yml` needs the {kind} `{name}`{service}, which is not in the swarm.",
        f"Create it: `docker {kind} create {name} FILE`.",
    )


def _immutable(found: re.Match[str], stack: str) -> tuple[str, str]:
    kind, name = found["kind"], found["name"]
    return (
        f"The {kind} `{name}` is in the swarm with different content, which cannot be changed.",
        f"Change its `name:` in `{stack}.yml`, or remove that: then its name has its content.",
    )


def _no_file(found: re.Match[str], stack: str) -> tuple[str, str]:
    return (
        f"The file `{found['file']}` in `{stack}.yml` does not exist.",
        f"Put it next to `{stack}.yml`; paths are relative to it.",
    )


def _undefined(found: re.Match[str], stack: str) -> tuple[str, str]:
    kind, name = found["kind"], found["name"]
    return (
        f"`{stack}.yml` uses the {kind} `{name}` without defining it.",
        f"Add it under `{kind}s:`.",
    )


def _yaml(found: re.Match[str], stack: str) -> tuple[str, str]:
    return f"`{stack}.yml` is not valid YAML: {found['what'].rstrip('.')}.", ""


_TABLE: Final[tuple[tuple[str, _Told], ...]] = (
    (r"client version \S+ is too (?:old|new)", _other_client),
    (r"unsupported options: (?P<rest>.*)", _unsupported),
    (
        r"(?P<place>\S+) Additional property (?P<rest>(?P<key>\S+).*?) is not allowed",
        _unknown_key,
    ),
    (r"image reference for service (?P<service>\S+): no image specified", _no_image),
    (
        (
            r"image reference for service (?P<service>\S+): "
            r"(?:invalid reference format: )?(?P<what>.*)"
        ),
        _bad_image,
    ),
    (rf"(?P<place>{_SECTIONS}\.\S+) array items\S* must be unique", _twice),
    (rf"(?P<place>{_SECTIONS}\.\S+) must be (?P<what>.*)", _form),
    (r"unsupported Compose file version|Version in .* is unsupported", _old_version),
    (rf"required variable (?P<name>\w+) is missing a value:?(?P<reason>.*?){_ADVICE}$", _required),
    (
        r"invalid interpolation format for (?P<place>\S+): .*(?<!\$)\$\{(?P<name>\w+):?\+",
        _alternative,
    ),
    (r"invalid interpolation format for (?P<place>\S+): ", _no_variable),
    (r"invalid env file \((?P<file>[^)]+)\): (?!open |stat )", _env_file),
    (r"(?P<file>)poorly formatted environment: ", _env_file),
    (r'network "(?P<name>[^"]+)" is declared as external, but could not be found', _network),
    (r'network "(?P<name>[^"]+)" is declared as external, but it is not in', _network_scope),
    (r"(?:service (?P<service>\S+): )?(?P<kind>secret|config) not found: (?P<name>\S+)", _missing),
    (r"failed to update (?P<kind>secret|config) (?P<name>[^\s:]+): only updates to", _immutable),
    (r"(?:open|stat) (?P<file>.+): no such file or directory", _no_file),
    (r'undefined (?P<kind>network|volume|secret|config) "(?P<name>[^"]+)"', _undefined),
    (r"yaml: (?P<what>.*)", _yaml),
)
