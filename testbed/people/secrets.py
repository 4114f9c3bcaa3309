"""Secrets that stand for a person. What is not kept cannot be stolen: only the digest is."""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass

TOKEN = re.compile(r"tb_p_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})_([0-9a-f]{8})")
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Secret:
    """A token as it is shown once: ``public`` finds its row, ``digest`` is kept, ``text`` never is."""

    text: str
    public: str
    digest: bytes


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a secret. Secrets are random, so no salt and no slow hash is needed."""
    return hashlib.sha256(secret.encode()).digest()


def new_token() -> Secret:
    """Make a personal API token, ``tb_p_<public>_<secret>_<checksum>``; scanners know it by its shape."""
    public = "".join(secrets.choice(LETTERS) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    body = f"tb_p_{public}_{secret}"
    return Secret(f"{body}_{zlib.crc32(body.encode()):08x}", public, digest(secret))


def parts_of(token: str) -> tuple[str, bytes] | None:
    """The public part and the digest of a token, or None if it is none; costs no look-up."""
    found = TOKEN.fullmatch(token)
    if found is None or f"{zlib.crc32(token[:-9].encode()):08x}" != found[3]:
        return None
    return found[1], digest(found[2])


def same(kept: bytes, given: bytes) -> bool:
    return hmac.compare_digest(kept, given)
