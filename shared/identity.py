"""Who asks: the signed identity that the gateway adds to each request, and the tokens between services.

Both are JWTs (RFC 7519) signed with Ed25519. Portal signs a person's (`typ` `identity+jwt`, audience `liaison`);
a service signs its own calls (`typ` `service+jwt`, audience the called service).
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from shared import keyring
from shared.errors import Unauthorized

HEADER = "Liaison-Identity"
IDENTITY_SECONDS = 90
SERVICE_SECONDS = 60
LEEWAY = 5


@dataclass(frozen=True)
class Identity:
    """A signed-in person, or a service that calls.

    `associate_id` is whom an associate's user is tied to, and so whose customers alone that user sees. `features` are
    the parts of Liaison that this installation has switched on.
    """

    user_id: UUID
    name: str
    kind: str
    permissions: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    associate_id: UUID | None = None

    @property
    def sees_all(self) -> bool:
        """Tell whether this is one of our own, whom permissions alone limit; all others see a part of the records."""
        return self.kind in ("employee", "service")

    def may(self, permission: str) -> bool:
        """Tell whether this person has `permission`."""
        return permission in self.permissions

    def has(self, feature: str) -> bool:
        """Tell whether `feature` is switched on here."""
        return feature in self.features


SERVICE_ID = UUID(int=0)


def sign_identity(keys: Path, identity: Identity, *, now: float | None = None) -> str:
    """Return the token that names a person; only portal has the key for it."""
    issued = int(now if now is not None else time.time())
    claims = {
        "iss": "portal",
        "aud": "liaison",
        "sub": str(identity.user_id),
        "iat": issued,
        "exp": issued + IDENTITY_SECONDS,
        "name": identity.name,
        "kind": identity.kind,
        "perms": sorted(identity.permissions),
        "features": sorted(identity.features),
        "associate": str(identity.associate_id) if identity.associate_id else None,
    }
    header = {"alg": "Ed25519", "typ": "identity+jwt"}
    return jwt.encode(header, claims, keyring.private_key(keys, "portal"), algorithms=["Ed25519"])


def verify_identity(keys: Path, token: str) -> Identity:
    """Return the person a token names; raise Unauthorized for anything but a fresh token of portal."""
    claims = _verified(token, keys, "portal", typ="identity+jwt", audience="liaison")
    return Identity(
        user_id=UUID(claims["sub"]),
        name=claims["name"],
        kind=claims["kind"],
        permissions=frozenset(claims["perms"]),
        features=frozenset(claims.get("features", ())),
        associate_id=UUID(claims["associate"]) if claims.get("associate") else None,
    )


def sign_service(keys: Path, caller: str, called: str) -> str:
    """Return the token with which service `caller` calls service `called`."""
    issued = int(time.time())
    claims = {"iss": caller, "aud": called, "iat": issued, "exp": issued + SERVICE_SECONDS}
    header = {"alg": "Ed25519", "typ": "service+jwt"}
    return jwt.encode(header, claims, keyring.private_key(keys, caller), algorithms=["Ed25519"])


def verify_service(keys: Path, token: str, called: str) -> Identity:
    """Return the calling service as an identity of kind `service`; raise Unauthorized otherwise."""
    try:
        issuer = jwt.decode(token, keyring.public_key(keys, _unverified_issuer(token)), algorithms=["Ed25519"]).claims[
            "iss"
        ]
    except (JoseError, ValueError, KeyError, OSError) as error:
        raise Unauthorized("This call is not signed by a service that is known here.") from error
    _verified(token, keys, issuer, typ="service+jwt", audience=called)
    return Identity(user_id=SERVICE_ID, name=issuer, kind="service")


def _unverified_issuer(token: str) -> str:
    issuer = json.loads(jws.extract_compact(token.encode()).payload)["iss"]
    if issuer not in keyring.ISSUERS:
        raise ValueError(issuer)
    return str(issuer)


def _verified(token: str, keys: Path, issuer: str, *, typ: str, audience: str) -> dict[str, Any]:
    registry = JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    )
    try:
        decoded = jwt.decode(token, keyring.public_key(keys, issuer), algorithms=["Ed25519"])
        registry.validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise Unauthorized("Your sign-in could not be verified. Sign in again.") from error
    if decoded.header.get("typ") != typ:
        raise Unauthorized("Your sign-in could not be verified. Sign in again.")
    return decoded.claims
