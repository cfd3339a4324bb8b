"""Commands that show stacks and their deployed versions."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands.arguments import example, no_arguments, stack_name
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import Command, Defaults, ListStacks, ListVersions, Reply
from bot.domain.text.escaping import quoted


def _history(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse nothing, or one stack."""
    right = f"Try: {example(defaults, 'history')} or {example(defaults, 'history orochi')}"
    if len(words) > 1:
        return Reply("`history` takes one stack.", right)
    if not words:
        return ListVersions()
    if name := stack_name(words[0]):
        return ListVersions(name)
    return Reply(f"{quoted(words[0])} is not a valid stack name.", right)


def _stacks(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    return no_arguments("stacks", words, defaults) or ListStacks()


VERSIONS: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="history",
        command=ListVersions,
        usage="history [STACK]",
        summary="Deployed versions of a stack: who, when, the result and what changed.",
        examples=(
            ("history", "versions of the channel's stack"),
            ("history portainer", "versions of another stack"),
        ),
        changes=False,
        parse=_history,
        also=("versions", "releases", "deploys"),
        notes=(
            "The last twenty are kept, and always the last successful one.",
            (
                "Each version is kept with its files, encrypted with a key derived from the bot's "
                "token. After a token change, older versions are listed but cannot be deployed."
            ),
        ),
    ),
    CommandSpec(
        name="stacks",
        command=ListStacks,
        usage="stacks",
        summary="Stacks you can deploy, what is deployed, and what was changed by hand since.",
        examples=(("stacks", "the list"),),
        changes=False,
        parse=_stacks,
        also=("stack", "catalog", "drift", "files"),
        notes=(
            "A service has drifted if it differs from the bot's last deploy; fields are listed.",
            "A replica count set by hand is not drift: a deploy keeps it.",
        ),
    ),
)
