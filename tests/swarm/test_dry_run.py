"""The dry-run engine: reads come from the real engine, writes are only recorded."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import ClientResponse, ClientSession, UnixConnector

from bot.swarm.connection import Connection
from bot.swarm.stacks.dry_run import DryRunEngine
from tests.lab.swarm import Lab

Ask = Callable[..., Awaitable[ClientResponse]]
SPEC = {"Name": "ours_new", "Labels": {"com.docker.stack.namespace": "ours"}}
FILTERS = json.dumps({"label": {"com.docker.stack.namespace=ours": True}})
CREATED = {
    "networks": {**SPEC, "Driver": "overlay"},
    "configs": {**SPEC, "Data": "YQ=="},
    "secrets": {**SPEC, "Data": "YQ=="},
    "services": SPEC,
}


@asynccontextmanager
async def a_run(
    lab: Lab, registry_seconds: float = 10.0
) -> AsyncIterator[tuple[DryRunEngine, Ask]]:
    """A dry run on a lab, and a client for it, which speaks the engine's API version as ``vN``."""
    version = lab.client().version()["ApiVersion"]
    connection = Connection(lab.manager.socket)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            DryRunEngine(connection, Path(folder), registry_seconds=registry_seconds) as engine,
            ClientSession(
                "http://engine", connector=UnixConnector(f"{folder}/engine.sock")
            ) as http,
        ):

            async def ask(method: str, path: str, **options: object) -> ClientResponse:
                path = path.replace("/vN/", f"/v{version}/")
                answer = await http.request(method, path, **options)  # type: ignore[arg-type]
                await answer.read()
                return answer

            yield engine, ask
    connection.close()


async def test_created_objects_exist_only_in_the_dry_run(lab: Lab) -> None:
    """Created objects are in lists and found by name and id, but only in this dry run."""
    async with a_run(lab) as (engine, ask):
        for collection, body in CREATED.items():
            made = await ask("POST", f"/vN/{collection}/create", json=body)
            assert made.status == 201
            id_ = (await made.json())["ID"]

            listed = await ask("GET", f"/vN/{collection}", params={"filters": FILTERS})
            by_name = await ask("GET", f"/vN/{collection}/ours_new")
            by_id = await ask("GET", f"/{collection}/{id_}")
            others = await ask("GET", f"/vN/{collection}", params={"filters": '{"name":["other"]}'})

            (found,) = await listed.json()
            assert id_ in {found.get("ID"), found.get("Id")}
            assert found == await by_name.json() == await by_id.json()
            assert await others.json() == []
        assert [(call.collection, call.action) for call in engine.calls] == [
            (collection, "create") for collection in CREATED
        ]
    client = lab.client()
    assert [client.services(), client.configs(), client.secrets()] == [[], [], []]
    assert client.networks(names=["ours_new"]) == []


async def test_updates_and_removals_are_recorded(lab: Lab) -> None:
    service = lab.create_service("web", "/bin/serve", replicas=0)
    async with a_run(lab) as (engine, ask):
        await ask("GET", "/vN/services")
        updated = await ask(
            "POST", f"/vN/services/{service}/update?version=5", json={"Name": "web"}
        )
        removed = await ask("DELETE", f"/vN/services/{service}")

        assert (updated.status, removed.status) == (200, 200)
        assert [(call.action, call.id, dict(call.query)) for call in engine.calls] == [
            ("update", service, {"version": "5"}),
            ("remove", service, {}),
        ]
        assert engine.seen[service]["Spec"]["Name"] == "web"
        assert engine.trouble is None
    (live,) = lab.client().services()
    assert live["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"] == ["/bin/serve"]


async def test_writes_that_do_not_belong_to_a_plan_are_refused(lab: Lab) -> None:
    async with a_run(lab) as (engine, ask):
        for method, path in [
            ("POST", "/vN/containers/create"),
            ("POST", "/vN/swarm/leave"),
            ("DELETE", "/vN/nodes/abc"),
            ("POST", "/vN/services/a/b/update"),
            ("PUT", "/vN/services/a"),
        ]:
            assert (await ask(method, path, json={})).status == 501
        assert engine.calls == []


async def test_reads_come_from_the_real_engine(lab: Lab) -> None:
    async with a_run(lab) as (engine, ask):
        ping, info = await ask("HEAD", "/_ping"), await ask("GET", "/vN/info")
        missing = await ask("GET", "/vN/services/nothing")

        assert ping.headers["Api-Version"] == lab.client().version()["ApiVersion"]
        assert (await info.json())["Name"] == lab.manager.name
        assert missing.status == 404
        assert engine.trouble is None


async def test_comparing_contents_changes_nothing(lab: Lab) -> None:
    """The only write that is passed on changes nothing, whether the content is equal or not."""
    lab.docker("config", "create", "settings", "-", stdin="a")
    (before,) = lab.client().configs()
    body = {"Name": "settings", "Labels": {"new": "label"}, "Data": "YQ=="}
    path = f"/vN/configs/{before['ID']}/update?version={before['Version']['Index']}"
    async with a_run(lab) as (engine, ask):
        same = await ask("POST", path, json=body)
        other = await ask("POST", path, json={**body, "Data": "Yg=="})

        assert same.status == 200
        assert other.status == 400
        assert "only updates to Labels are allowed" in await other.text()
        assert len(engine.calls) == 1
    assert lab.client().configs() == [before]


async def test_a_registry_that_does_not_answer_is_asked_once(lab: Lab) -> None:
    asked: list[asyncio.StreamWriter] = []

    def keep_quiet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)

    server = await asyncio.start_server(keep_quiet, lab.gateway, 0)
    port = server.sockets[0].getsockname()[1]
    async with a_run(lab, registry_seconds=0.5) as (engine, ask):
        image = f"/vN/distribution/{lab.gateway}:{port}/some/image:1/json"
        first = await ask("GET", image)
        asked_by_then = len(asked)
        second = await ask("GET", image.replace("image:1", "image:2"))
        another = await ask("GET", "/vN/distribution/nowhere.invalid/image:1/json")

        assert (first.status, second.status) == (504, 504)
        assert len(asked) == asked_by_then > 0
        assert another.status not in {200, 504}
        assert engine.trouble is None
    server.close()
    for writer in asked:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
