"""The forms of well-known services' tokens and of addresses that are secrets themselves.

Prefixes and alphabets are those that the services document. Lengths are minimums: a token that was
cut is still a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_LETTERS: Final = "A-Za-z0-9"
_WORD: Final = r"\w-"
_HEX: Final = "a-fA-F0-9"

_PREFIXED: Final[tuple[tuple[str, str, int], ...]] = (
    # Docker and swarm
    *((prefix, r"\w+/=-", 6) for prefix in ("SWMTKN-", "SWMKEY-")),
    *((prefix, _WORD, 16) for prefix in ("dckr_pat_", "dckr_oat_")),
    # Slack
    *((f"xox{kind}-", _WORD, 6) for kind in "abcdeoprs"),
    ("xoxe.", r"\w.-", 20),
    ("xapp-", _WORD, 6),
    # code hosts, CI and registries
    *((f"gh{kind}_", _LETTERS, 20) for kind in "oprsu"),
    ("github_pat_", r"\w", 16),
    *((f"gl{kind}-", r"\w.-", 16) for kind in (
        "pat", "dt", "rt", "ptt", "ft", "cbt", "soat", "agent", "imt", "ffct", "wt",
    )),
    ("GR1348941", _WORD, 16),
    ("npm_", _LETTERS, 30),
    ("pypi-AgE", _WORD, 16),
    ("rubygems_", _HEX, 40),
    ("AKCp", _LETTERS, 40),
    ("ATATT3", r"\w=-", 40),
    ("ATBB", _LETTERS, 24),
    ("CCIPAT_", r"\w", 20),
    *((f"bk{kind}_", _HEX, 32) for kind in ("ua", "a")),
    *((f"sq{kind}_", _HEX, 32) for kind in "apu"),
    ("sgp_", r"\w", 32),
    ("PMAK-", r"a-f0-9-", 40),
    ("HRKU-", _WORD, 30),
    # clouds
    *((prefix, "A-Z0-9", 16) for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),
    ("AIza", _WORD, 30),
    ("GOCSPX-", _WORD, 20),
    ("ya29.", r"\w.-", 20),
    ("1//0", _WORD, 30),
    *((f"do{kind}_v1_", _HEX, 40) for kind in "opr"),
    ("LTAI", _LETTERS, 16),
    ("v1.0-", r"a-f0-9-", 100),
    *((f"fm{kind}_", r"\w+/=,-", 40) for kind in ("1a", "1r", "2")),
    ("fo1_", _WORD, 40),
    ("nfp_", _LETTERS, 30),
    *((f"pscale_{kind}_", r"\w.=-", 30) for kind in ("tkn", "pw", "oauth")),
    ("sbp_", _HEX, 40),
    ("sb_secret_", r"\w-", 20),
    ("sha256~", _WORD, 40),
    ("pul-", _HEX, 40),
    ("tskey-", _WORD, 16),
    ("dapi", _HEX, 32),
    # models
    *((f"sk-{kind}-", _WORD, 16) for kind in ("ant", "proj", "svcacct", "admin", "or", "lf")),
    ("hf_", _LETTERS, 30),
    ("api_org_", _LETTERS, 30),
    ("gsk_", _LETTERS, 40),
    ("xai-", _LETTERS, 40),
    ("r8_", _LETTERS, 30),
    ("pplx-", _LETTERS, 40),
    # keys and secrets of secret stores
    *((f"hv{kind}.", _WORD, 20) for kind in "bprs"),
    ("AGE-SECRET-KEY-1", "A-Z0-9", 20),
    ("ops_eyJ", r"\w=-", 40),
    *((f"dp.{kind}.", r"\w.-", 36) for kind in ("pt", "st", "ct", "sa", "scim", "audit")),
    # monitoring
    *((prefix, r"\w+/=-", 24) for prefix in ("glc_", "glsa_", "sntrys_", "sntryu_", "eyJrIjoi")),
    *((f"NR{kind}-", _WORD, 20) for kind in ("AK", "II", "JS", "RA", "AL", "IQ")),
    ("dt0c01.", r"A-Z0-9.", 60),
    # payments, mail and the rest
    *((f"{kind}_{mode}_", _LETTERS, 16) for kind in ("sk", "rk") for mode in ("live", "test")),
    ("whsec_", r"A-Za-z0-9+/=", 24),
    *((f"sq0{kind}-", _WORD, 20) for kind in ("atp", "csp", "idp")),
    ("SG.", r"\w.-", 40),
    *((f"x{kind}sib-", r"a-f0-9-", 40) for kind in ("key", "smtp")),
    ("key-", _HEX, 32),
    *((f"shp{kind}_", _HEX, 32) for kind in ("at", "ca", "pa", "ss")),
    *((f"shippo_{mode}_", _HEX, 32) for mode in ("live", "test")),
    *((f"EZ{kind}K", _LETTERS, 40) for kind in "AT"),
    *((f"duffel_{mode}_", _WORD, 30) for mode in ("live", "test")),
    *((f"FLW{kind}_TEST-", _LETTERS, 12) for kind in ("SECK", "PUBK")),
    ("lin_api_", _LETTERS, 30),
    ("ntn_", _LETTERS, 40),
    ("secret_", _LETTERS, 43),
    ("figd_", _WORD, 30),
    ("tfp_", r"\w.=-", 40),
    ("rdme_", "a-z0-9", 60),
    ("CFPAT-", _WORD, 40),
    ("fio-u-", r"\w=-", 40),
    ("ico-", _LETTERS, 32),
    ("SK", "a-f0-9", 32),
)  # fmt: skip
"""What a token begins with, the alphabet of the rest, and its least length."""

_DOLLAR: Final = r"\${1,2}"  # doubled in a compose file
_HASHED: Final = r"[./A-Za-z0-9+=,]"
_OTHERS: Final[tuple[tuple[str, str, tuple[int, ...]], ...]] = (
    ("eyJ", r"eyJ[\w-]{8,}+\.[\w.-]{4,}", (0,)),  # a JSON web token
    ("sk-", r"sk-(?=[\w-]*[A-Z0-9])[\w-]{16,}", (0,)),  # OpenAI
    ("s.", r"s\.[A-Za-z0-9]{24}(?![\w.])", (0,)),  # Vault
    ("pat", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{32,}", (0,)),  # Airtable
    # Discord: the bot's number in Base64, which begins with a digit
    *(
        (start, rf"{start}[\w-]{{21,26}}\.[\w-]{{6}}\.[\w-]{{27,}}", (0,))
        for start in ("MD", "MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT")
    ),
    (":AA", r"\d{8,10}:AA[\w-]{30,}", (10, 9, 8)),  # Telegram
    ("Q~", r"[\w~.-]{3}\dQ~[\w~.-]{31,}", (4,)),  # Microsoft Entra
    (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}", (14,)),  # Terraform
    # hashes of passwords, as of crypt(5), Django and LDAP
    ("$2", rf"{_DOLLAR}2[abxy]?{_DOLLAR}\d\d{_DOLLAR}{_HASHED}{{6,}}", (1, 0)),
    *(
        (
            f"${kind}$",
            rf"{_DOLLAR}{kind}{_DOLLAR}(?:{_HASHED}+{_DOLLAR}){{1,3}}{_HASHED}{{6,}}",
            (1, 0),
        )
        for kind in ("1", "5", "6", "y", "gy", "apr1", "argon2i", "argon2d", "argon2id", "scrypt")
    ),
    (
        "pbkdf2",
        rf"pbkdf2[\w:-]{{0,32}}{_DOLLAR}(?:{_HASHED}+{_DOLLAR}){{1,2}}{_HASHED}{{6,}}",
        (1, 0),
    ),
    *((f"{{{kind}}}", rf"\{{{kind}\}}{_HASHED}{{20,}}", (0,)) for kind in ("SHA", "SSHA")),
    ("-us", r"[a-f0-9]{32}-us\d{1,2}(?!\w)", (32,)),  # Mailchimp
)
"""A text within a token, the token's form, and how far before the text it may begin."""

_ADDRESSES: Final = (
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "hooks.slack-gov.com/services/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    ".webhook.office.com/",
    "outlook.office.com/webhook/",
    "hooks.zapier.com/hooks/catch/",
    "api.telegram.org/bot",
    "chat.googleapis.com/v1/spaces/",
)
"""Addresses of which the rest is the secret: whoever has it may post there."""

_COMPILED: Final = tuple(
    (text, re.compile(rf"(?<![A-Za-z0-9]){form}"), backs)
    for text, form, backs in (
        *((prefix, rf"{re.escape(prefix)}[{alphabet}]{{{least},}}", (0,))
          for prefix, alphabet, least in _PREFIXED),
        *_OTHERS,
    )
)  # fmt: skip
_REST: Final = re.compile(r"[^\s\"'<>)\]}]+")


def tokens(text: str) -> Iterator[tuple[int, int]]:
    """The places of tokens in a text, as start and end. Each form is looked for by a fixed text."""
    for known, pattern, backs in _COMPILED:
        at = text.find(known)
        while at >= 0:
            found = next(filter(None, (pattern.match(text, max(at - b, 0)) for b in backs)), None)
            if found is not None and found.end() > at:
                yield found.span()
            at = text.find(known, max(at + len(known), found.end() if found else 0))
    for known in _ADDRESSES:
        at = text.find(known)
        while at >= 0:
            found = _REST.match(text, at + len(known))
            if found:
                yield found.span()
            at = text.find(known, found.end() if found else at + len(known))
