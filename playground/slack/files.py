"""File uploads in three steps: ask for a URL, send the bytes there, complete."""

from dataclasses import replace
from typing import Final

from aiohttp import web

from playground.slack.chat import thread_of, visible_channel
from playground.slack.model import Content, File, Json
from playground.slack.refusals import Refusal
from playground.slack.web_api import Call, Method
from playground.slack.workspace import BOT_USER_ID, Workspace

WRITE: Final = frozenset({"files:write"})
ALT_TEXT: Final = 1_000
UPLOAD_PATH: Final = "/upload/v1/"


def upload_url(call: Call) -> Json:
    """`files.getUploadURLExternal`."""
    length = call.arguments.number("length", 0)
    if length < 1:
        raise Refusal("invalid_arguments", "must be a positive integer: length")
    name = call.arguments.required("filename")
    alt_text = call.arguments.text("alt_txt")
    if len(alt_text) > ALT_TEXT:
        raise Refusal("invalid_arguments", "must be 1000 characters or fewer: alt_txt")
    made = File(f"F0FILE{call.workspace.number():05d}", name, length, alt_text=alt_text)
    call.workspace.files[made.id] = made
    return {"upload_url": f"{call.root_url}{UPLOAD_PATH}{made.id}", "file_id": made.id}


async def receive(workspace: Workspace, request: web.Request) -> web.Response:
    """Receive the bytes of one file; their number must be the announced one."""
    file = workspace.files.get(request.match_info["file"])
    content = await _sent_bytes(request)
    if file is None or file.content is not None:
        return web.Response(status=404, text="not found")
    if len(content) != file.length:
        return web.Response(status=400, text="length mismatch")
    file.content = content
    return web.Response(text=f"OK - {file.length}")


async def _sent_bytes(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    sent = [part for part in (await request.post()).values() if isinstance(part, web.FileField)]
    return sent[0].file.read() if sent else b""


def complete(call: Call) -> Json:
    """`files.completeUploadExternal`: shares the files in a channel, if one is given."""
    listed = call.arguments.objects("files", "invalid_arguments")
    if not listed:
        raise Refusal("invalid_arguments", "missing required field: files")
    files = [_uploaded(call, each) for each in listed]
    if call.arguments.text("channel_id"):
        _share(call, files)
    return {"files": [file.as_json() for file in files]}


def _uploaded(call: Call, listed: Json) -> File:
    file = call.workspace.files.get(str(listed.get("id")))
    if file is None or file.content is None:
        raise Refusal("file_not_found")
    file.title = str(listed.get("title") or file.name)
    return file


def _share(call: Call, files: list[File]) -> None:
    channel = visible_channel(call, call.arguments.text("channel_id"))
    if channel.is_archived:
        raise Refusal("is_archived")
    if BOT_USER_ID not in channel.members:
        raise Refusal("not_in_channel")
    for file in files:
        file.channels.append(channel.id)
    comment = Content(call.arguments.text("initial_comment"))
    shared = tuple(replace(file) for file in files)
    call.workspace.post(channel.id, comment, thread_ts=thread_of(call, channel), files=shared)
    for file in files:
        call.workspace.emit("file", id=file.id, name=file.name)


def info(call: Call) -> Json:
    """`files.info`."""
    file = call.workspace.files.get(call.arguments.required("file"))
    if file is None:
        raise Refusal("file_not_found")
    return {"file": file.as_json()}


METHODS: Final = {
    "files.getUploadURLExternal": Method(upload_url, WRITE),
    "files.completeUploadExternal": Method(complete, WRITE),
    "files.info": Method(info, frozenset({"files:read"})),
}
