"""Pictures through the whole bot on a real swarm: the map, and the timelines of jobs."""

from __future__ import annotations

import asyncio
import os
import re
import struct
from pathlib import Path

from playground.slack.model import File, Message, texts_within
from tests.desk import Desk

BOB = "U0BOB00001"
PICTURES = os.environ.get("PICTURES", "")
"""A folder where the pictures are left to be looked at; none without it."""


def looked_at(file: File) -> File:
    """The file, which has to be a picture of some size; also left in the folder."""
    assert file.content is not None
    assert file.content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", file.content[16:24])
    assert width >= 600
    assert height >= 200
    if PICTURES:
        (Path(PICTURES) / file.name).write_bytes(file.content)
    return file


def failures_on(file: File) -> int:
    """How many failures the picture's text says."""
    found = re.search(r"(\d+) failures", file.alt_text)
    return int(found[1]) if found else 0


async def shared(desk: Desk, thread: str = "") -> Message:
    """The message that shares a picture, in a thread or in the channel."""
    return await desk.slack.wait_for_message(
        lambda m: bool(m.files) and (m.thread_ts or "") == thread, timeout=90
    )


async def test_a_viewer_asks_for_the_map(desk: Desk):
    """Shared in the channel, with a sentence that says what is on it; a private answer is none."""
    await desk.service("worker01", replicas=3)
    await desk.service(
        "stuck", replicas=1, running=0, options=("--constraint", "node.labels.nowhere==1")
    )
    await desk.pending("stuck")
    await desk.type("map", user=BOB)
    message = await shared(desk)
    (file,) = message.files
    looked_at(file)
    assert "3 running" in message.text
    assert "1 waiting" in message.text
    assert f"<@{BOB}>" in message.text
    assert "3 running" in file.alt_text
    assert not desk.slack.workspace.shown_to(BOB)


async def test_where_the_bot_may_not_share_the_person_is_told(desk: Desk):
    """The channel was archived: said to the person alone."""
    channel = next(c for c in desk.slack.workspace.channels.values() if not c.is_direct)
    channel.is_archived = True
    await desk.type("map")
    told = await desk.told(lambda m: "archived" in m.shown_text, seconds=90)
    assert "Nothing was changed" not in told.shown_text
    channel.is_archived = False


async def test_a_finished_job_links_its_timeline(empty_desk: Desk):
    """The verdict first; then a picture in its thread, and the link in the message, which stays
    when the probation has ended."""
    desk = empty_desk
    await desk.start_bot(BOT_TIMELINES="true", BOT_WATCH_SECONDS="5")
    await desk.service("worker01", replicas=1)
    job = await desk.job("scale 3")
    picture = await shared(desk, job.ts)
    (file,) = picture.files
    looked_at(file)
    assert file.name == f"timeline-{job.payload['job_id']}.png"
    assert "scale worker01 to 3: converged after" in file.alt_text
    assert "no failures" in file.alt_text
    linked = f"<https://emulated.slack.com/files/{file.id}/{file.name}|Timeline>"

    def shows(message: Message, *words: str) -> bool:
        text = "\n".join(texts_within(list(message.blocks)))
        return message.ts == job.ts and all(word in text for word in words)

    await desk.slack.wait_for_message(lambda m: shows(m, linked), timeout=30)
    await desk.slack.wait_for_message(lambda m: shows(m, linked, "watched until"), timeout=30)
    assert len([m for m in desk.slack.workspace.messages.values() if m.files]) == 1


async def test_a_job_whose_tasks_fail_has_its_failures_in_the_timeline(empty_desk: Desk):
    """Every failure of a slot is on it; the bot draws it itself."""
    desk = empty_desk
    bot = await desk.start_bot(BOT_TIMELINES="true")
    await desk.service("worker01", "crash", "0", "7", replicas=0)
    job = await desk.job("scale 1", seconds=90)
    assert job.payload["verdict"] == "crash_looping"
    (file,) = (await shared(desk, job.ts)).files
    looked_at(file)
    assert "crash looping" in file.alt_text
    assert failures_on(file) >= 3  # the verdict comes after three, which another may precede
    children = Path(f"/proc/{bot.pid}/task/{bot.pid}/children")
    assert await asyncio.to_thread(children.read_text) == ""


async def test_a_revised_verdict_has_a_timeline_of_its_own(empty_desk: Desk):
    """What the probation saw is on it; the message links the newer one."""
    desk = empty_desk
    await desk.start_bot(BOT_TIMELINES="true", BOT_WATCH_SECONDS="60")
    await desk.service("worker01", "crash", "8", "7", replicas=0)
    job = await desk.job("scale 1", seconds=90)
    assert job.payload["verdict"] == "converged"
    (first,) = (await shared(desk, job.ts)).files
    assert "no failures" in first.alt_text
    second = await desk.slack.wait_for_message(
        lambda m: any("crash looping" in file.alt_text for file in m.files), timeout=120
    )
    (file,) = second.files
    looked_at(file)
    assert second.thread_ts == job.ts
    assert "1 slot, " in file.alt_text
    assert failures_on(file) >= 3
    linked = f"/{file.id}/{file.name}|Timeline>"
    await desk.slack.wait_for_message(
        lambda m: m.ts == job.ts and linked in "\n".join(texts_within(list(m.blocks))), timeout=30
    )
