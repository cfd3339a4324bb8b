"""Commands that apply to whole stacks."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands import arguments
from bot.domain.commands.arguments import example, without_yes
from bot.domain.commands.names import SLASH, is_service_name, is_typed_service
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import Command, Defaults, Deploy, Remove, Reply
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


def _remove(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse one stack, which must be named."""
    right = f"Try: {example(defaults, 'remove shop')}"
    options = [word for word in words if word.startswith("-")]
    if options:
        said = f"`remove` has no option {quoted(options[0])}: it asks for the stack's name."
        return Reply(said, right)
    if not words:
        return Reply("Remove which stack?", f"{right}. To list them: {example(defaults, 'stacks')}")
    if len(words) > 1:
        return Reply("`remove` takes one stack.", right)
    if is_typed_service(words[0]) and SLASH in words[0]:
        stop = example(defaults, f"scale {words[0]} 0")
        said = f"{quoted(words[0])} is a service, and `remove` takes a stack."
        return Reply(said, f"To stop a service: {stop}")
    name = stack_name(words[0], defaults, "remove")
    return name if isinstance(name, Reply) else Remove(name)


def stack_name(word: str, defaults: Defaults, command: str = "deploy") -> str | Reply:
    """Parse a valid stack name; ``command`` is for the example of a correct one."""
    if name := arguments.stack_name(word):
        return name
    bare = next((word.removesuffix(end) for end in _FILE_ENDINGS if word.endswith(end)), "")
    if is_service_name(bare):
        right = f"Try: {example(defaults, f'{command} {bare}')}"
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
    CommandSpec(
        name="remove",
        command=Remove,
        usage="remove STACK",
        summary="Remove a stack's services, networks, configs and secrets. Its volumes stay.",
        examples=(("remove shop", "the plan; nothing happens before the stack's name is typed"),),
        changes=True,
        parse=_remove,
        also=("rm", "delete", "undeploy", "uninstall", "destroy"),
        notes=(
            "The plan names everything that goes, and the volumes that stay.",
            "To confirm it, type the stack's name into the plan's message and press *Remove*.",
            "Refused while a service outside of it uses one of its networks, configs or secrets.",
            (
                "It is kept as a version: `rollback STACK/` brings it back as it was deployed, with"
                " the replicas it had."
            ),
        ),
    ),
)
