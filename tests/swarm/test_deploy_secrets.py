"""What is secret in a stack's files stays in the swarm: no message, no log line, no Redis."""

from __future__ import annotations

import asyncio

import pytest

from tests.desk import Desk
from tests.swarm.changing import raw
from tests.swarm.deploying import Folder, content
from tests.swarm.test_nodes import ever_in_redis
from tests.swarm.test_scale import said

WORDS = (
    "inthefile", "ofvariables", "inthesecret", "intheconfig", "inanenvfile", "onthecommand",
    "inahealthcheck", "inalabel", "ofashare", "inaurl", "inascript",
)  # fmt: skip
STACK = """
version: "3.8"
services:
  web:
    image: lab/busy:1
    command: serve --password onthecommand-{n}
    environment:
      DB_PASSWORD: inthefile-{n}
      API_TOKEN: $API_TOKEN
      DATABASE_URL: postgres://app:inaurl-{n}@db/app
    env_file: [web.env]
    healthcheck: {{test: "PGPASSWORD=inahealthcheck-{n} true", interval: 1s}}
    labels: {{web.basicauth: "admin:inalabel-{n}"}}
    stop_grace_period: 1s
    configs: [settings]
    secrets: [password]
    deploy:
      endpoint_mode: dnsrr
      restart_policy: {{delay: 500ms}}
  share:
    image: lab/busy:1
    command: ["sh", "-c", "export PGPASSWORD=inascript-{n}; exec serve"]
    volumes: ["files:/files"]
    deploy:
      endpoint_mode: dnsrr
      restart_policy: {{delay: 500ms, max_attempts: 1}}
volumes:
  files:
    driver_opts: {{type: cifs, device: "//127.0.0.1/x", o: "username=app,password=ofashare-{n}"}}
configs: {{settings: {{file: settings-{n}.txt, name: settings-{n}}}}}
secrets: {{password: {{file: password-{n}.txt, name: password-{n}}}}}
"""


@pytest.fixture
async def desk(empty_desk: Desk, folder: Folder) -> Desk:
    """A desk with one bot that may deploy."""
    await empty_desk.start_bot()
    return empty_desk


def write(folder: Folder, number: int) -> None:
    """A stack whose secrets are all other ones for each number."""
    folder.write(STACK.format(n=number))
    (folder.path / "orochi.env").write_text(f"API_TOKEN=ofvariables-{number}\n")
    (folder.path / "web.env").write_text(f"SECRET_KEY=inanenvfile-{number}\n")
    (folder.path / f"settings-{number}.txt").write_text(f"password: intheconfig-{number}\n")
    (folder.path / f"password-{number}.txt").write_text(f"inthesecret-{number}\n")


async def leaks(desk: Desk, *words: str) -> dict[str, set[str]]:
    """The secret words that can be read somewhere, by the place."""
    slack = desk.slack.workspace
    messages = [*slack.messages.values(), *slack.ephemerals]
    told = content(
        [
            (
                m.content.as_json(with_metadata=True),
                [e.content.as_json(with_metadata=True) for e in m.history],
            )
            for m in messages
        ]
    )
    files = b"".join(file.content or b"" for file in slack.files.values()).decode()
    places = {
        "a message": told + files,
        "the log": "\n".join(line for bot in desk.bots for line in bot.lines),
        "Redis": (await asyncio.to_thread(ever_in_redis, desk)).decode(errors="replace"),
    }
    found = {place: {word for word in words if word in text} for place, text in places.items()}
    return {place: words for place, words in found.items() if words}


async def test_secrets_are_seen_by_the_swarm_alone(desk: Desk, folder: Folder):
    """A first deploy, a change of every secret, and all commands that show something of it."""
    write(folder, 1)
    message = await folder.plan()
    assert await leaks(desk, *WORDS) == {}
    await folder.confirmed(message)
    write(folder, 2)
    change = await folder.plan()
    shown = said(change)
    await folder.confirmed(change)
    for text in ("status", "ps", "volumes", "stacks", "history", "jobs", "logs web", "nodes"):
        await desk.answer(text, seconds=20)

    assert "hidden (" in shown
    assert "DB_PASSWORD" in shown
    assert "ofashare-2" in content(await raw(desk, "share"))
    assert await leaks(desk, *WORDS) == {}


BROKEN = (
    "environment: {{DB_PASSWORD: 'a $! {word}'}}",
    "environment: ['DB_PASSWORD=a ${{ {word}']",
    "environment: {{DB_PASSWORD: [{word}]}}",
    "environment: {{DB_PASSWORD: {word}: 1}}",
    "command: ['--password=$! {word}']",
    "env_file: {word}.env",
)


async def test_a_refusal_repeats_no_secret(desk: Desk, folder: Folder):
    """The docker client's own words may hold the value that it cannot read."""
    for line in BROKEN:
        text = line.format(word="ofabadline" if "env_file" not in line else "bad")
        (folder.path / "bad.env").write_text("-----BEGIN ofabadline PRIVATE KEY-----\nx=1\n")
        folder.write(f'version: "3.8"\nservices:\n  web:\n    image: lab/busy:1\n    {text}\n')

        assert "othing was changed" in await desk.answer("deploy", seconds=20), line
        assert await leaks(desk, "ofabadline") == {}, line
