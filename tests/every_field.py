"""A stack that uses every field of the compose reference 3.13 which a swarm knows.

``CHANGES`` has another value for each field, and the words in which a plan tells that change.
"""

from __future__ import annotations

import copy
from typing import Any, Final

import yaml

Json = dict[str, Any]

FILES: Final = {"settings.txt": "LEVEL=info\n", "password.txt": "sesame\n"}
_UPDATE: Final = {
    "parallelism": 2,
    "delay": "1s",
    "failure_action": "pause",
    "monitor": "2s",
    "max_failure_ratio": 0.25,
    "order": "start-first",
}
STACK: Final[Json] = {
    "version": "3.13",
    "services": {
        "full": {
            "image": "lab/busy:1",
            "entrypoint": ["/bin/sh", "-c"],
            "command": ["exec /bin/serve"],
            "cap_add": ["NET_BIND_SERVICE"],
            "cap_drop": ["ALL"],
            "configs": [
                {"source": "site", "target": "/site", "uid": "1", "gid": "2", "mode": 0o440}
            ],
            "secrets": [{"source": "pass", "target": "pw", "uid": "1", "gid": "2", "mode": 0o400}],
            "credential_spec": {"registry": "one"},
            "dns": ["9.9.9.9"],
            "dns_search": ["example.org"],
            "env_file": ["settings.txt"],
            "environment": {"COLOUR": "red"},
            "extra_hosts": ["db:10.0.0.1"],
            "healthcheck": {
                "test": ["CMD", "true"],
                "interval": "5s",
                "timeout": "1s",
                "retries": 2,
                "start_period": "3s",
                "start_interval": "1s",
            },
            "hostname": "one",
            "init": True,
            "isolation": "default",
            "labels": {"inside": "1"},
            "logging": {"driver": "json-file", "options": {"max-size": "1m"}},
            "networks": {"front": {"aliases": ["www"], "driver_opts": {"a": "1"}}},
            "ports": [{"target": 80, "published": 18080, "protocol": "tcp", "mode": "host"}],
            "read_only": True,
            "stdin_open": True,
            "tty": True,
            "stop_grace_period": "3s",
            "stop_signal": "SIGINT",
            "sysctls": {"net.core.somaxconn": "1024"},
            "ulimits": {"nofile": {"soft": 100, "hard": 200}},
            "oom_score_adj": 100,
            "user": "1000:1000",
            "working_dir": "/tmp",
            "volumes": [
                {
                    "type": "volume",
                    "source": "data",
                    "target": "/data",
                    "read_only": True,
                    "volume": {"nocopy": True, "subpath": "sub"},
                },
                {
                    "type": "bind",
                    "source": "/tmp",
                    "target": "/host",
                    "consistency": "cached",
                    "bind": {"propagation": "rslave"},
                },
                {"type": "tmpfs", "target": "/scratch", "tmpfs": {"size": 1048576}},
            ],
            "deploy": {
                "mode": "replicated",
                "replicas": 0,
                "endpoint_mode": "dnsrr",
                "labels": {"outside": "1"},
                "update_config": _UPDATE,
                "rollback_config": dict(_UPDATE),
                "resources": {
                    "limits": {"cpus": "0.5", "memory": "64M", "pids": 50},
                    "reservations": {
                        "cpus": "0.25",
                        "memory": "32M",
                        "generic_resources": [
                            {"discrete_resource_spec": {"kind": "SSD", "value": 1}}
                        ],
                    },
                },
                "restart_policy": {
                    "condition": "on-failure",
                    "delay": "1s",
                    "max_attempts": 3,
                    "window": "2s",
                },
                "placement": {
                    "constraints": ["node.role == manager"],
                    "preferences": [{"spread": "node.labels.zone"}],
                    "max_replicas_per_node": 4,
                },
            },
        },
        "odd": {
            "image": "lab/busy:1",
            "command": "/bin/serve",
            "healthcheck": {"disable": True},
            "ports": [{"target": 81, "published": 18081, "mode": "overlay"}],
            "deploy": {"replicas": 0},
        },
        "job": {
            "image": "lab/busy:1",
            "command": "once",
            "deploy": {"mode": "replicated-job"},
        },
        "everywhere": {
            "image": "lab/busy:1",
            "command": "once",
            "deploy": {
                "mode": "global-job",
                "placement": {"constraints": ["node.hostname == nowhere"]},
            },
        },
        "agent": {
            "image": "lab/busy:1",
            "command": "/bin/serve",
            "deploy": {
                "mode": "global",
                "placement": {"constraints": ["node.hostname == nowhere"]},
            },
        },
    },
    "networks": {
        "front": {
            "driver": "overlay",
            "driver_opts": {"encrypted": "true"},
            "attachable": True,
            "internal": True,
            "labels": {"of": "network"},
            "ipam": {"driver": "default", "config": [{"subnet": "10.83.0.0/24"}]},
        }
    },
    "volumes": {
        "data": {
            "driver": "local",
            "driver_opts": {"type": "tmpfs", "device": "tmpfs"},
            "labels": {"of": "volume"},
        }
    },
    "configs": {"site": {"file": "settings.txt", "labels": {"of": "config"}}},
    "secrets": {"pass": {"file": "password.txt", "labels": {"of": "secret"}}},
}


D, R = "deploy/", "deploy/resources/"
PLACEMENT, RESTART = "deploy/placement/", "deploy/restart_policy/"
CHANGES: Final[tuple[tuple[str, Any, str], ...]] = (
    ("image", "lab/busy:2", "image, image in the file"),
    ("entrypoint", ["/bin/sh", "-ec"], "entrypoint"),
    ("command", ["exec", "/bin/serve"], "command"),
    ("cap_add", ["SYS_TIME"], "added capabilities"),
    ("cap_drop", ["NET_RAW"], "dropped capabilities"),
    ("configs/0/target", "/other", "config all_site"),
    ("configs/0/uid", "5", "config all_site"),
    ("configs/0/gid", "5", "config all_site"),
    ("configs/0/mode", 0o444, "config all_site"),
    ("secrets/0/target", "other", "secret all_pass"),
    ("secrets/0/uid", "5", "secret all_pass"),
    ("secrets/0/gid", "5", "secret all_pass"),
    ("secrets/0/mode", 0o440, "secret all_pass"),
    ("credential_spec", {"registry": "two"}, "privileges credential spec registry"),
    ("dns", ["1.1.1.1"], "DNS servers"),
    ("dns_search", ["example.net"], "DNS search domains"),
    ("env_file", None, "environment LEVEL"),
    ("environment/COLOUR", "blue", "environment COLOUR"),
    ("extra_hosts", ["db:10.0.0.2"], "extra hosts"),
    ("healthcheck/test", ["CMD", "false"], "health check"),
    ("healthcheck/interval", "6s", "health check interval"),
    ("healthcheck/timeout", "2s", "health check timeout"),
    ("healthcheck/retries", 3, "health check retries"),
    ("healthcheck/start_period", "4s", "health check start period"),
    ("hostname", "two", "hostname"),
    ("init", False, "init"),
    ("init", None, "init"),
    ("isolation", "process", "isolation"),
    ("labels/inside", "2", "container label inside"),
    ("logging/driver", "local", "log driver"),
    ("logging/options/max-size", "2m", "log option max-size"),
    ("networks/front/aliases", ["web"], "network all_front"),
    ("networks/front/driver_opts/a", "2", "network all_front"),
    ("ports/0/target", 8080, "port 80/tcp, port 8080/tcp"),
    ("ports/0/published", 18090, "port 80/tcp"),
    ("ports/0/protocol", "udp", "port 80/tcp, port 80/udp"),
    ("read_only", False, "read-only file system"),
    ("stdin_open", False, "open standard input"),
    ("tty", False, "terminal"),
    ("stop_grace_period", "4s", "stop grace period"),
    ("stop_signal", "SIGTERM", "stop signal"),
    ("sysctls/net.core.somaxconn", "2048", "sysctl net.core.somaxconn"),
    ("ulimits/nofile/soft", 150, "ulimit nofile"),
    ("user", "2000", "user"),
    ("working_dir", "/", "working directory"),
    ("volumes/0/source", "more", "mount /data"),
    ("volumes/0/read_only", False, "mount /data"),
    ("volumes/0/volume/nocopy", False, "mount /data"),
    ("volumes/1/source", "/var", "mount /host"),
    ("volumes/1/bind/propagation", "rprivate", "mount /host"),
    ("volumes/2/tmpfs/size", 2097152, "mount /scratch"),
    (f"{D}endpoint_mode", "vip", "endpoint mode"),
    (f"{D}labels/outside", "2", "label outside"),
    *(
        (f"{D}{kind}_config/{key}", value, f"{kind} {key.replace('_', ' ')}")
        for kind in ("update", "rollback")
        for key, value in (
            ("parallelism", 3),
            ("delay", "2s"),
            ("failure_action", "continue"),
            ("monitor", "3s"),
            ("max_failure_ratio", 0.5),
            ("order", "stop-first"),
        )
    ),
    (f"{R}limits/cpus", "1", "limit CPUs"),
    (f"{R}limits/memory", "128M", "limit memory"),
    (f"{R}limits/pids", 60, "limit pids"),
    (f"{R}reservations/cpus", "0.5", "reservation CPUs"),
    (f"{R}reservations/memory", "48M", "reservation memory"),
    (
        f"{R}reservations/generic_resources/0/discrete_resource_spec/value",
        2,
        "reserved SSD",
    ),
    (f"{RESTART}condition", "any", "restart condition"),
    (f"{RESTART}delay", "2s", "restart delay"),
    (f"{RESTART}max_attempts", 4, "restart max attempts"),
    (f"{RESTART}window", "3s", "restart window"),
    (f"{PLACEMENT}constraints", ["node.role == worker"], "constraints"),
    (f"{PLACEMENT}preferences", [{"spread": "node.labels.rack"}], "placement preferences"),
    (f"{PLACEMENT}max_replicas_per_node", 5, "most per node"),
)
"""Where a service is changed, the new value (None: removed), and the fields that a plan names."""


def text(document: Json) -> str:
    """A stack as the text of its file."""
    return str(yaml.safe_dump(document, sort_keys=False))


def unchanged() -> Json:
    """The stack with one copy of its first service for each change."""
    document = copy.deepcopy(STACK)
    full = document["services"].pop("full")
    document["volumes"]["more"] = None
    document["services"] |= {name: copy.deepcopy(full) for name, *_ in named_changes()}
    return document


def changed() -> Json:
    """The same stack with each change in a copy of its own."""
    document = unchanged()
    for name, path, value, _ in named_changes():
        *above, last = (int(key) if key.isdigit() else key for key in path.split("/"))
        part: Any = document["services"][name]
        for key in above:
            part = part[key]
        if value is None:
            del part[last]
        else:
            part[last] = value
    return document


def named_changes() -> list[tuple[str, str, Any, str]]:
    """The changes, each with the name of its service."""
    return [(f"full{number:02d}", *change) for number, change in enumerate(CHANGES)]
