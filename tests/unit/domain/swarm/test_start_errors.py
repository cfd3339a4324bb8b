"""What the errors of engines mean: those of real failed tasks, and those of the pulls of 29.7."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.domain.swarm.causes import advice_on, classify
from bot.domain.swarm.model import TaskState
from bot.domain.swarm.start_errors import explained
from tests.unit.looks import FAILED, REJECTED, a_service, a_task

SEEN: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("task_errors.json").read_text(encoding="utf-8")
)
"""Failed tasks of 28.5.2 and 29.7.2, with both image stores."""
HEAD = 'Get "https://registry.example.net/v2/": '
RUNC = (
    "starting container failed: failed to create task for container: failed to create shim task: "
    "OCI runtime create failed: runc create failed: unable to start container process: error "
    "during container init: error mounting "
)
PULLS = [
    ("error from registry: unauthorized: authentication required", "pull_denied", "a login"),
    (
        (
            'Head "https://registry.example.net/v2/shop/web/manifests/1.4": unauthorized: '
            "HTTP Basic: Access denied"
        ),
        "pull_denied",
        "The registry registry.example.net refuses",
    ),
    ("denied: requested access to the resource is denied", "pull_denied", "no right"),
    ("toomanyrequests: You have reached your pull rate limit.", "pull_failed", "rate limit"),
    (
        f"{HEAD}dial tcp: lookup registry.example.net on 127.0.0.53:53: no such host",
        "pull_failed",
        "cannot find the registry's address: registry.example.net",
    ),
    (
        f"{HEAD}dial tcp 192.0.2.7:443: connect: connection refused",
        "pull_failed",
        "cannot reach the registry registry.example.net",
    ),
    (
        f"{HEAD}net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
        "pull_failed",
        "cannot reach the registry",
    ),
    (
        f"{HEAD}tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "pull_failed",
        "does not trust the certificate of the registry registry.example.net",
    ),
    (f"{HEAD}http: server gave HTTP response to HTTPS client", "pull_failed", "plain HTTP"),
    ("manifest for a.net/web:1.5 not found: manifest unknown", "image_missing", "No such image"),
    (
        'failed to resolve reference "a.net/web:1.4": a.net/web:1.4: not found',
        "image_missing",
        "No such image",
    ),
    (
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries: no match for "
            "platform in manifest: not found"
        ),
        "pull_failed",
        "no variant for the node's platform, linux/arm64/v8",
    ),
    ("received unexpected HTTP status: 503 Service Unavailable", "pull_failed", "registry failed"),
    (
        "failed to register layer: write /usr/lib/x: no space left on device",
        "pull_failed",
        "does not fit on the node's disk",
    ),
    ("failed to register layer: unexpected EOF", "pull_failed", "a layer is damaged"),
    ("failed to copy: some new reason", "pull_failed", "The image could not be pulled: failed to"),
]
STARTS = [
    (
        (
            'network sandbox join failed: subnet sandbox join failed for "10.0.7.0/24": error '
            "creating vxlan interface: file exists"
        ),
        "network_failed",
        "VXLAN",
    ),
    (
        (
            "starting container failed: failed to set up container networking: network "
            "shop_default not found"
        ),
        "network_failed",
        "does not have the network shop_default",
    ),
    (
        (
            "starting container failed: container 9f93a21a: endpoint create on GW Network failed: "
            "failed to create endpoint gateway_f8 on network docker_gwbridge: network "
            "28d599d4 does not exist"
        ),
        "network_failed",
        "`docker_gwbridge`",
    ),
    (
        "invalid pool request: Pool overlaps with other one on this address space",
        "network_failed",
        "subnet overlaps",
    ),
    (
        (
            "starting container failed: driver failed programming external connectivity on "
            "endpoint web.1.abc: Bind for 0.0.0.0:8080 failed: port is already allocated"
        ),
        "network_failed",
        "Port 8080 of the node is in use",
    ),
    (
        (
            "starting container failed: failed to set up container networking: driver failed "
            "programming external connectivity on endpoint gateway_7: failed to bind host port "
            "0.0.0.0:18222/tcp: address already in use"
        ),
        "network_failed",
        "Port 18222 of the node",
    ),
    (
        "node is missing network attachments, ip addresses may be exhausted",
        "network_failed",
        "no free address",
    ),
    (
        (
            f'{RUNC}"/var/lib/docker/containers/4be1/mounts/configs/9zq0" to rootfs at '
            '"/etc/nginx/conf.d": not a directory: Are you trying to mount a directory onto a file?'
        ),
        "config_failed",
        "cannot be mounted at /etc/nginx/conf.d: that is a directory",
    ),
    (f'{RUNC}"/etc/passwd" to rootfs at "/tmp": not a directory', "mount_failed", "A volume"),
    (
        "invalid bind mount source, source path not found: /srv/media",
        "mount_failed",
        "source path not found: /srv/media",
    ),
]


@pytest.mark.parametrize("row", SEEN, ids=lambda row: f"{row['case']} {row['engine']}")
def test_the_errors_of_real_tasks(row: dict[str, Any]) -> None:
    task = a_task(
        "t", state=TaskState[row["state"].upper()], err=row["err"], exit_code=row["exit_code"]
    )
    cause = classify(task, a_service())

    assert cause is not None
    assert cause.kind.value == row["kind"]


@pytest.mark.parametrize(("err", "kind", "text"), [*PULLS, *STARTS])
def test_an_error_is_told_as_what_it_means(err: str, kind: str, text: str) -> None:
    state = FAILED if err.startswith("starting") else REJECTED
    cause = classify(a_task("t", state=state, err=err, image="a.net/web:1.4"), a_service())

    assert cause is not None
    assert (cause.kind.value, text in cause.text) == (kind, True), cause.text


@pytest.mark.parametrize(("err", "kind", "_text"), [*PULLS, *STARTS])
def test_no_advice_is_about_the_command(err: str, kind: str, _text: str) -> None:
    """Each has a next step: its own, or the usual one of its kind."""
    cause = classify(a_task("t", state=REJECTED, err=err), a_service())

    assert cause is not None
    usual = kind in {"image_missing", "mount_failed"} or cause.text.endswith("some new reason")
    assert usual or advice_on(cause).endswith(".")


@pytest.mark.parametrize(
    "err",
    [
        "",
        "task: non-zero exit (1)",
        "starting container failed: unable to find user nosuch: no matching entries in passwd file",
        "invalid CapAdd: unknown capability",
        (
            "starting container failed: failed to initialize logging driver: dial tcp "
            "192.0.2.9:514: connect: connection refused"
        ),
    ],
)
def test_other_errors_are_none_of_these(err: str) -> None:
    assert explained(err) is None
