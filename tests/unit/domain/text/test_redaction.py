"""Values that look secret are masked; the rest of a text is kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.text.redaction import MASK, masked, masked_error
from bot.swarm import wire
from bot.swarm.event_stream import objects
from bot.swarm.event_stream import watch_pb2 as pb
from tests.unit.hostile import hostile

NAMES = (
    "PASSWORD",
    "POSTGRES_PASSWORD",
    "db.passwd",
    "REDIS_PASS",
    "pwd",
    "DJANGO_SECRET_KEY",
    "slack_token",
    "AWS_SECRET_ACCESS_KEY",
    "api-key",
    "apikey",
    "privateKey",
    "credentials",
)
FORMS = (
    "{name}={value}",
    "export {name}={value}",
    "{name}: {value}",
    "{name} = '{value} {value}'",
    '{{"{name}": "{value} {value}", "user": "ann"}}',
    '{{\\"{name}\\":\\"{value} {value}\\"}}',
    "--{name}={value}",
    "--{name} {value} --verbose",
    "{name} => {value}",
    "GET /x?{name}={value}&page=2",
    '{name}="{value} {value}',
)
secrets = st.text("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789!#$%*+-./:;@^_~,&", min_size=6).map(
    lambda text: f"s3{text}"
)


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(FORMS), secrets)
def test_the_value_after_a_secrets_name_is_masked(name: str, form: str, value: str) -> None:
    said = masked(form.format(name=name, value=value))

    assert value not in said
    assert MASK in said
    assert name in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hunter2@redis:6379/0", f"redis://:{MASK}@redis:6379/0"),
        ("postgres://ann:p@ss@db/orochi down", f"postgres://ann:{MASK}@db/orochi down"),
        ("Authorization: Bearer abc.def ghi", f"Authorization: {MASK}"),
        ("sent Bearer abcdef to it", f"sent Bearer {MASK} to it"),
        ("xoxb-1234567890-abc is revoked", f"{MASK} is revoked"),
        ("join SWMTKN-1-3pu6hszjas19-dyx4 now", f"join {MASK} now"),
        ("key AKIAIOSFODNN7EXAMPLE used", f"key {MASK} used"),
        ("PASSWORD= and nothing", f"PASSWORD= {MASK} nothing"),
        ('{"password": ""}', '{"password": ""}'),
        ("a\nDB_PASSWORD=x\nb", f"a\nDB_PASSWORD={MASK}\nb"),
        ("password:5G4ChKwna7YIQyRV", f"password:{MASK}"),
        ("db_password:9f3ab77c12 refused", f"db_password:{MASK} refused"),
        ("token:v5kJh2Ls9", f"token:{MASK}"),
        ('["--password","r0WLvj3YBnS1"]', f'["--password","{MASK}"]'),
        ('"[\\"--token\\",\\"r0WLvj3YBnS1\\"]"', f'"[\\"--token\\",\\"{MASK}\\"]"'),
        ("PASSWORD elastic = sjIq9USwqxRN", f"PASSWORD elastic = {MASK}"),
        ("[password] => UNH8SbzhU3fK", f"[password] => {MASK}"),
        ("FERNET_KEY=wSMzkAQpFzq8mZ0b3n7u2h5x0=", f"FERNET_KEY={MASK}"),
        ("RCON: lLgfbcvM", f"RCON: {MASK}"),
        ("TWILIO_AUTH_TOKEN c5a83da3c5a83da3", f"TWILIO_AUTH_TOKEN {MASK}"),
        ("password is Ea9ZYibQ20rw", f"password is {MASK}"),
        ("AUTH default RBSSplj9", f"AUTH default {MASK}"),
        ("SET PASSWORD FOR 'a' = PASSWORD('maISqj')", f"SET PASSWORD FOR 'a' = PASSWORD('{MASK}')"),
        ("contraseña: x123abc", f"contraseña: {MASK}"),
        ("ops:$2y$05$abcDEFghi/xyz", f"ops:{MASK}"),
        ("ops:$$2y$$05$$abcDEFghi/xyz", f"ops:{MASK}"),
        ("root:$6$salt$abcdefghijk:19000", f"root:{MASK}:19000"),
        ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNh$abcdefgh", MASK),
        ("ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", f"ann:{MASK}"),
        ("pbkdf2_sha256$260000$salt12$abcdefghijkl=", MASK),
        ("sqlcmd -S db -U sa -P Str0ngPwx -Q 1", f"sqlcmd -S db -U sa -P {MASK} -Q 1"),
        ("openssl enc -aes256 -k s3cretw0rd -in a", f"openssl enc -aes256 -k {MASK} -in a"),
        ("openssl rsa -passin pass:hunter22", f"openssl rsa -passin pass:{MASK}"),
        ("jdbc:oracle:thin:scott/tig3r@db:1521/x", f"jdbc:oracle:thin:scott/{MASK}@db:1521/x"),
        ("/cb?code=4-0AX4XfWhd8sd7f6sdf87&state=1", f"/cb?code={MASK}&state=1"),
        ("mot de passe : Tr0ub4dor", f"mot de passe : {MASK}"),
        ("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs", MASK),
        ("eyJrIjoiT0tTcG1pUlY2RnVKZTFVaDFsNFZXdE9ZWmNrMkZYbk", MASK),
    ],
)
def test_a_secret_is_recognised_by_its_place_or_its_form(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5 passed, 1 failed in 0.3 s",
        "serving version 1 on photon-machine-02",
        "http://scheduler:8787/status?page=2",
        "tcp://10.0.0.1:8786 connected",
        "compass=north bypass: no",
        "key=value user=ann",
        "12:30:01 INFO worker@photon-machine-01 ready",
        "the password was wrong",
        "token-service:2.1-alpine3.18 pulled",
        "tokens_per_second=33.1; cookie: none; credentials: loaded from /etc/x",
        "the password is incorrect; access_token expired; auth login failed",
        "registry/password-store:3.13-slim-trixie",
        "secret-svc:v1rc2 and lab/token:latest",
        "awk '{print $1$2}'; it costs $2.50",
        "openssl req -key server.key -out x",
        "jdbc:oracle:thin:@db:1521/x",
        "GET /orders?code=404 and ?code=ERR_NOT_FOUND",
        "Le mot de passe est trop court",
    ],
)
def test_other_text_is_unchanged(text: str) -> None:
    assert masked(text) == text


def test_a_private_key_is_blanked_line_by_line() -> None:
    body = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"] * 3)
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"

    assert "MIIE" not in masked(f"before\n{key}\nafter")
    assert masked(f"before\n{key}\nafter").split("\n")[0::6] == ["before", "after"]
    assert "MIIE" not in masked(key[:60])
    assert "MIIE" not in masked(key[40:])


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
def test_the_rest_of_a_key_is_masked_behind_the_prefixes_of_a_log(kind: str) -> None:
    """The beginning of the key may be older than the lines that are shown."""
    lines = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"] * 3 + ["q83v"]
    text = "\n".join(
        ["web | ready", *(f"web | {each}" for each in lines), f"web | -----END {kind}-----"]
    )

    assert masked(text).split("\n")[:5] == ["web | ready", *[f"web | {MASK}"] * 4]
    assert masked(f"-----BEGIN {kind}-----\\nMIIE\\n-----END {kind}-----").count(MASK) == 1


@settings(deadline=None)
@given(hostile)
def test_masking_keeps_the_lines_and_is_idempotent(text: str) -> None:
    once = masked(text)

    assert once.count("\n") == text.count("\n")
    assert masked(once) == once


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(FORMS), secrets)
def test_masking_is_idempotent_for_any_text(name: str, form: str, value: str) -> None:
    once = masked(form.format(name=name, value=value))

    assert masked(once) == once


SHARE = (
    "starting container failed: error while mounting volume '/v': failed to mount local volume: "
    "mount //nas/media:/v, data: username=ann,password=s3same,uid=1: permission denied"
)


def test_the_password_of_an_unmounted_share_is_masked():
    polled = wire.task_from({"Status": {"Err": SHARE}}, up_to_date=True)
    pushed = objects.task_from(pb.Task(status=pb.TaskStatus(err=SHARE)), up_to_date=True)

    assert polled.err == pushed.err
    assert "s3same" not in polled.err
    assert "mount //nas/media" in polled.err
    assert polled.err.endswith("permission denied")


@pytest.mark.parametrize(
    "error",
    [
        "No such image: registry.lan:5000/token:9",
        'exec: "token": executable file not found in $PATH: unknown',
        'invalid mount config for type "bind": bind source path does not exist: /etc/pass: x',
        "open /run/secrets/db_password: no such file or directory",
        "task: non-zero exit (137): dockerexec: unhealthy container",
        "no suitable node (scheduling constraints not satisfied on 10 nodes)",
    ],
)
def test_an_engines_reason_is_not_masked(error: str):
    assert masked_error(error) == error
