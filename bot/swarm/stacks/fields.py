"""A service's spec as named text fields for people, secrets hidden. Pure.

Every part of the spec except the name is in a field. Parts without a specific reader are named by
their path in Docker's API, in plain words. So two services with equal fields have equal specs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from bot.domain.deploys.file_contents import content_of
from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.secret_values import is_common
from bot.domain.jobs.deploy_plan import Difference

Json = dict[str, Any]
Fields = dict[str, str]
_Read = Callable[[Any, Redactor], Iterator[tuple[str, str]]]

NAMESPACE: Final = "com.docker.stack.namespace"
FILE_IMAGE: Final = "com.docker.stack.image"
_IMAGES: Final = ("image", "image in the file")
_HIDDEN: Final = "hidden ("
_ALL_HIDDEN: Final = re.compile(r"hidden(?: \([0-9a-f]+\))?")
_SHORT_DIGEST: Final = 12
_MEBI: Final = 2**20
_NAMES: Final = {
    "CapabilityAdd": "added capabilities",
    "CapabilityDrop": "dropped capabilities",
    "DNSConfig.Nameservers": "DNS servers",
    "DNSConfig.Search": "DNS search domains",
    "Dir": "working directory",
    "EndpointSpec.Mode": "endpoint mode",
    "Hosts": "extra hosts",
    "LogDriver.Name": "log driver",
    "OpenStdin": "open standard input",
    "ReadOnly": "read-only file system",
    "Resources.Limits.Pids": "limit processes",
    "TTY": "terminal",
}
_BREAKS: Final = re.compile(r"[\s\"']")
_DURATIONS: Final = {
    *("Delay", "Monitor", "Window", "Interval", "Timeout", "StartPeriod", "StopGracePeriod"),
}


def fields_of(
    form: Mapping[str, Any], redactor: Redactor, entries: Mapping[str, str] = MappingProxyType({})
) -> Fields:
    """The fields of a service in the form of ``bot.swarm.stacks.normal``, by their names.

    ``entries`` are the names in the stack's file of the configs and secrets that are named by their
    content: their fields keep the same name when the content changes.
    """
    rest: Json = json.loads(json.dumps(form))
    _name_contents(rest, entries)
    rest.pop("Name", None)
    found: Fields = {}
    for path, read in _READERS:
        part = _take(rest, path)
        if part is not None:
            for field, text in read(part, redactor):
                shown = text if field in _IMAGES else redactor.text(text)
                _add(found, redactor.text(field), shown)
    for field, text in _flat(rest, "", redactor):
        _add(found, redactor.text(field), redactor.text(text))
    return found


def _name_contents(form: Json, entries: Mapping[str, str]) -> None:
    container = (form.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    for part, key in (("Configs", "ConfigName"), ("Secrets", "SecretName")):
        for at, each in enumerate(container.get(part) or ()):
            if entry := entries.get(name := each.get(key, "")):
                container[part][at] = {"content": content_of(name), **each, key: entry}


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Difference, ...]:
    """Every field of two services by name, with the image and the replicas first.

    A field that is hidden on one side is hidden on the other, too: an older or newer value of a
    secret need not be known.
    """
    first = [name for name in ("image", "replicas") if name in old or name in new]
    others = sorted((old.keys() | new.keys()) - set(first))
    return tuple(
        Difference(
            name,
            _beside(old.get(name, ""), new.get(name, "")),
            _beside(new.get(name, ""), old.get(name, "")),
        )
        for name in [*first, *others]
    )


def _beside(text: str, other: str) -> str:
    """A field's text, hidden if more of the other side is and does not have all of its words."""
    if text.count(_HIDDEN) >= other.count(_HIDDEN):
        return text
    if _ALL_HIDDEN.fullmatch(other) and text:
        return "hidden"
    more = set(re.sub(rf"{re.escape(_HIDDEN)}\w+\)", "", text).split()) - set(other.split())
    return text if all(map(is_common, more)) else "hidden"


def _add(found: Fields, field: str, text: str) -> None:
    found[field] = f"{found[field]}, {text}" if field in found else text


def _take(rest: Json, path: tuple[str, ...]) -> Any:  # noqa: ANN401 (any JSON)
    """Remove a part from ``rest`` and return it, None if it is missing."""
    *above, last = path
    part: Any = rest
    for key in above:
        part = part.get(key)
        if not isinstance(part, dict):
            return None
    return part.pop(last, None)


def _flat(part: Any, path: str, redactor: Redactor) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """The leaves of a part, sorted by name, as the order differs between file and engine."""
    if isinstance(part, dict) and part:
        for key, value in sorted(part.items()):
            yield from _flat(value, f"{path}.{key}" if path else key, redactor)
    elif path and part != {}:
        yield _readable(path), redactor.shown(path, _measured(path.rpartition(".")[2], part))


def _readable(path: str) -> str:
    """An API path in plain words.

    ``TaskTemplate.ContainerSpec.StopSignal`` becomes the stop signal.
    """
    for prefix in ("TaskTemplate.ContainerSpec.", "TaskTemplate."):
        path = path.removeprefix(prefix)
    if path in _NAMES:
        return _NAMES[path]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", path.replace(".", " ")).split()
    return " ".join(word if word.isupper() else word.lower() for word in words)


def _measured(name: str, value: object) -> str:
    """A value as text; durations, which the API has in nanoseconds, are in seconds."""
    if name in _DURATIONS and isinstance(value, int) and value % 1_000_000 == 0:
        return f"{value / 1e9:.3f}".rstrip("0").rstrip(".") + " s"
    return _text(value)


def _bytes(count: int) -> str:
    return f"{count}" if count % _MEBI else f"{count // _MEBI} MiB"


def _text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _image(value: Any, _: Redactor) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    name, at, digest = _text(value).partition("@sha256:")
    yield "image", f"{name}{at}{digest[:_SHORT_DIGEST]}"


def _platforms(value: list[Json], _: Redactor) -> Iterator[tuple[str, str]]:
    parts = ([each.get("OS", ""), each.get("Architecture", "")] for each in value)
    yield "platforms", ", ".join("/".join(filter(None, each)) or "any" for each in parts)


def _mode(value: Json, redactor: Redactor) -> Iterator[tuple[str, str]]:
    if "Replicated" in value:
        yield "replicas", str(value["Replicated"]["Replicas"])
        yield "mode", "replicated"
    elif "Global" in value:
        yield "mode", "global"
    else:
        yield from _flat(value, "mode", redactor)


def _environment(value: list[str], redactor: Redactor) -> Iterator[tuple[str, str]]:
    for entry in value:
        key, sign, text = entry.partition("=")
        shown = redactor.shown(key, text) or '""'
        yield f"environment {key}", shown if sign else "not set"


def _mounts(value: list[Json], redactor: Redactor) -> Iterator[tuple[str, str]]:
    for mount in value:
        rest = dict(mount)
        target, kind, source = rest.pop("Target", ""), rest.pop("Type", ""), rest.pop("Source", "")
        words = [f"{kind} {source}".strip(), *_mount_words(rest)]
        for part in _mount_options(rest):
            words += [f"{name} {text}" for name, text in _flat(part, "", redactor)]
        yield f"mount {target}", ", ".join(words)


def _mount_words(mount: Json) -> Iterator[str]:
    """The mount's properties with their own wording or unit; they are removed from ``mount``."""
    if mount.get("ReadOnly") is True:
        del mount["ReadOnly"]
        yield "read-only"
    if _take(mount, ("VolumeOptions", "NoCopy")) is True:
        yield "no copy of the image's files"
    if size := _take(mount, ("TmpfsOptions", "SizeBytes")):
        yield f"size {_bytes(size)}"
    if isinstance(mode := _take(mount, ("TmpfsOptions", "Mode")), int):
        yield f"mode {mode:04o}"


def _mount_options(mount: Json) -> tuple[Json, ...]:
    """The other properties of a mount, by their names in a stack's file."""
    rest = dict(mount)
    volume = dict(rest.pop("VolumeOptions", None) or {})
    driver = dict(volume.pop("DriverConfig", None) or {})
    labels = dict(volume.pop("Labels", None) or {})
    labels.pop(NAMESPACE, None)
    name, options = {"driver": driver.pop("Name", {})}, driver.pop("Options", None) or {}
    bind, tmpfs = (rest.pop(f"{kind}Options", None) or {} for kind in ("Bind", "Tmpfs"))
    told = {f"label {key}": text for key, text in labels.items()}
    return (name, options, driver, told, volume, bind, tmpfs, rest)


def _ports(value: list[Json], redactor: Redactor) -> Iterator[tuple[str, str]]:
    for port in value:
        rest = dict(port)
        target, protocol = rest.pop("TargetPort", "?"), rest.pop("Protocol", "")
        words = [f"published as {rest.pop('PublishedPort', 'any')}", rest.pop("PublishMode", "")]
        words += [f"{name} {text}" for name, text in _flat(rest, "", redactor)]
        yield f"port {target}/{protocol}", " ".join(words)


def _resources(name: str) -> _Read:
    def read(value: Json, redactor: Redactor) -> Iterator[tuple[str, str]]:
        rest = dict(value)
        if cpus := rest.pop("NanoCPUs", 0):
            yield f"{name} CPUs", f"{cpus / 1e9:.9f}".rstrip("0").rstrip(".")
        if memory := rest.pop("MemoryBytes", 0):
            yield f"{name} memory", _bytes(memory)
        yield from _flat(rest, name, redactor)

    return read


def _list(name: str) -> _Read:
    def read(value: list[Any], redactor: Redactor) -> Iterator[tuple[str, str]]:
        yield name, ", ".join(redactor.shown(name, _text(each)) for each in value)

    return read


def _command(name: str) -> _Read:
    def read(value: list[str], redactor: Redactor) -> Iterator[tuple[str, str]]:
        yield name, redactor.words(map(_word, value))

    return read


def _word(word: str) -> str:
    """An argument as one writes it in a shell, so that its end can be seen."""
    if word and not _BREAKS.search(word):
        return word
    return json.dumps(word, ensure_ascii=False) if '"' in word else f'"{word}"'


def _networks(value: list[Json], redactor: Redactor) -> Iterator[tuple[str, str]]:
    for network in value:
        rest = dict(network)
        name, aliases = rest.pop("Target", ""), rest.pop("Aliases", [])
        words = [f"as {', '.join(aliases)}"] if aliases else ["joined"]
        words += [f"{part} {text}" for part, text in _flat(rest, "", redactor)]
        yield f"network {name}", ", ".join(words)


def _references(kind: str) -> _Read:
    def read(value: list[Json], _: Redactor) -> Iterator[tuple[str, str]]:
        for each in value:
            rest = dict(each)
            name = rest.pop(f"{kind.title()}Name", "")
            words = [f"{part.rpartition('.')[2]} {text}" for part, text in _plain(rest)]
            yield f"{kind} {name}", ", ".join(words) or "used"

    return read


def _plain(part: Json, path: str = "") -> Iterator[tuple[str, str]]:
    """The mount properties of a config or a secret; these are not secret."""
    for key, value in part.items():
        if isinstance(value, dict):
            yield from _plain(value, f"{path}{key}.")
        else:
            text = f"{value:04o}" if key == "Mode" and isinstance(value, int) else _text(value)
            yield f"{path}{key}", text


def _labels(name: str) -> _Read:
    def read(value: dict[str, str], redactor: Redactor) -> Iterator[tuple[str, str]]:
        for key, text in value.items():
            if key == FILE_IMAGE:
                yield "image in the file", text
            elif key != NAMESPACE:
                yield f"{name} {key}", redactor.shown(key, text) or '""'

    return read


def _options(name: str) -> _Read:
    """Options by keys that may contain dots."""

    def read(value: dict[str, Any], redactor: Redactor) -> Iterator[tuple[str, str]]:
        for key, text in sorted(value.items()):
            yield f"{name} {key}", redactor.shown(key, _text(text)) or '""'

    return read


def _ulimits(value: list[Json], _: Redactor) -> Iterator[tuple[str, str]]:
    for each in value:
        rest = dict(each)
        name, soft, hard = rest.pop("Name", ""), rest.pop("Soft", 0), rest.pop("Hard", 0)
        words = [f"soft {soft}, hard {hard}", *(f"{key} {_text(v)}" for key, v in rest.items())]
        yield f"ulimit {name}", ", ".join(words)


def _generic(value: list[Json], redactor: Redactor) -> Iterator[tuple[str, str]]:
    for each in value:
        rest = dict(each.get("DiscreteResourceSpec") or {})
        if set(each) != {"DiscreteResourceSpec"} or not rest:
            yield "reserved resources", _text(each)
            continue
        yield f"reserved {rest.pop('Kind', '')}", str(rest.pop("Value", 0))
        yield from _flat(rest, "reserved resource", redactor)


def _spreads(value: list[Json], _: Redactor) -> Iterator[tuple[str, str]]:
    found = ((each.get("Spread") or {}).get("SpreadDescriptor", "") for each in value)
    plain = [{"Spread": {"SpreadDescriptor": text}} for text in found]
    words = [str(each["Spread"]["SpreadDescriptor"]) for each in plain]
    yield "placement preferences", f"spread {', '.join(words)}" if plain == value else _text(value)


def _policy(name: str) -> _Read:
    def read(value: Json, redactor: Redactor) -> Iterator[tuple[str, str]]:
        for field, text in _flat(value, "", redactor):
            yield f"{name} {field}", text

    return read


def _health(value: Json, redactor: Redactor) -> Iterator[tuple[str, str]]:
    rest = dict(value)
    yield "health check", redactor.words(map(_word, rest.pop("Test", None) or []))
    for field, text in _flat(rest, "", redactor):
        yield f"health check {field}", text


_CONTAINER: Final = ("TaskTemplate", "ContainerSpec")
_READERS: Final[tuple[tuple[tuple[str, ...], _Read], ...]] = (
    ((*_CONTAINER, "Image"), _image),
    (("Mode",), _mode),
    ((*_CONTAINER, "Env"), _environment),
    ((*_CONTAINER, "Mounts"), _mounts),
    (("EndpointSpec", "Ports"), _ports),
    (("TaskTemplate", "Resources", "Reservations", "GenericResources"), _generic),
    (("TaskTemplate", "Resources", "Limits"), _resources("limit")),
    (("TaskTemplate", "Resources", "Reservations"), _resources("reservation")),
    (("TaskTemplate", "Placement", "Platforms"), _platforms),
    (("TaskTemplate", "Placement", "Constraints"), _list("constraints")),
    (("TaskTemplate", "Placement", "Preferences"), _spreads),
    ((*_CONTAINER, "Sysctls"), _options("sysctl")),
    ((*_CONTAINER, "Ulimits"), _ulimits),
    (("TaskTemplate", "LogDriver", "Options"), _options("log option")),
    (
        ("TaskTemplate", "Placement", "MaxReplicas"),
        lambda value, _: iter([("most per node", str(value))]),
    ),
    ((*_CONTAINER, "Command"), _command("entrypoint")),
    ((*_CONTAINER, "Args"), _command("command")),
    (("TaskTemplate", "Networks"), _networks),
    ((*_CONTAINER, "Configs"), _references("config")),
    ((*_CONTAINER, "Secrets"), _references("secret")),
    ((*_CONTAINER, "Healthcheck"), _health),
    ((*_CONTAINER, "Labels"), _labels("container label")),
    (("Labels",), _labels("label")),
    (("UpdateConfig",), _policy("update")),
    (("RollbackConfig",), _policy("rollback")),
    (("TaskTemplate", "RestartPolicy"), _policy("restart")),
)
