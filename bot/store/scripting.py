"""The Lua scripts. Every state transition is one script, so it is atomic."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from importlib.resources import files

from redis.asyncio import Redis

from bot.store.connection import RedisLink, Reply
from bot.store.keys import Keys, StoreLimits

NAMES = (
    *("submit", "take", "renew", "release", "save", "finish", "set_aside", "cancel", "leave"),
    *("running", "ahead"),
    *(
        "accept",
        "keep_pending",
        "adopt_pending",
        "refuse",
        "discard",
        "withdraw",
        "abandoned",
        "before",
    ),
    *("due", "keep_delivery", "told", "delivered", "postpone", "redeliver", "link_timeline"),
    *("lead", "go_on_leading", "stop_leading", "save_watcher_state"),
    *("keep_bundle", "note_version"),
    *("keep_plan", "decide_plan", "plans_due", "forget_plan"),
    "budget",
)


class Scripts:
    """All scripts of one prefix. They are loaded again if Redis has lost them."""

    def __init__(self, link: RedisLink, keys: Keys, limits: StoreLimits) -> None:
        self._link = link
        self._keys = keys.all
        self._loaded = {name: link.commands.register_script(_text(name, limits)) for name in NAMES}

    async def run(self, name: str, *args: str | float) -> Reply:
        """Run one script; its first comment documents the result. Raises StoreUnavailableError."""
        script = self._loaded[name]

        async def call(_: Redis) -> Reply:
            return await script(keys=self._keys, args=args)

        return await self._link.call(call)


@cache
def _text(name: str, limits: StoreLimits) -> str:
    folder = files("bot.store") / "scripts"
    parts = [(folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("prelude", name)]
    return "\n".join([_constants(limits), *parts])


def _constants(limits: StoreLimits) -> str:
    values = {field.name.upper(): getattr(limits, field.name) for field in fields(limits)}
    said = (repr(value) for value in values.values())
    return f"local {', '.join(values)} = {', '.join(said)}"
