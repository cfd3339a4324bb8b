"""The commands that look at stacks and at what was deployed of them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands.arguments import example, no_arguments
from bot.domain.commands.names import is_service_name
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import Command, Defaults, ListStacks, ListVersions, Reply
from bot.domain.text.escaping import quoted


def _history(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Nothing, or one stack."""
    right = f"Right: {example(defaults, 'history')} or {example(defaults, 'history orochi')}"
    if len(words) > 1:
        return Reply("`history` tells of one stack at a time.", right)
    if not words:
        return ListVersions()
    if not is_service_name(words[0]):
        return Reply(f"{quoted(words[0])} cannot be the name of a stack.", right)
    return ListVersions(words[0])


def _stacks(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    return no_arguments("stacks", words, defaults) or ListStacks()


VERSIONS: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="history",
        command=ListVersions,
        usage="history [STACK]",
        summary="The deployed versions of a stack: who, when, how it ended, what changed.",
        examples=(
            ("history", "those of the bot's own stack"),
            ("history portainer", "those of another one"),
        ),
        changes=False,
        parse=_history,
        also=("versions", "releases", "deploys"),
        notes=(
            "The last twenty are kept, and always the last one that ended well.",
            (
                "A version is kept with its files, encrypted with a key that comes from the bot's "
                "token: with a new token the older ones are listed, and cannot be deployed again."
            ),
        ),
    ),
    CommandSpec(
        name="stacks",
        command=ListStacks,
        usage="stacks",
        summary="Which stacks may be deployed, which are, and what was changed by hand since.",
        examples=(("stacks", "the list"),),
        changes=False,
        parse=_stacks,
        also=("stack", "catalog", "drift", "files"),
        notes=(
            "Drifted is a service that is not as the bot deployed it last: the fields are named.",
            "A number of replicas that was set by hand is no drift: a deploy keeps it.",
        ),
    ),
)
