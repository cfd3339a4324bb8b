"""Parsing of command arguments: numbers, services, and pairs of both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.domain.commands.names import SLASH, is_service_name, is_typed_service
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import Defaults, Reply, Scale, ScaleTarget, as_text
from bot.domain.text.escaping import quoted, shorten

YES = frozenset({"--yes", "-y"})
MOST_TARGETS = 10
NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
)
FILLERS = frozenset({"at", "by", "down", "of", "replica", "replicas", "the", "to", "up", "with"})
NO_SERVICE = "SERVICE"
"""In examples: the channel's stack has no more services."""
_NO_NAME = re.compile(r"scale \d+")
_USUAL = re.compile(r"\b(?:worker01|django)\b")
_RELATIVE = re.compile(r"[+-]+\d+")
_NUMBER_LIKE = re.compile(r"[+\-.]*\d[\d.,'_^*/x]*(?:e[+-]?\d+)?%?", re.IGNORECASE)


def number(word: str, defaults: Defaults, service: str = "") -> int | Reply:
    """Parse a replica count: digits only, at most ``defaults.max_replicas``.

    ``service`` is the typed name, for the examples.
    """
    if _is_digits(word):
        return _within_ceiling(word, defaults, service)
    return _no_number(word, defaults, service)


def service_name(word: str, defaults: Defaults) -> str | Reply:
    """Parse a service's name: ``web``, ``shop_web`` or ``shop/web``."""
    if is_typed_service(word):
        return word
    if is_typed_service(word.removesuffix(SLASH)):
        return Reply(
            f"{quoted(word)} is a stack, not a service.",
            f"To list its services: {example(defaults, f'status {word}')}",
        )
    return Reply(
        f"{quoted(word)} is not a valid service name: use letters, digits, `-` and `_`, at most 63"
        " characters.",
        f"To list the services: {example(defaults, 'status')}",
    )


def service_or_stack(word: str, defaults: Defaults) -> str | Reply:
    """Parse a service's name, or a stack's, with or without a slash behind it."""
    if is_service_name(word.removesuffix(SLASH)):
        return word
    return service_name(word, defaults)


def stack_name(word: str) -> str:
    """A stack's name, with or without a slash behind it; "" if it is not valid."""
    name = word.removesuffix(SLASH)
    return name if is_service_name(name) else ""


def one_stack(command: str, words: Sequence[str], defaults: Defaults) -> str | Reply | None:
    """The stack that a command is about, None if none is named."""
    if len(words) > 1:
        right = example(defaults, f"{command} orochi")
        return Reply(f"`{command}` takes one stack, or none.", f"Try: {right}")
    return (stack_name(words[0]) or no_stack(words[0], defaults)) if words else None


def no_stack(word: str, defaults: Defaults) -> Reply:
    """The answer to a word that is no name of a stack."""
    return Reply(
        f"{quoted(word)} is not a valid stack name.",
        f"To list the stacks: {example(defaults, 'stacks')}",
    )


def example(defaults: Defaults, text: str) -> str:
    """A full example command, as a user would type it, in a code span."""
    return quoted(f"{defaults.command} {text}", 200)


def scale_example(defaults: Defaults, replicas: int = 5, service: str = "") -> str:
    """An example of ``scale`` that is right in the channel; ``service`` is the typed name."""
    named = service or (defaults.service if defaults.elsewhere else "")
    return example(defaults, f"scale {named} {replicas}" if named else f"scale {replicas}")


def examples_of(row: CommandSpec, defaults: Defaults) -> tuple[tuple[str, str], ...]:
    """A command's examples, with services of the channel's stack where that lacks the usual ones.

    Those are left out that need more services than it has, or a default service.
    """
    single = defaults.other in {NO_SERVICE, defaults.service}
    if not (defaults.elsewhere or single):
        return row.examples
    names = {"worker01": defaults.service, "django": defaults.other}
    names |= {"django": defaults.service} if single else {}
    fitting = [
        each
        for each in row.examples
        if not (defaults.elsewhere and _NO_NAME.fullmatch(each[0]))
        and not (single and len({*_USUAL.findall(each[0])}) > 1)
    ]
    return tuple((_renamed(typed, names), _renamed(does, names)) for typed, does in fitting)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return _USUAL.sub(lambda found: names[found[0]], text)


def pair_example(defaults: Defaults) -> str:
    """An example of ``scale`` with pairs."""
    more = f" {defaults.other}=2" if defaults.other not in {NO_SERVICE, defaults.service} else ""
    return example(defaults, f"scale {defaults.service}=5{more}")


def without_yes(command: str, words: Sequence[str], right: str) -> tuple[list[str], bool] | Reply:
    """The words without options, and whether ``--yes`` is among them (in any position)."""
    options = [word for word in words if word.startswith("-")]
    if unknown := next((word for word in options if word.lower() not in YES), ""):
        return Reply(f"`{command}` has no option {quoted(unknown)}.", right)
    return [word for word in words if not word.startswith("-")], bool(options)


def scale(words: Sequence[str], defaults: Defaults) -> Scale | Reply:
    """Parse ``5`` · ``django 2`` · ``2 django`` · ``worker01=3 django=2`` (any number of pairs)."""
    if not words:
        return Reply("Scale to how many replicas?", _forms(defaults))
    flaw = _unknown_option(words, defaults) or _filler(words, defaults)
    if flaw:
        return flaw
    if len(words) == 1 and "=" not in words[0]:
        return _one_word(words[0], defaults)
    if len(words) == 2 and not any("=" in word for word in words):
        return _two_words(words[0], words[1], defaults)
    return _pairs(words, defaults)


def one_service(name: str, asked: str, words: Sequence[str], defaults: Defaults) -> str | Reply:
    """The one service that a command applies to; ``asked`` is the verb (``Restart``)."""
    right = f"Try: {example(defaults, f'{name} {defaults.service}')}"
    if not words:
        return Reply(f"{asked} which service?", right)
    if len(words) > 1:
        return Reply(f"`{name}` takes one service.", right)
    return service_name(words[0], defaults)


def no_arguments(name: str, words: Sequence[str], defaults: Defaults) -> Reply | None:
    """A reply if arguments follow a command that takes none."""
    if not words:
        return None
    return Reply(f"`{name}` takes no arguments.", f"Try: {example(defaults, name)}")


def _unknown_option(words: Sequence[str], defaults: Defaults) -> Reply | None:
    option = next((word for word in words if re.match(r"-+[A-Za-z]", word)), "")
    return Reply(f"`scale` has no option {quoted(option)}.", _forms(defaults)) if option else None


def _is_digits(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _forms(defaults: Defaults) -> str:
    named = example(defaults, f"scale {defaults.service} 5")
    forms = (scale_example(defaults), named, pair_example(defaults))
    return "Try: " + " · ".join(dict.fromkeys(forms))


def _within_ceiling(digits: str, defaults: Defaults, service: str) -> int | Reply:
    plain = digits.lstrip("0") or "0"
    if len(plain) <= len(str(defaults.max_replicas)) and int(plain) <= defaults.max_replicas:
        return int(plain)
    return Reply(
        f"{quoted(digits, 24)} replicas is above the limit of {defaults.max_replicas} per service.",
        f"Try: {scale_example(defaults, min(5, defaults.max_replicas), service)}",
    )


def _no_number(word: str, defaults: Defaults, service: str) -> Reply:
    right = f"Give the total number of replicas. Try: {scale_example(defaults, service=service)}"
    if _RELATIVE.fullmatch(word):
        return Reply(f"{quoted(word)} is a relative number.", right)
    if word.lower() in NUMBER_WORDS:
        digits = NUMBER_WORDS.index(word.lower())
        right = f"Try: {scale_example(defaults, digits, service)}"
        return Reply(f"Write {quoted(word)} as `{digits}`.", right)
    right = f"Try: {scale_example(defaults, service=service)}"
    return Reply(f"{quoted(word)} isn't a whole number.", right)


def _filler(words: Sequence[str], defaults: Defaults) -> Reply | None:
    """A reply to natural language (``to 5``, ``worker01 up by 2``) with the correct form."""
    kept = [word for word in words if word.lower() not in FILLERS]
    if len(kept) == len(words):
        return None
    left_out = next(word for word in words if word.lower() in FILLERS)
    problem = f"{quoted(left_out)} isn't needed."
    if {"by", "up", "down"} & {word.lower() for word in words}:
        right = f"Give the total number of replicas. Try: {scale_example(defaults)}"
        return Reply(problem, right)
    meant = scale(kept, defaults)
    if isinstance(meant, Reply):
        return Reply(problem, _forms(defaults))
    return Reply(problem, f"Did you mean {example(defaults, as_text(meant))}?")


def _one_word(word: str, defaults: Defaults) -> Scale | Reply:
    if _looks_like_number(word):
        if defaults.elsewhere and _is_digits(word):
            right = f"Try: {scale_example(defaults)}"
            return Reply(f"Scale which service to {quoted(word, 24)}?", right)
        return _target(defaults.service, word, defaults)
    name = service_name(word, defaults)
    if isinstance(name, Reply):
        return name
    return Reply(
        f"Scale {quoted(name)} to how many replicas?",
        f"Try: {example(defaults, f'scale {name} 5')}",
    )


def _two_words(first: str, second: str, defaults: Defaults) -> Scale | Reply:
    if _is_digits(first) and _is_digits(second):
        return Reply(
            f"Two numbers but no service: {quoted(f'{first} {second}')}.", _forms(defaults)
        )
    if _is_digits(first):
        first, second = second, first
    return _target(first, second, defaults)


def _looks_like_number(word: str) -> bool:
    if _NUMBER_LIKE.fullmatch(word) or word.lower() in NUMBER_WORDS:
        return True
    return word[0].isdigit() and not is_typed_service(word)


def _target(name: str, count: str, defaults: Defaults) -> Scale | Reply:
    service = service_name(name, defaults)
    if isinstance(service, Reply):
        return service
    replicas = number(count, defaults, "" if service == defaults.service else service)
    return replicas if isinstance(replicas, Reply) else Scale((ScaleTarget(service, replicas),))


def _pairs(words: Sequence[str], defaults: Defaults) -> Scale | Reply:
    targets: dict[str, ScaleTarget] = {}
    rest = list(words)
    while rest:
        name, count = _next_pair(rest)
        if not name or not count:
            return _half_a_pair(name, count, defaults)
        one = _target(name, count, defaults)
        if isinstance(one, Reply):
            return one
        flaw = _add(targets, one.targets[0])
        if flaw:
            return flaw
    return _not_too_many(tuple(targets.values()), defaults)


def _next_pair(rest: list[str]) -> tuple[str, str]:
    name, equals, count = rest.pop(0).partition("=")
    if not equals and not _is_digits(name) and rest and "=" not in rest[0]:
        count = rest.pop(0)
    if not equals and not count and _is_digits(name):
        return "", name
    return name, count


def _half_a_pair(name: str, count: str, defaults: Defaults) -> Reply:
    right = f"Try: {pair_example(defaults)}"
    if name:
        return Reply(f"Scale {quoted(name)} to how many replicas?", right)
    said = f"Scale which service to {quoted(count)}?" if count else "Extra `=`."
    return Reply(said, right)


def _add(targets: dict[str, ScaleTarget], target: ScaleTarget) -> Reply | None:
    known = targets.setdefault(target.service, target)
    if known == target:
        return None
    return Reply(
        f"{quoted(target.service)} is listed twice ({known.replicas} and {target.replicas}).",
        "List it once.",
    )


def _not_too_many(targets: tuple[ScaleTarget, ...], defaults: Defaults) -> Scale | Reply:
    if len(targets) <= MOST_TARGETS:
        return Scale(targets)
    first = shorten(as_text(Scale(targets[:2])), 150)
    return Reply(
        f"Too many services: {len(targets)}. One command takes at most {MOST_TARGETS}.",
        f"Split it up. Try: {example(defaults, first)}",
    )
