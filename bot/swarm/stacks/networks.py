"""The networks of a stack that exist already: Docker keeps them as they are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bot.domain.deploys.warnings import KeptNetwork
from bot.swarm.stacks.dry_run import RecordedCall, is_of_stack
from bot.swarm.stacks.fields import NAMESPACE

Json = dict[str, Any]

_FLAGS: Final = {"Internal": "internal", "Attachable": "attachable"}


def without_existing(
    calls: Sequence[RecordedCall], seen: Mapping[str, Json], stack: str
) -> tuple[list[RecordedCall], tuple[KeptNetwork, ...]]:
    """The calls without the creation of the stack's existing networks, and how those differ.

    The dry-run engine hides these networks from the docker CLI, which otherwise would not say what
    the file wants.
    """
    live = {raw["Name"]: raw for raw in seen.values() if is_of_stack(raw, stack)}
    existing = [call for call in calls if call.collection == "networks" and call.name in live]
    kept = (
        KeptNetwork(call.name, tuple(_differing(call.body, live[call.name]))) for call in existing
    )
    differing = tuple(network for network in kept if network.differing)
    return [call for call in calls if call not in existing], differing


def drivers_of(calls: Sequence[RecordedCall]) -> Iterator[tuple[str, str, str]]:
    """The networks that the calls create with a driver: its name, its kind and the driver."""
    for call in calls:
        if call.collection == "networks" and call.action == "create":
            named = {"Network": call.body.get("Driver")}
            named["IPAM"] = (call.body.get("IPAM") or {}).get("Driver")
            yield from ((call.name, kind, str(driver)) for kind, driver in named.items() if driver)


def _differing(wanted: Json, live: Json) -> Iterator[tuple[str, str, str]]:
    """Option, present and desired value of everything that differs."""
    if (driver := wanted.get("Driver") or "overlay") != live.get("Driver"):
        yield "driver", str(live.get("Driver", "")), driver
    for key, name in _FLAGS.items():
        if bool(wanted.get(key)) != bool(live.get(key)):
            yield name, _flag(live.get(key)), _flag(wanted.get(key))
    yield from _texts("", _options(wanted), _options(live))
    yield from _texts("label ", _labels(wanted), _labels(live))
    subnets, present = _subnets(wanted), _subnets(live)
    if subnets and subnets != present:  # without one in the file, the engine chose it
        yield "subnet", ", ".join(present), ", ".join(subnets)


def _texts(
    before: str, wanted: Mapping[str, str], live: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for key in sorted(wanted.keys() | live.keys()):
        if wanted.get(key) != live.get(key):
            yield f"{before}{key}", live.get(key, ""), wanted.get(key, "")


def _options(network: Json) -> dict[str, str]:
    """The driver's options, without those that the engine adds."""
    found = network.get("Options") or {}
    return {key: str(value) for key, value in found.items() if not key.startswith("com.docker.")}


def _labels(network: Json) -> dict[str, str]:
    found = network.get("Labels") or {}
    return {key: str(value) for key, value in found.items() if key != NAMESPACE}


def _subnets(network: Json) -> list[str]:
    configs = (network.get("IPAM") or {}).get("Config") or []
    return [str(each["Subnet"]) for each in configs if each.get("Subnet")]


def _flag(value: object) -> str:
    return "true" if value else "false"
