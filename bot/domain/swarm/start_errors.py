"""Known errors of pulling an image, joining a network and mounting: what each means, what to do.

The texts are those of moby 20.10 to 29.7 with both image stores (``daemon/containerd``,
``distribution``, ``daemon/cluster/executor/container``, ``libnetwork``), containerd and runc.
Before 29.7 a task's error after any failed pull is "No such image", whatever the reason was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "image_missing",
    "pull_denied",
    "pull_failed",
    "network_failed",
    "config_failed",
    "mount_failed",
]


@dataclass(frozen=True, slots=True)
class StartError:
    """What an error means.

    ``kind`` is the value of a ``CauseKind``. ``text`` is a sentence without its full stop, "" if
    the engine's own words are shown; ``advice`` is the next step as a sentence, "" for the usual
    one of its kind.
    """

    kind: Kind
    text: str = ""
    advice: str = ""


_Row = tuple[str, Kind, str, str]

_HOST: Final = r"(?:https?://(?P<host>[^/\"\s]+)/v2|reference \"(?P<host2>[^/\"]+)/)"
_PULL: Final = re.compile(
    r"^(?:Error response from daemon: |rpc error: code = \w+ desc = |unknown: )*"
    r"(?:error from registry|error pulling|(?:Get|Head|GET|HEAD) \"https?://[^\"]+/v2/"
    r"|failed to (?:resolve reference|do request|register layer|pull|fetch|copy|extract layer"
    r"|authorize|unpack|prepare extraction|commit|read config|get stream)|failed commit on ref"
    r"|httpReadSeeker|toomanyrequests|too many requests|denied\b|unauthorized\b|authentication requ"
    r"|no basic auth|name unknown|name_unknown|manifest |no matching manifest|no match for platform"
    r"|received unexpected HTTP|unexpected status|filesystem layer verification|unexpected commit"
    r"|unexpected end of JSON|no image found|image .* cannot be used on this platform"
    r"|pull access denied|repository |errors:\s|blob |layer )",
    re.IGNORECASE,
)
_PULLS: Final[tuple[_Row, ...]] = (
    (
        r"toomanyrequests|too many requests|rate limit|\b429\b",
        "pull_failed",
        "The registry's rate limit for pulls is reached",
        "Wait, or pull with a login, which has a higher limit.",
    ),
    (
        (
            r"no matching manifest for (?P<platform>[\w/.-]+)|no match for platform"
            r"|cannot be used on this platform"
        ),
        "pull_failed",
        "The image has no variant for the node's platform{platform}",
        "Build it for that platform, or keep the service off such nodes with a constraint.",
    ),
    (
        (
            r"unauthorized|authentication required|no basic auth|authorization failed|access denied"
            r"|access to the resource is denied|^denied\b|: denied\b|insufficient_scope|\b40[13]\b"
            r"|failed to authorize|may require"
        ),
        "pull_denied",
        "The registry{host} refuses the pull: a login is missing, or it has no right to this image",
        (
            "Check the login in the bot's secret `REGISTRY_AUTH`, and its rights. "
            "Then update or deploy again."
        ),
    ),
    (
        r"http response to https client",
        "pull_failed",
        "The registry{host} speaks plain HTTP, but the node expects HTTPS",
        "Give the registry a certificate, or list it in `insecure-registries` on every node.",
    ),
    (
        r"x509:|certificate|tls: ",
        "pull_failed",
        "The node does not trust the certificate of the registry{host}",
        "Renew the certificate, or install the registry's CA on the node (`/etc/docker/certs.d/`).",
    ),
    (
        r"lookup (?P<name>[^\s:]+)|no such host|server misbehaving",
        "pull_failed",
        "The node cannot find the registry's address{name}",
        "Check DNS on the node, and the registry's name in the image.",
    ),
    (
        r"no space left on device|disk quota exceeded",
        "pull_failed",
        "The image does not fit on the node's disk",
        "Free space on the node; `docker system prune` removes what is unused.",
    ),
    (
        (
            r"\b5\d\d [A-Z]|HTTP status: ?5|internal server error|bad gateway"
            r"|service unavailable"
        ),
        "pull_failed",
        "The registry{host} failed",
        "Look at the registry's log.",
    ),
    (
        (
            r"connection refused|timed? ?out|timeout|no route to host|unreachable|connection reset"
            r"|deadline exceeded|proxyconnect|broken pipe|(?:/v2/[^\"]*\": |^)EOF|host is down"
        ),
        "pull_failed",
        "The node cannot reach the registry{host}",
        "Check that the registry runs, and that the node can reach it.",
    ),
    (
        (
            r"register layer|layer verification|unexpected commit|unexpected (?:EOF|end of JSON)"
            r"|short read|blob|extract|unpack|invalid (?:tar|checksum|digest)|failed commit"
        ),
        "pull_failed",
        "The image could not be unpacked: a layer is damaged or missing",
        "Push the image again.",
    ),
    (
        r"manifest unknown|name[ _]unknown|not found|does not exist|no image found|\b404\b",
        "image_missing",
        "",
        "",
    ),
    (r"", "pull_failed", "", ""),
)
MORE_ADDRESSES: Final = "Create the network anew with a larger subnet, or run fewer tasks in it."
_REJOIN: Final = "Restart the engine on that node, or drain it."
_NETWORKS: Final[tuple[_Row, ...]] = (
    (
        (
            r"missing network attachments|addresses may be exhausted|no available (?:IPv[46] )?addr"
            r"|could not find an available|no more free addr|address space exhausted"
        ),
        "network_failed",
        "A network of the service has no free address",
        MORE_ADDRESSES,
    ),
    (
        r"port is already allocated|address already in use",
        "network_failed",
        "{port} of the node is in use by something else",
        "Stop what uses the port on that node, or publish another one.",
    ),
    (
        r"vxlan|sandbox join failed|subnet sandbox|join failed",
        "network_failed",
        "The node cannot join an overlay network: its VXLAN interface cannot be made",
        _REJOIN,
    ),
    (
        r"gw network|docker_gwbridge",
        "network_failed",
        "The node's gateway network `docker_gwbridge` does not work",
        _REJOIN,
    ),
    (
        r"pool overlaps|invalid pool request|overlaps with",
        "network_failed",
        "A network's subnet overlaps with another one on the node",
        "Choose another subnet for the network.",
    ),
    (
        (
            r"network (?P<network>\S+) (?:not found|does not exist)|could not find network"
            r"|no such network"
        ),
        "network_failed",
        "The node does not have the network{network}",
        _REJOIN,
    ),
    (
        (
            r"container networking|external connectivity|create endpoint|network sandbox"
            r"|attach to network|\bnetwork \S+ .*fail|setting up .*network"
        ),
        "network_failed",
        "",
        _REJOIN,
    ),
)
_MOUNTS: Final[tuple[_Row, ...]] = (
    (
        r"mounts/(?:configs|secrets)/\S+ to rootfs at \"(?P<target>[^\"]+)\"",
        "config_failed",
        "A config or secret cannot be mounted at {target}: that is a directory in the image",
        "Name a file as its `target`, in that directory.",
    ),
    (
        (
            r"mounting volume|mount local volume|mount config|bind source path|bind mount source"
            r"|error mounting|network volume address|volumedriver\.|volume driver|quota size"
            r"|get volume|create volume|no such volume|not a (?:shared|slave) mount"
            r"|cannot access path \S*/volumes/|^create \S+: |/volumes/\S+/_data"
        ),
        "mount_failed",
        "",
        "",
    ),
)
_ANYWHERE: Final[tuple[_Row, ...]] = (
    (
        (
            r"no such image|manifest unknown|manifest for .* not found"
            r"|repository .*(?:not found|does not exist)"
        ),
        "image_missing",
        "",
        "",
    ),
)
_PORT: Final = re.compile(r"(?:0\.0\.0\.0|\[?::\]?):(?P<port>\d+)")


def _compiled(rows: tuple[_Row, ...]) -> tuple[tuple[re.Pattern[str], Kind, str, str], ...]:
    return tuple((re.compile(form, re.IGNORECASE), *rest) for form, *rest in rows)  # type: ignore[misc]


_OF_PULLS: Final = _compiled(_PULLS)
_OF_STARTS: Final = _compiled((*_MOUNTS, *_NETWORKS, *_ANYWHERE))


def explained(err: str) -> StartError | None:
    """What a task's error means; None if it is none of these."""
    for pattern, kind, text, advice in _OF_PULLS if _PULL.match(err) else _OF_STARTS:
        if found := pattern.search(err):
            return StartError(kind, _filled(text, found, err), advice)
    return None


def content_path(err: str) -> str:
    """The path at which a config or secret could not be mounted, "" if it is another error."""
    found = next((match for each, *_ in _OF_STARTS if (match := each.search(err))), None)
    return (found.groupdict().get("target") or "") if found else ""


def _filled(text: str, found: re.Match[str], err: str) -> str:
    parts = found.groupdict()
    host = re.search(_HOST, err)
    named = (host["host"] or host["host2"] or "") if host else ""
    port = _PORT.search(err)
    return text.format(
        platform=f", {parts['platform']}" if parts.get("platform") else "",
        host=f" {named}" if named else "",
        name=f": {parts['name']}" if parts.get("name") else "",
        network=f" {parts['network']}" if parts.get("network") else "",
        target=parts.get("target") or "",
        port=f"Port {port['port']}" if port else "A published port",
    )
