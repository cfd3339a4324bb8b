"""A service's specification with every field of the Engine API, by the version that knows it.

The fields are those of ``ServiceSpec`` in Docker's Engine API reference, versions 1.41 to 1.52. No
node fulfils its constraint, so nothing of it has to exist on a node.
"""

from __future__ import annotations

from typing import Any

_SECOND = 1_000_000_000
_MEBIBYTE = 2**20
_UPDATE = {
    "Parallelism": 2,
    "Delay": _SECOND,
    "FailureAction": "continue",
    "Monitor": 2 * _SECOND,
    "MaxFailureRatio": 0.5,
    "Order": "start-first",
}


def whole_spec(name: str, version: str, network: str, config: str, secret: str) -> dict[str, Any]:
    """A specification for ``POST /services/create``; the last three are ids of existing objects."""
    number = tuple(int(part) for part in version.split("."))
    container = _container(config, secret)
    resources: dict[str, Any] = {
        "Limits": {"NanoCPUs": _SECOND // 2, "MemoryBytes": 64 * _MEBIBYTE, "Pids": 100},
        "Reservations": {
            "NanoCPUs": _SECOND // 4,
            "MemoryBytes": 32 * _MEBIBYTE,
            "GenericResources": [
                {"NamedResourceSpec": {"Kind": "GPU", "Value": "UUID-1"}},
                {"DiscreteResourceSpec": {"Kind": "SSD", "Value": 3}},
            ],
        },
    }
    if number >= (1, 44):
        container["Healthcheck"]["StartInterval"] = _SECOND
        container["Privileges"] |= {
            "Seccomp": {"Mode": "unconfined"},
            "AppArmor": {"Mode": "disabled"},
            "NoNewPrivileges": True,
        }
    if number >= (1, 46):
        container["OomScoreAdj"] = 100
    if number >= (1, 52):
        resources |= {"SwapBytes": 128 * _MEBIBYTE, "MemorySwappiness": 10}
    return {
        "Name": name,
        "Labels": {"team": "a", "empty": ""},
        "TaskTemplate": {
            "ContainerSpec": container,
            "Resources": resources,
            "RestartPolicy": {
                "Condition": "on-failure",
                "Delay": _SECOND,
                "MaxAttempts": 3,
                "Window": 10 * _SECOND,
            },
            "Placement": {
                "Constraints": ["node.labels.nowhere==yes"],
                "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.rack"}}],
                "MaxReplicas": 2,
                "Platforms": [{"Architecture": "amd64", "OS": "linux"}],
            },
            "ForceUpdate": 0,
            "Runtime": "container",
            "Networks": [{"Target": network, "Aliases": ["web", "www"]}],
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m"}},
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "UpdateConfig": _UPDATE,
        "RollbackConfig": {**_UPDATE, "Parallelism": 1},
        "EndpointSpec": {
            "Mode": "vip",
            "Ports": [
                {
                    "Name": "http",
                    "Protocol": "tcp",
                    "TargetPort": 80,
                    "PublishedPort": 18080,
                    "PublishMode": "host",
                }
            ],
        },
    }


def _container(config: str, secret: str) -> dict[str, Any]:
    file = {"UID": "1", "GID": "2", "Mode": 0o440}
    return {
        "Image": "lab/busy:1",
        "Labels": {"place": "container"},
        "Command": ["sh", "-c"],
        "Args": ["exec serve"],
        "Hostname": "{{.Node.Hostname}}",
        "Env": ["A=1", "B="],
        "Dir": "/tmp",
        "User": "1000",
        "Groups": ["1001"],
        "Privileges": {
            "SELinuxContext": {
                "Disable": False, "User": "u", "Role": "r", "Type": "t", "Level": "s0",
            }
        },
        "TTY": True,
        "OpenStdin": True,
        "ReadOnly": True,
        "Mounts": [
            {
                "Type": "bind",
                "Source": "/srv",
                "Target": "/srv",
                "ReadOnly": True,
                "BindOptions": {"Propagation": "rslave"},
            },
            {
                "Type": "volume",
                "Source": "data",
                "Target": "/data",
                "VolumeOptions": {
                    "NoCopy": True,
                    "Labels": {"keep": "yes"},
                    "DriverConfig": {"Name": "local", "Options": {"type": "tmpfs"}},
                },
            },
            {
                "Type": "tmpfs",
                "Target": "/run",
                "TmpfsOptions": {"SizeBytes": _MEBIBYTE, "Mode": 0o700},
            },
        ],
        "StopSignal": "SIGQUIT",
        "StopGracePeriod": 2 * _SECOND,
        "Healthcheck": {
            "Test": ["CMD", "true"],
            "Interval": _SECOND,
            "Timeout": _SECOND,
            "Retries": 2,
            "StartPeriod": _SECOND,
        },
        "Hosts": ["192.0.2.1 db"],
        "DNSConfig": {
            "Nameservers": ["192.0.2.53"], "Search": ["example.net"], "Options": ["ndots:1"],
        },
        "Secrets": [{"SecretID": secret, "SecretName": "key", "File": {"Name": "key", **file}}],
        "Configs": [{"ConfigID": config, "ConfigName": "settings", "File": {"Name": "/s", **file}}],
        "Isolation": "default",
        "Init": True,
        "Sysctls": {"net.core.somaxconn": "1024"},
        "CapabilityAdd": ["CAP_NET_ADMIN"],
        "CapabilityDrop": ["CAP_CHOWN"],
        "Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": 200}],
    }  # fmt: skip
