"""The swarm's certificate authority, and the certificate that its managers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MANAGER: Final = "swarm-manager"


@dataclass(frozen=True, slots=True)
class Identity:
    """The TLS files of a manager's control socket, all in PEM. ``root`` signed the certificate."""

    root: bytes
    certificate: bytes
    key: bytes


def new_identity() -> Identity:
    """Create an authority and one certificate signed by it; the authority's key is not kept."""
    from trustme import CA  # noqa: PLC0415 - of the group demo, which the wheel does not need

    authority = CA(organization_unit_name="swarm-ca")
    manager = authority.issue_cert(_MANAGER, common_name=_MANAGER)
    (certificate,) = manager.cert_chain_pems
    return Identity(
        authority.cert_pem.bytes(), certificate.bytes(), manager.private_key_pem.bytes()
    )
