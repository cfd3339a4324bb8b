"""Commands that apply to whole stacks."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands import arguments
from bot.domain.commands.arguments import example, without_yes
from bot.domain.commands.names import is_service_name
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import Command, Defaults, Deploy, Reply
from bot.domain.text.escaping import quoted

_FILE_ENDINGS = (".yml", ".yaml", ".env")


def _deploy(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse nothing or a stack, and ``--yes`` in any position."""
    right = f"Try: {example(defaults, 'deploy')} or {example(defaults, 'deploy orochi --yes')}"
    found = without_yes("deploy", words, right)
    if isinstance(found, Reply):
        return found
    names, yes = found
    if len(names) > 1:
        return Reply("`deploy` takes one stack.", right)
    name = stack_name(names[0], defaults) if names else None
    return name if isinstance(name, Reply) else Deploy(name, yes=yes)


def stack_name(word: str, defaults: Defaults) -> str | Reply:
    """Parse a valid stack name."""
    if name := arguments.stack_name(word):
        return name
    bare = next((word.removesuffix(end) for end in _FILE_ENDINGS if word.endswith(end)), "")
    if is_service_name(bare):
        right = f"Try: {example(defaults, f'deploy {bare}')}"
        return Reply(f"{quoted(word)} is a file name. Leave out its extension.", right)
    return Reply(
        f"{quoted(word)} is not a valid stack name: use letters, digits, `-` and `_`.",
        "Use the name of its file without `.yml`.",
    )


STACKS: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="deploy",
        command=Deploy,
        usage="deploy [STACK] [--yes]",
        summary="Show what a stack's file would change, then apply it after Confirm.",
        examples=(
            ("deploy", "the plan of the channel's stack"),
            ("deploy shop", "the plan of the stack in `shop.yml`"),
            ("deploy --yes", "without asking first"),
        ),
        changes=True,
        parse=_deploy,
        also=("apply", "up", "release", "install", "plan"),
        notes=(
            "The plan lists every field that would change. Nothing happens before Confirm.",
            (
                "Only the confirmed plan is applied: if someone changes one of its services first,"
                " the deploy is refused and says what changed."
            ),
            "Replica counts set by hand are kept, unless the file's number has changed since.",
            "Services missing from the file are removed last, and only if all others are healthy.",
            "One message follows every service to its verdict. A stack's deploys run one by one.",
        ),
    ),
)
