"""Masks values that look secret in external text.

A value looks secret because of the name before it (``DB_PASSWORD=…``, ``"token": "…"``, ``--api-key
…``), its position (the password of a URL, the text after ``Bearer``, ``curl -u``) or its own form
(tokens of well-known services, private keys). If the end of a value is unclear, more is masked
rather than less. The number of lines does not change.

Each rule is tried only where one of its words is, and never within what it has already matched, so
the time grows with the length of the text and not faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.domain.text.tokens import tokens

MASK: Final = "•••"
"""The replacement for a value. No rule matches it again."""

Span = tuple[int, int]

_WORDS: Final = (
    "password", "passwd", "passphrase", "passcode", "passwort", "pass", "pwd", "_pw", "-pw",
    "secret", "token", "credential", "cookie", "apikey", "api_key", "api-key",
    "accesskey", "access_key", "access-key", "accountkey", "account_key", "privatekey",
    "private_key", "private-key", "signingkey", "signing_key", "signing-key", "encryptionkey",
    "encryption_key", "encryption-key", "authkey", "auth_key", "auth-key", "authorization", "_auth",
    "masterauth", "fernet_key", "fernetkey", "master_key", "masterkey", "master-key", "rcon",
    "kennwort", "contraseña", "sharedkey", "shared_key", "sharedaccesssignature",
)  # fmt: skip
"""What makes a name a secret's. ``pass`` and ``pw`` count as whole words only."""

_ENDINGS: Final = frozenset({"_pw", "-pw", "_auth"})
_SHOWN: Final = re.compile(
    r"(?:s?[_.-]?(?:file|path|dir|name|type|policy|length|count|limit|ttl|expir\w*|enabled|required"
    r"|per_second|field|hash_algo\w*|usage|budget)s?|iz\w*)"
)
"""Endings of names that speak about a secret and do not hold it."""
_VALUE: Final = (
    r'\\+"(?:[^"\\\n]|\\(?!"))*(?:\\+"|$)'  # a string within a string
    r'|"(?:\\.|[^"\\\n])*(?:"|$)'
    r"|'(?:\\.|[^'\\\n])*(?:'|$)"
    r"|\S+"
)
_NAME: Final = r"[\w-][\w.-]{1,96}+"
_ASSIGNED: Final = re.compile(
    rf"(?P<name>{_NAME})\\*[\"'\]]?[ \t]*(?P<sign>=>|:=|=|:)[ \t]*(?P<value>{_VALUE})", re.MULTILINE
)
_OPTION: Final = re.compile(
    rf"(?P<name>{_NAME})\\*(?:[\"']?,?[ \t]+|[\"'],(?=\\*[\"']))(?P<value>{_VALUE})", re.MULTILINE
)
_ELEMENT: Final = re.compile(
    rf"(?P<name>{_NAME})(?:>|\"[ \t]+value=\")(?P<value>[^<\"\n]+)", re.MULTILINE
)
_STATED: Final = re.compile(
    r"(?:password|passwd|identified by)[ \t]+(?P<value>'[^'\n]+'|\"[^\"\n]+\")"
    r"|password[ \t]+(?:is|was|for|has been)\b[^\n:]{0,80}:[ \t]+(?P<later>\S+)"
    r"|password[ \t]+(?:is|was)[ \t]+(?P<told>(?=\S{0,64}?\d)(?=\S{0,64}?[A-Za-z])\S{8,})"
    r"|password[ \t]+\w{1,64}[ \t]*=[ \t]*(?P<given>\S+)|password\('(?P<quoted>[^'\n]+)'"
    r"|mot de passe[ \t\xa0]*[:=][ \t]*(?P<french>\S+)"
    r"|password[ \t]+(?P<third>(?<=[ \t]password[ \t])\S+)(?=\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
_BEARER: Final = re.compile(
    r"\bbearer[ \t]+(?!(?:token|auth|scheme|is|was|header|realm)\w*\b)(?P<value>\S+)", re.IGNORECASE
)
_BASIC: Final = re.compile(
    r"\bbasic[ \t]+(?-i:(?=\S*[A-Z0-9=]))(?P<value>[A-Za-z0-9+/_-]{6,}={0,2})(?![\w.])",
    re.IGNORECASE,
)
_HEADER: Final = re.compile(
    r"(?:authorization|cookie)\\*[\"']?[ \t]*:[ \t]*+"
    r"(?!(?:none|null|true|false|missing|invalid|expired)\b)(?P<value>[^\n]+)",
    re.IGNORECASE,
)
_SPACED: Final = re.compile(
    r"(?:auth_token|access_token|auth (?:plain|login|default))[ \t]+"
    r"(?P<value>(?=\S{0,64}?\d)[A-Za-z0-9+/=_-]{8,})",
    re.IGNORECASE,
)
_DOCKER_AUTH: Final = re.compile(r"\"auth\\*\"[ \t]*[:,\s][ \t]*\\*\"(?P<value>[^\"\\\n]+)", re.I)
_LOGIN: Final = re.compile(
    r"://(?:[^\s/:@\"'<>]{0,256}+:(?!\d{1,5}(?:[/?#]|$))(?P<value>[^\s\"'<>]{1,512})(?=@)"
    r"|(?P<later>(?=[^@/]{0,512}?[0-9A-Z])[^\s/:@\"'<>]{16,512})(?=:?@))",
    re.MULTILINE,
)
_QUERY: Final = re.compile(
    r"(?<=[?&;-])(?:(?:sig|key|signature|auth)=(?=[^\s&#\"'<>]{8})|code=(?=[^\s&#\"'<>]{20}))"
    r"(?P<value>(?-i:(?=[^\s&#\"'<>]{0,64}?[0-9A-Z%]))[^\s&#\"'<>]+)",
    re.IGNORECASE,
)
_ORACLE: Final = re.compile(r"jdbc:oracle:\w+:[^\s/@\"']{1,64}/(?P<value>[^\s@\"']+)(?=@)", re.I)
_BETWEEN: Final = r"[\"',\]\[\s=]"
_ARGUMENT: Final = rf"{_BETWEEN}+(?:[^\n]{{0,200}}?{_BETWEEN})?"
_COMMANDS: Final[dict[tuple[str, ...], str]] = {
    ("mysql", "mariadb"): r"[\w-]*{argument}-p(?P<value>[^\s\"',]+)",
    ("redis-cli", "redis-benchmark", "valkey-cli"): r"{argument}-a{between}+(?P<value>[^\s\"',]+)",
    ("requirepass", "masterauth"): r"{between}+(?P<value>(?!/)[^\s\"',]{{4,}})",
    ("curl", "wget"): (
        r"{argument}(?:-u|-U|--(?:proxy-)?user){between}*[^\s:\"',]+:(?P<value>[^\s\"',]+)"
    ),
    ("sshpass", "ldap", "mongo", "login"): (
        r"\w*{argument}-[pw]{between}*(?P<value>(?!-)[^\s\"',]+)"
    ),
    ("mosquitto_",): r"(?:pub|sub|rr){argument}-P{between}+(?P<value>[^\s\"',]+)",
    ("sqlcmd", "bcp", "tsql"): r"{argument}-P{between}*(?P<value>[^\s\"',]+)",
    ("openssl",): (
        r"{argument}(?:-[kK]{between}+|-pass(?:in|out)?{between}+pass:)(?P<value>(?!-)[^\s\"',]+)"
    ),
    ("smbclient", "rpcclient"): r"{argument}-U{between}*[^\s%\"',]+%(?P<value>[^\s\"',]+)",
    ("htpasswd",): r"{argument}-\w*b\w*{between}+\S+\s+\S+\s+(?P<value>\S+)",
    ("rabbitmqctl",): (
        r"{argument}(?:add_user|change_password|authenticate_user){between}+\S+\s+"
        r"(?P<value>[^\s\"',]+)"
    ),
}
"""Programs whose arguments hold a password, and where. ``-p8080`` of others is a port."""
_ATTACHED: Final = re.compile(
    r"(?<![\w-])-p(?P<value>(?=\S{0,64}?[A-Za-z])(?=\S{0,64}?\d\S{0,64}?\d)"
    r"[^\s:=/.,\"'-]{6,})(?![\w.:/])"
)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<value>.*?)"
    r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_KEYS_END: Final = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE: Final = re.compile(r"(?:^|[\s|:>\"'])(?P<value>[A-Za-z0-9+/=]{4,})[\"',]?[ \t]*$")
_KEY_LINES: Final = 80
_KEY_WIDTH: Final = 16
"""The least length of a key's lines, except the last one."""

_HIDDEN: Final = re.compile(rf"{MASK}|hidden \([0-9a-f]")
_NO_PATH: Final = re.compile(r"[^\w./~@+-]")
_NO_OPTION: Final = re.compile(r"[^\w.-]")
_NO_SECRET: Final = re.compile(
    r"[\"'(]*(?:true|false|null|none|loaded|missing|invalid|expired|required|present|absent|set|nil|undefined|yes|no|on|off|unset|\d{1,2}|\*{3,}|x{4,}"
    r"|\[?<?(?:redacted|filtered|masked|hidden)>?\]?|\$\{?\w+\}?|/[\w./-]+|<nil>)[\"',;})\]]*",
    re.IGNORECASE,
)
"""Values that hold no secret: words, small numbers, other masks, variables and paths."""
_TAG: Final = re.compile(
    r"(?:v?\d{1,4}(?:(?:a|b|rc|alpha|beta)\d{1,3})?(?:[._-](?:\d{1,8}|[a-z]{1,12}\d{0,4}))*"
    r"|latest|stable|edge|main|master)(?:@sha256:\w+)?[\"',;]?"
)
"""An image's tag: ``token-service:2.1-alpine3`` is no secret, ``password:9f3ab77c12`` is one."""
_NUMBER: Final = re.compile(r"\d+(?![\w.-])")
"""``tokens=512`` is a count."""
_LOOKED_BACK: Final = 60
_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class _Rule:
    """Masks the last group of ``pattern``, which is tried where one of ``words`` begins.

    ``needs`` is a text without which the rule cannot match. With ``names`` the words are parts of
    names; with ``options`` of the names of options.
    """

    words: tuple[str, ...]
    pattern: re.Pattern[str]
    needs: str = ""
    names: bool = False
    options: bool = False

    def spans(self, text: str, lowered: str, places: list[int]) -> Iterator[Span]:
        """The values' places. A place within an earlier match is not tried again."""
        done = 0
        for at in places if self.needs in text else ():
            found = self.pattern.match(text, at) if at >= done else None
            if found is None or (self.names and not self._is_named(found, text, lowered)):
                continue
            if span := _inner(text, found.span(found.lastgroup or 0)):
                done = found.end()
                yield span

    def _is_named(self, found: re.Match[str], text: str, lowered: str) -> bool:
        """Whether the match is a secret's name with a value, and not a word that contains one."""
        at = found.start()
        before = text[max(at - _LOOKED_BACK, 0) : at]
        if not _is_name(lowered[at : found.end("name")], before):
            return False
        if self.options:
            return _NO_OPTION.split(before)[-1].startswith("-")
        value = found["value"]
        if _NO_SECRET.fullmatch(value) or (found["name"][-1] in "sS" and _NUMBER.match(value)):
            return False
        if found.groupdict().get("sign") != ":":
            return True
        image = text[found.start("value") - 1] == ":" and _TAG.fullmatch(value) is not None
        return not image and "/" not in _NO_PATH.split(before)[-1]


def _is_name(name: str, before: str) -> bool:
    """Whether a name that begins with one of ``_WORDS``, after ``before``, holds a secret."""
    word = next(each for each in _WORDS if name.startswith(each))
    rest = name[len(word) :]
    if word == "pass" and (before[-1:].isalpha() or rest[:1].isalpha()):
        return False
    if word in _ENDINGS and rest:
        return False
    return _SHOWN.fullmatch(rest) is None


_NAMED: Final = _Rule(_WORDS, _ASSIGNED, names=True)
_EQUALLED: Final = _Rule(
    _WORDS,
    re.compile(rf"(?P<name>{_NAME})(?P<sign>=)(?P<value>{_VALUE})", re.MULTILINE),
    names=True,
)
_OPTIONS: Final = _Rule(_WORDS, _OPTION, names=True, options=True)
_SCHEMES: Final = (_Rule(("bearer",), _BEARER), _Rule(("basic",), _BASIC))
_URLS: Final = (
    _Rule(("://",), _LOGIN, needs="@"),
    _Rule(("sig=", "key=", "signature=", "auth=", "code="), _QUERY),
    _Rule(("jdbc:oracle:",), _ORACLE),
)
_PROGRAMS: Final = tuple(
    _Rule(
        words,
        re.compile(rf"(?:{'|'.join(words)})" + form.format(argument=_ARGUMENT, between=_BETWEEN)),
    )
    for words, form in _COMMANDS.items()
)
_IN_TEXT: Final = (
    *_URLS,
    _Rule(("authorization", "cookie"), _HEADER),
    _Rule(('"auth',), _DOCKER_AUTH),
    _Rule(("auth_token", "access_token", "auth "), _SPACED),
    *_SCHEMES,
    _NAMED,
    _OPTIONS,
    _Rule(_WORDS, _ELEMENT, names=True),
    _Rule(("password", "passwd", "identified by", "mot de passe"), _STATED),
    *_PROGRAMS,
    _Rule(("-p",), _ATTACHED),
)
_IN_ERRORS: Final = (*_URLS, *_SCHEMES, _EQUALLED, _OPTIONS, *_PROGRAMS)


def masked(text: str, hidden: Callable[[str], str] | None = None) -> str:
    """``text`` with ``MASK``, or what ``hidden`` makes of it, for each value that looks secret."""
    return _without(text, _IN_TEXT, hidden)


@lru_cache(maxsize=1024)
def masked_error(text: str) -> str:
    """The same for an engine's error, in which a colon introduces a reason and not a value.

    Such a text contains mount options (with a share's password), commands and addresses; a file or
    an image called ``token`` is not secret: ``/run/secrets/token: no such file``. Remembered, as
    many tasks have the same error.
    """
    return _without(text, _IN_ERRORS, None)


def _without(text: str, rules: tuple[_Rule, ...], hidden: Callable[[str], str] | None) -> str:
    if not text:
        return text
    lowered = text.translate(_LOWER)
    spans = [*tokens(text)]
    if rules is _IN_TEXT and "PRIVATE KEY" in text:
        spans += _private_keys(text)
    places = {words: _places(words, lowered) for words in {rule.words for rule in rules}}
    for rule in rules:
        spans += rule.spans(text, lowered, places[rule.words])
    parts, end = [], 0
    for start, stop in _joined(spans):
        value = text[start:stop]
        parts += [text[end:start], hidden(value) if hidden else MASK]
        end = stop
    return "".join([*parts, text[end:]])


def _places(words: tuple[str, ...], lowered: str) -> list[int]:
    found: set[int] = set()
    for word in words:
        at = lowered.find(word)
        while at >= 0:
            found.add(at)
            at = lowered.find(word, at + 1)
    return sorted(found)


def _inner(text: str, span: Span) -> Span | None:
    """The place of a value without its quotes; None if it is empty or already hidden."""
    start, end = span
    opening = re.compile(r"\\*[\"']").match(text, start, end)
    mark = opening[0] if opening else ""
    if mark:
        closed = end - start >= 2 * len(mark) and text.endswith(mark, start, end)
        start, end = start + len(mark), end - len(mark) if closed else end
    return None if start >= end or _HIDDEN.match(text, start) else (start, end)


def _joined(spans: list[Span]) -> Iterator[Span]:
    """The spans in order, overlapping ones as one."""
    last: Span | None = None
    for start, end in sorted(spans):
        if last is not None and start < last[1]:
            last = (last[0], max(end, last[1]))
            continue
        if last is not None:
            yield last
        last = (start, end)
    if last is not None:
        yield last


def _private_keys(text: str) -> Iterator[Span]:
    """The lines of private keys, also of those whose beginning is not in the text."""
    begun: set[int] = set()
    for found in _PRIVATE_KEY.finditer(text):
        begun.add(found.end())
        for line in re.finditer(r"[^\n]*\S[^\n]*", found["value"]):
            yield found.start("value") + line.start(), found.start("value") + line.end()
    for end in _KEYS_END.finditer(text):
        if end.end() not in begun:
            yield from _tail(text, end.start())


def _tail(text: str, end: int) -> Iterator[Span]:
    """The lines before a key's last line, as far as they are a key's."""
    stop = text.rfind("\n", 0, end)
    for number in range(_KEY_LINES):
        start = text.rfind("\n", 0, max(stop, 0)) + 1
        found = _KEY_LINE.search(text[start:stop]) if stop > 0 else None
        if found is None or (number and len(found["value"]) < _KEY_WIDTH):
            return
        yield start + found.start("value"), start + found.end("value")
        stop = start - 1
