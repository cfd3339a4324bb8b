"""Interfaces between the core and the outside. Handlers and loops use only these.

Every method may raise the errors of ``bot.domain.errors`` that belong to its side: the store
``StoreUnavailableError``, the swarm ``SwarmError`` and its subclasses, the chat ``ChatError`` and
its subclasses.
"""

from __future__ import annotations

from bot.ports.authority import Still, acts_until, mind
from bot.ports.chat import Asker, Chat, Receive, Request, Spoken, Upload
from bot.ports.clock import Clock
from bot.ports.drawing import Drawing
from bot.ports.feed import Feed, FeedChange, FeedStatus, ProbeClient, Stream, Subscription
from bot.ports.image_notices import ImageNotices
from bot.ports.incidents import Incidents, Kept
from bot.ports.jobs import Ahead, CancelResult, Delivery, Held, Jobs, LeaseToken, Plans
from bot.ports.registry import Manifest, Registry
from bot.ports.stacks import Applied, FileImage, Recording, Stacks, Versions
from bot.ports.swarm import EngineInfo, Guard, Looks, Scaled, Swarm, Updated

__all__ = [
    "Ahead",
    "Applied",
    "Asker",
    "CancelResult",
    "Chat",
    "Clock",
    "Delivery",
    "Drawing",
    "EngineInfo",
    "Feed",
    "FeedChange",
    "FeedStatus",
    "FileImage",
    "Guard",
    "Held",
    "ImageNotices",
    "Incidents",
    "Jobs",
    "Kept",
    "LeaseToken",
    "Looks",
    "Manifest",
    "Plans",
    "ProbeClient",
    "Receive",
    "Recording",
    "Registry",
    "Request",
    "Scaled",
    "Spoken",
    "Stacks",
    "Still",
    "Stream",
    "Subscription",
    "Swarm",
    "Updated",
    "Upload",
    "Versions",
    "acts_until",
    "mind",
]
