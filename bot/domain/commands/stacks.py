"""The commands that are about whole stacks."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands.arguments import example, without_yes
from bot.domain.commands.names import is_service_name
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import Command, Defaults, Deploy, Reply
from bot.domain.text.escaping import quoted

_FILE_ENDINGS = (".yml", ".yaml", ".env")


def _deploy(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Nothing, a stack, ``--yes`` in any place."""
    right = f"Right: {example(defaults, 'deploy')} or {example(defaults, 'deploy orochi --yes')}"
    found = without_yes("deploy", words, right)
    if isinstance(found, Reply):
        return found
    names, yes = found
    if len(names) > 1:
        return Reply("`deploy` takes one stack at a time.", right)
    name = stack_name(names[0], defaults) if names else None
    return name if isinstance(name, Reply) else Deploy(name, yes=yes)


def stack_name(word: str, defaults: Defaults) -> str | Reply:
    """A name that a stack can have."""
    if is_service_name(word):
        return word
    bare = next((word.removesuffix(end) for end in _FILE_ENDINGS if word.endswith(end)), "")
    if is_service_name(bare):
        right = example(defaults, f"deploy {bare}")
        return Reply(f"{quoted(word)} is a file; the stack is named without its ending.", right)
    return Reply(
        f"{quoted(word)} cannot be the name of a stack.",
        "A stack is named like its file without `.yml`: letters, digits, `-` and `_`.",
    )


STACKS: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="deploy",
        command=Deploy,
        usage="deploy [STACK] [--yes]",
        summary="Show what a stack's file would change, and after a Confirm make it so.",
        examples=(
            ("deploy", "the plan of the bot's own stack"),
            ("deploy shop", "that of the stack whose file is `shop.yml`"),
            ("deploy --yes", "without the question"),
        ),
        changes=True,
        parse=_deploy,
        also=("apply", "up", "release", "install", "plan"),
        notes=(
            "The plan says field by field what would change. Nothing happens before Confirm.",
            (
                "What was confirmed is what happens: if anybody changes a service of the plan"
                " meanwhile, it is refused and says what changed."
            ),
            "Replicas that were set by hand are kept, unless the file changed its number since.",
            "What the file has no more goes last, and only when everything else is well.",
            "One message follows every service to its verdict; deploys of one stack queue up.",
        ),
    ),
)
