"""The error messages of each docker client version, as sentences for a person."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import RefusedError
from bot.swarm.stacks import complaints
from bot.swarm.stacks.compose import depends_on, read_compose

SAID = [
    (
        "services.web Additional property foo_bar is not allowed\n",
        "`orochi.yml` has an unknown key in `services.web`: `foo_bar`.",
    ),
    (
        "(root) Additional property name is not allowed\n",
        "`orochi.yml` has a key that stacks do not have at the top level: `name`.",
    ),
    (
        "services.web Additional property profiles is not allowed\n",
        "`orochi.yml` has a key that stacks do not have in `services.web`: `profiles`.",
    ),
    (
        "services.web Additional property oom_score_adj is not allowed\n",
        (
            "`orochi.yml` has the key `oom_score_adj` in `services.web`, for which the docker CLI "
            "is too old."
        ),
    ),
    (
        "services Additional property web app is not allowed\n",
        "`orochi.yml` has a name under `services` that is not valid: `web app`.",
    ),
    (
        (
            "Compose file contains unsupported options:\n\nextends: Support for `extends` is not "
            "implemented yet.\n\nmem_limit: Set resource limits using deploy.resources\n\n"
        ),
        "`orochi.yml` has keys that stacks do not have: `extends` and `mem_limit`.",
    ),
    (
        "services.web.depends_on must be a list\n",
        "In `orochi.yml`, `services.web.depends_on` must be a list.",
    ),
    (
        "services.web.ports.0.published must be a integer\n",
        "In `orochi.yml`, `services.web.ports.0.published` must be an integer.",
    ),
    (
        "services.web.ports array items[0,1] must be unique\n",
        "In `orochi.yml`, `services.web.ports` lists an entry twice.",
    ),
    (
        (
            "Ignoring unsupported options: build\n\ninvalid image reference for service web: no "
            "image specified\n"
        ),
        "The service `web` in `orochi.yml` has no image.",
    ),
    (
        (
            "invalid image reference for service web: invalid reference format: repository name "
            "(library/Web) must be lowercase\n"
        ),
        (
            "The image of the service `web` in `orochi.yml` is not valid: repository name "
            "(library/Web) must be lowercase."
        ),
    ),
    (
        (
            "Error response from daemon: client version 1.41 is too old. Minimum supported API "
            "version is 1.44\n"
        ),
        "The docker CLI where the bot runs and the engine have no common API version.",
    ),
    (
        "unsupported Compose file version: 1.0\n",
        "`orochi.yml` has no version that the docker CLI accepts.",
    ),
    (
        (
            'invalid interpolation format for services.web.image: "required variable TAG is '
            'missing a value: which one?"; you may need to escape any $ with another $\n'
        ),
        "The variable `TAG` is not set: which one.",
    ),
    ("required variable TAG is missing a value", "The variable `TAG` is not set."),
    (
        (
            'invalid interpolation format for services.web.image: "required variable TAG is '
            'missing a value: ${OTHER"; you may need to escape any $ with another $\n'
        ),
        "The variable `TAG` is not set: ${OTHER}.",
    ),
    (
        (
            "invalid interpolation format for services.web.environment.[]: "
            '"A=${TAG:+secret}"; you may need to escape any $ with another $\n'
        ),
        (
            "`orochi.yml` uses `${TAG:+…}` in `services.web.environment`, and the docker CLI does "
            "not know `:+`."
        ),
    ),
    (
        (
            'invalid interpolation format for services.web.environment.[]: "PASSWORD=se$!same"; '
            "you may need to escape any $ with another $\n"
        ),
        "`orochi.yml` has a `$` in `services.web.environment` that is not a variable.",
    ),
    (
        "invalid env file (/stacks/web.env): variable 'open sesame' contains whitespaces\n",
        "The file `web.env` in `orochi.yml` has a line that is not KEY=VALUE.",
    ),
    (
        "poorly formatted environment: variable 'open sesame' has white spaces\n",
        "A variables file in `orochi.yml` has a line that is not KEY=VALUE.",
    ),
    (
        'something about services.web.environment.PASSWORD: "open sesame" is wrong\n',
        (
            "The docker CLI refuses `orochi.yml`: something about "
            'services.web.environment.PASSWORD: "•••" is wrong.'
        ),
    ),
    (
        (
            'network "front" is declared as external, but could not be found. You need to create a '
            "swarm-scoped network before the stack is deployed\n"
        ),
        "`orochi.yml` needs the network `front`, which is not in the swarm.",
    ),
    (
        (
            'network "host" is declared as external, but it is not in the right scope: "local" '
            'instead of "swarm"\n'
        ),
        "The network `host` in `orochi.yml` is local to one machine, not a swarm network.",
    ),
    (
        "service web: secret not found: nosec\n",
        ("`orochi.yml` needs the secret `nosec` (service `web`), which is not in the swarm."),
    ),
    (
        "config not found: nocfg\n",
        "`orochi.yml` needs the config `nocfg`, which is not in the swarm.",
    ),
    (
        (
            "failed to update config orochi_settings: Error response from daemon: rpc error: "
            "code = InvalidArgument desc = only updates to Labels are allowed\n"
        ),
        (
            "The config `orochi_settings` is in the swarm with different content, which cannot be "
            "changed."
        ),
    ),
    (
        "open /stacks/password.txt: no such file or directory\n",
        "The file `password.txt` in `orochi.yml` does not exist.",
    ),
    (
        'undefined volume "data"\n',
        "`orochi.yml` uses the volume `data` without defining it.",
    ),
    (
        "yaml: line 4: did not find expected '-' indicator\n",
        "`orochi.yml` is not valid YAML: line 4: did not find expected '-' indicator.",
    ),
    (
        "Error response from daemon: something  new.\n",
        "The docker CLI refuses `orochi.yml`: something new.",
    ),
]


@pytest.mark.parametrize(("said", "sentence"), SAID, ids=[said[:30] for said, _ in SAID])
def test_each_error_message(said: str, sentence: str) -> None:
    assert complaints.refusal(said, "orochi", "/stacks").sentence == sentence


def test_the_given_name_is_to_change_for_immutable_objects() -> None:
    said = "failed to update secret orochi_password: only updates to Labels are allowed"

    hint = complaints.refusal(said, "orochi", "/stacks").hint

    assert (
        hint == "Change its `name:` in `orochi.yml`, or remove that: then its name has its content."
    )


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("services.web Additional property extends is not allowed", "docker compose config"),
        ("(root) Additional property include is not allowed", "docker compose config"),
        ("services.web Additional property profiles is not allowed", "a stack file of their own"),
        ("configs.site Additional property content is not allowed", "write `file:`"),
        ("services.web Additional property oom_score_adj is not allowed", "version 27.0 or newer"),
        ("services.web.depends_on must be a list", "`depends_on: [db]`"),
        ("Compose file contains unsupported options:\n\nmem_limit: Set", "limits: memory:"),
        ("services.web Additional property imagee is not allowed", "Correct its name"),
    ],
)
def test_the_hint_says_what_a_stack_has_instead(said: str, hint: str) -> None:
    assert hint in complaints.refusal(said, "orochi", "/stacks").hint


def test_a_long_error_message_is_cut() -> None:
    assert len(complaints.refusal("x" * 5000, "orochi", "/stacks").sentence) < 500


def test_variables_that_are_not_set() -> None:
    one, three = complaints.unset(["A"], "s"), complaints.unset(["A", "B", "C"], "s")

    assert one.sentence == "`A` is not set, but `s.yml` uses it."
    assert three.sentence.startswith("`A`, `B` and `C` are not set, but `s.yml` uses them")
    assert one.hint == "Set it in `s.env`, or write `${NAME:-}` for an empty value."


def test_warnings_are_split_into_paragraphs() -> None:
    said = (
        "Ignoring unsupported options: build, restart\n\nIgnoring deprecated options:\n"
        "expose: of no use\n\nSince --detach=false was not specified, tasks will be created in "
        "the background.\nIn a future release, --detach=false will become the default.\n"
    )

    assert complaints.warnings(said) == (
        "Ignoring unsupported options: build, restart",
        "Ignoring deprecated options: expose: of no use",
    )


def test_a_log_line_of_the_cli_is_a_warning_of_its_own() -> None:
    said = 'time="2026-11-28" level=warning msg="ignoring IP-address (127.0.0.1:80:80/tcp)"\n'

    assert complaints.warnings(f"{said}Ignoring unsupported options: restart\n\n") == (
        said.strip(),
        "Ignoring unsupported options: restart",
    )


def spec(*ports: dict[str, Any]) -> dict[str, Any]:
    return {"EndpointSpec": {"Ports": list(ports)}}


def live(name: str, *ports: dict[str, Any]) -> dict[str, Any]:
    return {"Spec": {"Name": name, **spec(*ports)}}


PORT = {"TargetPort": 80, "PublishedPort": 8080}
FREE = [
    [live("other", {**PORT, "PublishedPort": 8081})],
    [live("other", {**PORT, "Protocol": "udp"})],
    [live("other", {**PORT, "PublishMode": "host"})],
    [live("other", {"TargetPort": 80})],
    [live("s_web", PORT)],
    [{"Spec": {"Name": "none"}}],
]


@pytest.mark.parametrize("services", FREE)
def test_ports_that_are_free(services: list[dict[str, Any]]) -> None:
    assert complaints.port_taken([("s_web", spec(PORT))], services, frozenset()) is None


def test_ports_that_are_taken() -> None:
    """Another stack, a service that is removed last, or a service of the same file has them."""
    wanted = [("s_web", spec(PORT))]
    held = [live("other", {**PORT, "Protocol": "tcp", "PublishMode": "ingress"})]

    other = complaints.port_taken(wanted, held, frozenset())
    removed = complaints.port_taken(wanted, held, frozenset({"other"}))
    same = complaints.port_taken([*wanted, ("s_db", spec(PORT))], [], frozenset())

    assert other is not None
    assert other.sentence == "s_web cannot publish port 8080/tcp: other uses it."
    assert removed is not None
    assert removed.hint.startswith("other would be removed last. Remove it first")
    assert same is not None
    assert same.sentence == "s_db cannot publish port 8080/tcp: s_web uses it."


def test_dependencies_have_full_names() -> None:
    text = b"""
x-common: &common {image: a}
services:
  web: {<<: *common, depends_on: [db, cache]}
  db: {depends_on: {keeper: {condition: service_started}}}
  keeper: {image: a}
"""

    assert depends_on(read_compose(text), "s") == {
        "s_web": ("s_db", "s_cache"),
        "s_db": ("s_keeper",),
        "s_keeper": (),
    }


@pytest.mark.parametrize(
    "text", [b"", b"- a", b"{", b"services: 5", b"\xff\xfe", b"a: !!python/none"]
)
def test_other_documents_are_left_to_the_client(text: bytes) -> None:
    assert depends_on(read_compose(text), "s") == {}


@pytest.mark.parametrize("value", ["=", "2026-11-28", "2001-99-99"])
def test_texts_that_yaml_takes_for_something_else(value: str) -> None:
    """The docker CLI takes them as texts."""
    assert read_compose(f"a: {value}".encode()) == {"a": value}


def test_a_service_keeps_its_mode() -> None:
    """A job cannot become a service either."""
    modes = [{"Replicated": {"Replicas": 2}}, {"Global": {}}, {"ReplicatedJob": {}}]
    specs = [{"Mode": mode} for mode in modes]
    same = [("orochi_a", spec, spec) for spec in specs]

    assert complaints.mode_changed("orochi", same) is None
    error = complaints.mode_changed("orochi", [*same, ("orochi_web", specs[0], specs[1])])
    assert error is not None
    assert error.sentence == (
        "orochi_web is replicated in the swarm and global in `orochi.yml`: the mode of a "
        "service cannot change."
    )
    assert "`docker service rm orochi_web`" in error.hint


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BOMB, id="aliases of aliases"),
        pytest.param("a: &a\n  b: *a\n", id="an anchor that refers to itself"),
        pytest.param(f"a: {'[' * 150}{']' * 150}\n", id="nested without end"),
        pytest.param(f"a: {'[' * 100_000}", id="nested deeper than the process's stack"),
    ],
)
def test_a_file_that_expands_without_limit_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="expands to too much data"):
        read_compose(text.encode())


def test_ordinary_anchors_are_accepted() -> None:
    text = b"x-common: &common {image: web}\nservices: {a: *common, b: {<<: *common}}\n"

    assert read_compose(text)["services"] == {"a": {"image": "web"}, "b": {"image": "web"}}
