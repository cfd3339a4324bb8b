"""gRPC over a control socket. Imported only when needed, because grpcio takes ten megabytes."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeVar

# The library writes every failed connection to standard error in its own format; each call also
# raises the error, which is logged by the bot.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
import grpc.aio
from google.protobuf.message import Message

from bot.domain.errors import SwarmError, SwarmUnavailableError
from bot.domain.swarm.events import Batch, CursorLostError
from bot.swarm.event_stream import watch_pb2 as pb
from bot.swarm.event_stream.reading import ObjectListing, Reader
from bot.swarm.event_stream.tunnel import SERVER_NAME, Tunnel

if TYPE_CHECKING:
    _Call = grpc.aio.UnaryStreamCall[Message, pb.WatchMessage]

_M = TypeVar("_M", bound=Message)

_OPTIONS: Final = (
    ("grpc.default_authority", SERVER_NAME),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_retries", 0),
    # gRPC would send the tunnel's abstract socket through a proxy of the environment.
    ("grpc.enable_http_proxy", 0),
    # A separate connection, without the backoff of earlier failed ones.
    ("grpc.use_local_subchannel_pool", 1),
)
_KINDS: Final = ("task", "service", "node")
_EVERY_ACTION: Final = pb.ACTION_CREATE | pb.ACTION_UPDATE | pb.ACTION_REMOVE
_WATCH: Final = "/docker.swarmkit.v1.Watch/Watch"
_LIST_SERVICES: Final = "/docker.swarmkit.v1.Control/ListServices"
_LIST_NODES: Final = "/docker.swarmkit.v1.Control/ListNodes"
_NOBODY: Final = "-"

_AHEAD: Final = ("out of order", "out of bounds")
_COMPACTED: Final = "compact"
_LONGEST: Final = 200


class GrpcChannel:
    """gRPC calls through an open tunnel to a manager; an async context manager.

    ``seconds`` is the time limit of each call. All errors are raised as ``SwarmError``.
    """

    def __init__(self, tunnel: Tunnel, seconds: float) -> None:
        self._channel = grpc.aio.insecure_channel(tunnel.target, options=_OPTIONS)
        self._seconds = seconds

    async def __aenter__(self) -> GrpcChannel:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._channel.close()

    async def check(self) -> None:
        """Return if the manager and the swarm's leader answer; raises SwarmError otherwise.

        Lists nodes by an id that none has; the manager forwards this request to the leader.
        """
        filters = pb.ListFilters(id_prefixes=[_NOBODY])
        await self._call(_LIST_NODES, pb.ListNodesRequest(filters=filters), pb.ListNodesResponse)

    async def listing(self) -> ObjectListing:
        """All services and nodes."""
        asked = pb.ListServicesRequest()
        services = await self._call(_LIST_SERVICES, asked, pb.ListServicesResponse)
        nodes = await self._call(_LIST_NODES, pb.ListNodesRequest(), pb.ListNodesResponse)
        return ObjectListing(tuple(services.services), tuple(nodes.nodes))

    def stream(self, resume_from: int | None, version: int) -> BatchStream:
        """Start a stream of the changes after a version, None: from now on.

        ``version`` is one that the log has reached; everything up to it counts as reported.
        """
        entries = [pb.WatchRequest.Entry(kind=kind, action=_EVERY_ACTION) for kind in _KINDS]
        request = pb.WatchRequest(entries=entries)
        if resume_from is not None:
            request.resume_from.index = resume_from
        method = self._channel.unary_stream(
            _WATCH,
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.WatchMessage.FromString,
        )
        return BatchStream(method(request), Reader(version))

    async def _call(self, path: str, request: Message, answer: type[_M]) -> _M:
        method = self._channel.unary_unary(
            path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            found: _M = await method(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            raise translate(error) from error
        return found


class BatchStream:
    """The batches of one stream."""

    def __init__(self, call: _Call, reader: Reader) -> None:
        self._call = call
        self._reader = reader
        self._reading: asyncio.Future[object] | None = None

    @property
    def version(self) -> int:
        """The version to resume from."""
        return self._reader.version

    def learn(self, listing: ObjectListing) -> None:
        """Use the services and nodes of a listing."""
        self._reader.learn(listing)

    async def next(self, seconds: float) -> Batch | None:
        """The next batch; None if none came in time. Raises SwarmError at the end of the stream."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._call.read())
        # Not cancelled after the timeout, because that would cancel the whole stream.
        done, _ = await asyncio.wait({self._reading}, timeout=seconds)
        if not done:
            return None
        reading, self._reading = self._reading, None
        try:
            message = reading.result()
        except grpc.aio.AioRpcError as error:
            raise translate(error) from error
        if not isinstance(message, pb.WatchMessage):
            raise SwarmUnavailableError("The engine ended the stream of changes.")
        return self._reader.read(message)

    async def close(self) -> None:
        """End the stream."""
        self._call.cancel()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)


def translate(error: grpc.aio.AioRpcError) -> SwarmError:
    """The error for the end of a call or a stream."""
    said = _cut(error.details() or error.code().name)
    text = said.lower()
    if any(word in text for word in _AHEAD):
        return CursorLostError(
            "The manager does not know the version to resume from: it lags behind the others, or "
            "the version belongs to another swarm.",
            ahead=True,
        )
    if _COMPACTED in text:
        return CursorLostError(
            "The managers have compacted their log past the version to resume from.", ahead=False
        )
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return SwarmUnavailableError(
            "The engine did not answer in time at its control socket.",
            hint="The swarm may be electing a leader.",
        )
    return SwarmUnavailableError(f"The engine's control socket says: {said}.")


def _cut(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
