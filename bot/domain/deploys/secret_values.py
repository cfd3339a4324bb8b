"""Secret values by where they came from, and how they are found again. Pure.

The sources are the variables of ``NAME.env``, the files under ``env_file`` and the files of docker
secrets. A value of them is secret

1. if its variable has a name that looks secret, or it is the content of a docker secret; so is the
   default of such a variable;
2. or if it is neither short nor common. Short is less than ``SHORTEST`` characters. Common is a
   word of ``_WORDS``, a number, a version, a size, a path, an address, an image, an e-mail address,
   a time zone, or what the stack's file itself says in clear.

A variable that is used in an image is not secret, as images are shown everywhere; one without a
secret's name is not either if it is used for placement, ports, networks, volumes or host names.

A value is certainly secret if its variable's name speaks of a password, a token or the like, or if
it is the content of a docker secret, and it is neither short nor common. Those are hidden in every
message of the bot, whatever it is about.

A secret value is hidden wherever the stack's file puts it, however short it is, because that place
is known. Anywhere else it is found by its text, if it is neither short nor common: a password ``e``
or ``external`` would garble every sentence, and the gaps would tell it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from bot.domain.deploys.variables import (
    INTERPOLATED,
    interpolated,
    names_in,
    value_in,
    with_default,
)
from bot.domain.text.escaping import escape

SHORTEST: Final = 6

_LONGEST: Final = 4096
_MOST: Final = 2000
_SURE: Final = 12
"""A value of this length is found within words, too."""
_NAME: Final = re.compile(
    r"pass|pwd|(?<![a-z])pw(?![a-z])|secret|token|key|auth|cred|salt|dsn|private|cert|cookie"
    r"|session|signature|hook|bearer|jwt|licen[cs]e|mnemonic|unseal|unlock|recovery|connection_?str"
    r"|kennwort|passwort|clave|(?<![a-z])(?:pin|psk|otp|sas|mdp|hmac|seed|rcon)(?![a-z])",
    re.IGNORECASE,
)
_NO_SECRETS: Final = re.compile(
    r"keycloak|keyboard|monkey|compass|passive|passenger|author(?!i[sz])|authority|hockey|tokens"
    r"|(?:key|auth|session|cert|cookie|signature)\w*"
    r"_(?:url|host|port|ports|timeout|ttl|count|length|size|layout|file|path|dir|enabled|expiry|days)$",
    re.IGNORECASE,
)
"""Words that contain one of ``_NAME``, and names that speak about a secret and do not hold it."""
_CERTAIN: Final = re.compile(
    r"pass|pwd|(?<![a-z])pw(?![a-z])|secret|token|cred|dsn|api_?key|private|webhook", re.IGNORECASE
)
_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
    enabled disabled always never default warning critical notice production development staging
    testing localhost internal external public private overlay bridge administrator postgres
    postgresql mariadb mongodb rabbitmq apache django celery worker manager service services
    server client latest stable master alpine bookworm bullseye buster replicated global orochi
    password secret username example ingress volume volumes network networks config configs
    secrets environment command entrypoint labels deploy replicas placement constraints
    resources memory condition failure healthcheck interval timeout retries driver options
""",
    )
)
_COMMON: Final = re.compile(
    r"\d{1,8}|v?\d+(?:\.\d+)+(?:[-+.](?:alpha|beta|rc|alpine|slim|bookworm|bullseye|buster|jammy"
    r"|noble|ce|ee|post|dev)[\d.]*)*"
    r"|\d+(?:\.\d+)?(?:[mnu]?s|[mhdw]|[kmgt]i?b?|%)"
    r"|\d{4}-\d\d-\d\d"
    r"|(?:\.{1,2}|~)?(?:/[\w.@+-]+)+/?|/"
    r"|(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d{1,5})?|(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?"
    r"|[a-z][a-z0-9.-]*:\d{1,5}"
    r"|[a-z][a-z0-9+.-]*://(?![^\s]*/(?=[\w-]*\d)[\w-]{16,})[^\s@?]+"
    r"|[a-z0-9._-]+(?::\d+)?(?:/[a-z0-9._-]+)*(?::[\w.-]+@sha256:[0-9a-f]{64}|@sha256:[0-9a-f]{64})"
    r"|(?:[a-z0-9-]+\.)+[a-z0-9-]+(?::\d+)?(?:/[a-z0-9._-]+)+(?::[\w.-]+)?"
    r"|[a-z0-9._-]+(?:/[a-z0-9._-]+)+:[\w.-]+"
    r"|[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}"
    r"|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific|US)"
    r"(?:/[A-Z][A-Za-z_]+)+|[a-z]{2}_[A-Z]{2}(?:\.[\w-]+)?",
)
_SHOWN_FOR_OTHERS: Final = ("deploy", "ports", "networks", "hostname", "build")
_SPLIT: Final = ("command", "entrypoint")

Hide = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class SecretValues:
    """What is secret in the input of one stack.

    ``names`` are the secret variables. ``values`` are found anywhere, ``texts`` are whole strings
    of the file that contain one, ``pairs`` such strings with their key or the word before them.
    ``certain`` are the ``values`` that are certainly secret.
    """

    names: frozenset[str] = frozenset()
    values: frozenset[str] = field(default=frozenset(), repr=False)
    texts: frozenset[str] = field(default=frozenset(), repr=False)
    pairs: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    certain: frozenset[str] = field(default=frozenset(), repr=False)

    def __or__(self, other: SecretValues) -> SecretValues:
        return SecretValues(
            self.names | other.names,
            self.values | other.values,
            self.texts | other.texts,
            self.pairs | other.pairs,
            self.certain | other.certain,
        )

    def has(self, key: str, text: str) -> bool:
        """Whether a text with this key, or after this word, is or contains a secret value."""
        return bool(text) and (
            text in self.texts
            or (key, text) in self.pairs
            or any(value in text for value in self.values)
        )

    def hidden_in(self, text: str, hide: Hide, *, certain: bool = False) -> str:
        """A text with what ``hide`` makes of each secret value in it, or of the certain ones."""
        values = self.certain if certain else self.values
        present = sorted((each for each in values if each in text), key=len, reverse=True)
        if not present:
            return text
        pattern = "|".join(map(_bounded, present))
        return re.sub(pattern, lambda found: hide(found[0]), text)


NOTHING: Final = SecretValues()


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, and does not only contain such a word."""
    return _NAME.search(_NO_SECRETS.sub("", name)) is not None


def is_common(value: str) -> bool:
    """Whether a value is too short or too common to be found by its text."""
    parts = [part.strip() for part in value.split(",")]
    return all(
        len(part) < SHORTEST or part.lower() in _WORDS or _COMMON.fullmatch(part) for part in parts
    )


def secret_values(
    document: Mapping[str, Any],
    variables: Mapping[str, str],
    *,
    environments: Mapping[str, str] | None = None,
    contents: Iterable[str] = (),
) -> SecretValues:
    """The secret values of a stack.

    ``document`` is the compose file with its variables not substituted, ``variables`` those of
    ``NAME.env``, ``environments`` those of the files under ``env_file``, ``contents`` the texts of
    its docker secrets.
    """
    written = {word for text in _texts(document) for word in re.findall(r"[\w.-]+", text)}
    in_images, elsewhere = _shown_variables(document)
    named = frozenset(
        name
        for name, value in variables.items()
        if value and name not in in_images
        and (
            is_secret_name(name)
            or not (name in elsewhere or is_common(value) or value in written)
        )
    )  # fmt: skip
    defaults = {name for name in with_default(list(document.values())) if is_secret_name(name)}
    in_place = named | (defaults - in_images)
    more = environments or {}
    known = {name: variables[name] for name in named}
    certain = [value for name, value in {**more, **known}.items() if _CERTAIN.search(name)]
    certain += [part for text in contents for part in _parts(text)]
    found = [*known.values(), *(value for value in more.values() if value not in written)]
    pairs = {
        pair for part in INTERPOLATED for pair in _pairs(document.get(part), in_place, variables)
    }
    pairs |= {(name, value) for name, value in more.items() if is_secret_name(name)}
    texts = {text for _, text in pairs if not is_common(text)}
    sure = _kept(certain, written)
    kept = _kept(found, written) | sure
    return SecretValues(named, kept, frozenset(texts), frozenset(pairs), sure)


def _kept(found: Iterable[str], written: set[str]) -> frozenset[str]:
    """The forms of the values that are found by their text: neither common nor in the file."""
    forms = {form for value in islice(found, _MOST) for form in _forms(value)}
    return frozenset(each for each in forms if not is_common(each) and each not in written)


def _bounded(value: str) -> str:
    if len(value) >= _SURE:
        return re.escape(value)
    before = r"(?<![A-Za-z0-9])" if value[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"


def _forms(value: str) -> Iterator[str]:
    """A value as it is, without quotes, as Go and JSON quote it, and as Slack escapes it."""
    plain = value.strip()
    for each in (plain, plain.strip("\"'")):
        if 0 < len(each) <= _LONGEST:
            yield each
            yield each.replace("\\", "\\\\").replace('"', '\\"')
            yield escape(each)


def _parts(content: str) -> Iterator[str]:
    """The content of a docker secret, its lines, and the values in them."""
    yield content
    for line in content.splitlines()[:_MOST]:
        yield line
        yield re.split(r"[=:]\s*", line, maxsplit=1)[-1].strip(" \"',")


def _texts(part: object) -> Iterator[str]:
    """All keys and strings, with variables left out."""
    if isinstance(part, str):
        yield str(interpolated(part, {}))
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)
    elif part is not None:
        yield str(part)


def _shown_variables(document: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The variables used in images, and those used where nothing secret is."""
    images: set[str] = set()
    others = set(names_in([document.get("networks"), document.get("volumes")]))
    services = document.get("services")
    for body in services.values() if isinstance(services, Mapping) else ():
        if isinstance(body, Mapping):
            images |= set(names_in(body.get("image")))
            for key in _SHOWN_FOR_OTHERS:
                part = body.get(key)
                if isinstance(part, Mapping):
                    part = {name: each for name, each in part.items() if name != "labels"}
                others |= set(names_in(part))
    return images, others


def _pairs(
    part: object, names: frozenset[str], variables: Mapping[str, str], key: str = ""
) -> Iterator[tuple[str, str]]:
    """The strings that contain a secret variable, each with its key or the item before it."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield from _pairs(value, names, variables, str(name))
    elif isinstance(part, list):
        before = ""
        for value in part:
            yield from _pairs(value, names, variables, before)
            before = str(interpolated(value, variables))
    elif isinstance(part, str) and names & set(names_in(part)):
        text = str(interpolated(part, variables))
        yield key, text
        name, sign, value = text.partition("=")
        if sign and value:
            yield name, value
        if key in _SPLIT:
            yield from _split(part, names, variables)


def _split(
    part: str, names: frozenset[str], variables: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The words of a command with a secret variable, each with the word before it."""
    marks = {name: chr(0xE000 + at) for at, name in enumerate(sorted(names & set(names_in(part))))}
    before = ""
    for word in _words(str(interpolated(part, {**variables, **marks}))):
        text = word
        for name, mark in marks.items():
            text = text.replace(mark, value_in(part, name, variables))
        for piece in _words(text) if text != word else [text]:
            if text != word:
                yield before, piece
            before = piece


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
