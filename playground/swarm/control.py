"""A manager's control socket: the part of swarmkit's Watch API that the bot uses, with TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from bot.swarm.event_stream import watch_pb2 as pb
from playground.swarm.certificates import Identity
from playground.swarm.protobuf import message_from, node_message, service_message
from playground.swarm.simulation import Simulation
from playground.swarm.store import StoreTransaction

_NO_LEADER: Final = "The swarm does not have a leader."
_MOST_WAITING: Final = 10_000

_Context = grpc.aio.ServicerContext[Any, Any]


class ControlServer:
    """One manager's socket at ``path``; ``catch_up`` moves the simulation's clock."""

    def __init__(
        self,
        simulation: Simulation,
        path: Path,
        identity: Identity,
        catch_up: Callable[[], None],
    ) -> None:
        self._simulation = simulation
        self._path = path
        self._identity = identity
        self._catch_up = catch_up
        self._server: grpc.aio.Server | None = None
        self._watchers: set[asyncio.Queue[StoreTransaction | None]] = set()
        simulation.store.committed.append(self._tell)

    async def start(self) -> None:
        """Listen; does nothing if it already does."""
        if self._server is not None:
            return
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((self._watch_api(), self._control_api()))
        pair = (self._identity.key, self._identity.certificate)
        credentials = grpc.ssl_server_credentials([pair])
        server.add_secure_port(f"unix:{self._path}", credentials)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """End all streams and close the socket."""
        server, self._server = self._server, None
        if server is not None:
            for waiting in self._watchers:
                waiting.put_nowait(None)
            await server.stop(None)
            self._path.unlink(missing_ok=True)

    def _tell(self, transaction: StoreTransaction) -> None:
        for waiting in self._watchers:
            if waiting.qsize() < _MOST_WAITING:
                waiting.put_nowait(transaction)
            else:
                waiting.put_nowait(None)

    def _watch_api(self) -> grpc.GenericRpcHandler:
        handler = grpc.unary_stream_rpc_method_handler(
            self._watch,
            request_deserializer=pb.WatchRequest.FromString,
            response_serializer=pb.WatchMessage.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("docker.swarmkit.v1.Watch", {"Watch": handler})

    def _control_api(self) -> grpc.GenericRpcHandler:
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "ListServices": grpc.unary_unary_rpc_method_handler(
                self._list_services,
                request_deserializer=pb.ListServicesRequest.FromString,
                response_serializer=pb.ListServicesResponse.SerializeToString,
            ),
            "ListNodes": grpc.unary_unary_rpc_method_handler(
                self._list_nodes,
                request_deserializer=pb.ListNodesRequest.FromString,
                response_serializer=pb.ListNodesResponse.SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler("docker.swarmkit.v1.Control", handlers)

    async def _watch(
        self, request: pb.WatchRequest, context: _Context
    ) -> AsyncIterator[pb.WatchMessage]:
        self._catch_up()
        kinds = {entry.kind: entry.action for entry in request.entries}
        waiting: asyncio.Queue[StoreTransaction | None] = asyncio.Queue()
        if request.HasField("resume_from"):
            await self._replay(request.resume_from.index, waiting, context)
        self._watchers.add(waiting)
        try:
            yield pb.WatchMessage()
            while (transaction := await waiting.get()) is not None:
                message = message_from(transaction, kinds)
                if message is not None:
                    yield message
        finally:
            self._watchers.discard(waiting)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the stream was ended")

    async def _replay(
        self, version: int, waiting: asyncio.Queue[StoreTransaction | None], context: _Context
    ) -> None:
        store = self._simulation.store
        if version > store.index:
            await context.abort(grpc.StatusCode.UNKNOWN, "versions are out of order")
        if version < store.first_index:
            await context.abort(grpc.StatusCode.UNKNOWN, "the log was compacted past the version")
        for transaction in store.log:
            if transaction.index > version:
                waiting.put_nowait(transaction)

    async def _list_services(
        self, request: pb.ListServicesRequest, context: _Context
    ) -> pb.ListServicesResponse:
        await self._need_leader(context)
        found = self._simulation.store.services.values()
        chosen = (one for one in found if _asked(request.filters, one.id))
        return pb.ListServicesResponse(services=map(service_message, chosen))

    async def _list_nodes(
        self, request: pb.ListNodesRequest, context: _Context
    ) -> pb.ListNodesResponse:
        await self._need_leader(context)
        found = self._simulation.store.nodes.values()
        chosen = (one for one in found if _asked(request.filters, one.id))
        nodes = (node_message(one, listed=True) for one in chosen)
        return pb.ListNodesResponse(nodes=nodes)

    async def _need_leader(self, context: _Context) -> None:
        self._catch_up()
        if not self._simulation.has_leader:
            await context.abort(grpc.StatusCode.UNAVAILABLE, _NO_LEADER)


def _asked(filters: pb.ListFilters, identity: str) -> bool:
    prefixes = filters.id_prefixes
    return not prefixes or any(identity.startswith(prefix) for prefix in prefixes)
