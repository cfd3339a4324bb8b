"""Keys and forms of compose files that stacks do not have, and what to write in their place."""

from __future__ import annotations

import re
from typing import Final

RESOLVE: Final = (
    "First let Compose resolve it: `docker compose config --no-interpolate`. In its output, write "
    "`depends_on` as a list and remove `name:`."
)
_RESOURCES: Final = "Set it under `deploy: resources:`."
_LIMITS: Final = {
    "mem_limit": "Set `deploy: resources: limits: memory:`.",
    "memswap_limit": "A stack cannot limit swap. Remove it.",
    "cpus": "Set `deploy: resources: limits: cpus:`.",
    "cpu_quota": _RESOURCES,
    "cpu_shares": _RESOURCES,
    "cpuset": _RESOURCES,
    "mem_reservation": "Set `deploy: resources: reservations: memory:`.",
    "pids_limit": "Set `deploy: resources: limits: pids:`.",
}
_WITHOUT_MEANING: Final = (
    *("annotations", "attach", "blkio_config", "cgroup", "cpu_count", "cpu_percent", "cpu_period"),
    *("cpu_rt_period", "cpu_rt_runtime", "develop", "device_cgroup_rules", "group_add"),
    *("label_file", "mem_swappiness", "models", "oom_kill_disable", "post_start", "pre_stop"),
    *("provider", "runtime", "storage_opt", "use_api_socket", "uts", "create_host_path"),
    *("link_local_ips", "priority", "gw_priority", "interface_name", "app_protocol"),
    *("enable_ipv4", "enable_ipv6", "volume_driver"),
)
KEYS: Final[dict[str, str]] = {
    "profiles": "A swarm has no profiles. Put these services into a stack file of their own.",
    "extends": RESOLVE,
    "include": RESOLVE,
    "content": "Put the text into a file next to the stack's file and write `file:`.",
    "environment": "Put the value into a file next to the stack's file and write `file:`.",
    "scale": "Set `deploy: replicas:`.",
    "platform": "Set a constraint: `deploy: placement: constraints: [node.platform.arch == …]`.",
    "pull_policy": "Remove it: each node pulls an image that it does not have.",
    "gpus": "Set `deploy: resources: reservations: generic_resources:`.",
    "devices": "Set `generic_resources:` instead; the nodes must offer them.",
    "host_ip": "Remove it: a swarm publishes ports on all addresses of a node.",
    "volumes_from": "Name the volumes under `volumes:` of each service.",
    "dns_opt": "A stack has only `dns:` and `dns_search:`. Remove it.",
    **_LIMITS,
    **dict.fromkeys(_WITHOUT_MEANING, "It has no meaning in a swarm. Remove it."),
}
"""The next step for each key that Compose has and a stack has not (compose-spec, schema 3.13)."""

NEW_KEYS: Final[dict[str, str]] = {
    "oom_score_adj": "27.0",
    "start_interval": "25.0",
    "cap_add": "20.10",
    "cap_drop": "20.10",
    "ulimits": "20.10",
    "pids": "20.10",
    "max_replicas_per_node": "19.03",
}
"""Keys that a stack may have, by the docker CLI that first knew them (its schemas 3.8 to 3.13)."""

_FORMS: Final[tuple[tuple[str, str], ...]] = (
    (r"depends_on$", "Write the short form: `depends_on: [db]`."),
    (r"(command|entrypoint)$", "Remove the line if it is empty (`null`)."),
    (r"env_file", "Write the short form: `env_file: [web.env]`."),
    (r"(cpus|memory)$", "Put it in quotes: `cpus: '0.5'`."),
    (r"environment", "Put it in quotes: `'true'`."),
    (r"ports", "Write `target: 80` and `published: 8080` as numbers, or the short form."),
    (r"(interval|period|timeout|delay|monitor|window)$", "Write a unit: `5s`."),
)


def form(place: str) -> str:
    """The next step for a value of the wrong type, "" if the type says it all."""
    return next((hint for pattern, hint in _FORMS if re.search(pattern, place)), "")
