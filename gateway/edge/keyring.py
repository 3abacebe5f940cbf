"""The gateway's own keys, from files in one directory.

    evidence.pem       Ed25519; signs checkpoints and receipts (docs/evidence.md)
    token-<n>.pem      Ed25519; signs access tokens; the highest n signs, the others still verify
    wrapping-<n>.key   AES-256; wraps the data keys of submissions; the highest n wraps
    ssh-host.pem       Ed25519; by which SFTP clients know this gateway; made when it is first needed
    index.key          HMAC-SHA-256; tags what must be found again without being readable

PEM files are PKCS #8; `.key` files hold 64 hexadecimal digits. Files are 0600 and never
overwritten; a key is rotated by adding the next number and retired by deleting its file. Trouble
with the files raises `KeyRingError`, for the operator; the messages never hold key material.

If an attacker gets the directory, they can sign as this gateway and, with the database, read
everything whose data key has not been destroyed. Keep it apart from the database and its backups.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.core.refusal import Reason, Refused

# A wrapped key is: version (1 byte), id of the wrapping key, nonce, ciphertext, tag.
_VERSION: Final = b"\x01"
KEY_ID_BYTES: Final = 8
# 96 random bits: SP 800-38D section 8.3 allows 2^32 wraps by one key; rotate long before that.
NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = 1 + KEY_ID_BYTES
DATA_KEY_BYTES: Final = 32

_KEY_BYTES: Final = 32
_FILE_BYTES_MAX: Final = 4096
_READABLE_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
# C2SP signed-note: a key name has neither spaces nor a plus sign.
_ORIGIN: Final = re.compile(r"[\x21-\x2a\x2c-\x7e]{1,255}")
_NUMBERED: Final = re.compile(r"(token|wrapping)-([1-9][0-9]{0,5})\.(pem|key)")


class KeyRingError(ValueError):
    """The key ring cannot be opened or made; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key with the `kid` under which its public half is published."""

    kid: str
    public: Ed25519PublicKey
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Sign; returns 64 bytes (RFC 8032)."""
        return self._private.sign(message)

    def jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key (RFC 8037 section 2)."""
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": _b64u(self.public.public_bytes_raw()),
            "kid": self.kid,
            "use": "sig",
            "alg": "EdDSA",
        }


@dataclass(frozen=True, slots=True)
class EvidenceKey(SigningKey):
    """The key of checkpoints and receipts; `kid` is its key id in hexadecimal (docs/evidence.md)."""

    origin: str

    @property
    def key_id(self) -> bytes:
        """The four bytes in front of a signature on a checkpoint (C2SP signed-note)."""
        return bytes.fromhex(self.kid)

    @property
    def vkey(self) -> str:
        """The public half in one line, `<origin>+<key id>+<key>`, as the judge is given it."""
        encoded = base64.b64encode(b"\x01" + self.public.public_bytes_raw()).decode("ascii")
        return f"{self.origin}+{self.kid}+{encoded}"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key the gateway holds; immutable. Open it again to see a rotation."""

    evidence: EvidenceKey
    token_keys: tuple[SigningKey, ...]
    active_wrapping_key: bytes
    _wrapping: Mapping[bytes, AESGCM] = field(repr=False)
    _index: bytes = field(repr=False)

    def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Encrypt a data key with the active wrapping key (AES-256-GCM, RFC 5116).

        `aad` says what the key is for, such as the submission's id; `unwrap` needs the same.
        """
        if len(data_key) != DATA_KEY_BYTES:
            raise ValueError("a data key has 32 bytes")
        header = _VERSION + self.active_wrapping_key
        nonce = secrets.token_bytes(NONCE_BYTES)
        # The header is authenticated too, so that no wrapped key can be passed off as another's.
        sealed = self._wrapping[self.active_wrapping_key].encrypt(nonce, data_key, header + aad)
        return header + nonce + sealed

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Decrypt a data key. Raises Refused INTERNAL, since only our own store can be at fault."""
        header, rest = wrapped[:_HEADER_BYTES], wrapped[_HEADER_BYTES:]
        key = self._wrapping.get(wrapping_key_id(wrapped))
        if key is None:
            raise Refused(Reason.INTERNAL, "The key that wraps a data key is not in the key ring.")
        try:
            return key.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + aad)
        except InvalidTag as error:
            raise Refused(Reason.INTERNAL, "A stored data key has been altered.") from error

    def tag(self, purpose: str, *parts: bytes) -> bytes:
        """Return 32 bytes by which a value is found again; without the ring it cannot be guessed.

        The same parts for another purpose, or split differently, give another tag. Compare tags
        by looking them up, or in constant time.
        """
        message = b"".join(
            len(part).to_bytes(8) + part for part in (purpose.encode("utf-8"), *parts)
        )
        return hmac.digest(self._index, message, "sha256")


def wrapping_key_id(wrapped: bytes) -> bytes:
    """Return which key a data key is wrapped with; other than the active one: wrap it again."""
    if len(wrapped) != _HEADER_BYTES + NONCE_BYTES + DATA_KEY_BYTES + _TAG_BYTES:
        raise Refused(Reason.INTERNAL, "A stored data key has the wrong length.")
    if not wrapped.startswith(_VERSION):
        raise Refused(Reason.INTERNAL, "A stored data key is of a version that is not known.")
    return wrapped[1:_HEADER_BYTES]


def check_origin(origin: str) -> None:
    """Raise `KeyRingError` for what cannot be the name of a ledger."""
    if not _ORIGIN.fullmatch(origin):
        raise KeyRingError(
            "An origin is 1 to 255 characters of printable ASCII without spaces and plus signs, "
            "such as gateway.example/ledger."
        )


def create(directory: Path) -> None:
    """Make a new key ring; raises `KeyRingError` if there is anything of one already.

    Never done by itself: a gateway that made new keys because a disk was not mounted would start
    a second ledger and could read nothing of the first.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = [path.name for path in directory.iterdir() if path.suffix in {".pem", ".key"}]
    if found:
        raise KeyRingError(f"{directory} already holds keys: {', '.join(sorted(found))}")
    _write_new(directory / "index.key", _new_secret())
    _write_new(directory / "wrapping-1.key", _new_secret())
    _write_new(directory / "token-1.pem", _new_pem())
    # Last, because `open_ring` needs it: a ring that was made half-way does not open.
    _write_new(directory / "evidence.pem", _new_pem())


def rotate_wrapping_key(directory: Path) -> Path:
    """Add a wrapping key, which wraps from the next `open_ring` on; the old ones still unwrap."""
    return _add_next(directory, "wrapping", "key", _new_secret())


def rotate_token_key(directory: Path) -> Path:
    """Add a token key, which signs from the next `open_ring` on; the old ones still verify."""
    return _add_next(directory, "token", "pem", _new_pem())


def host_key(directory: Path) -> bytes:
    """The SSH host key as PEM, made if it is not there; raises `KeyRingError`."""
    path = directory / "ssh-host.pem"
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, _new_pem())
    pem = _read(path, lax=False)
    _private_key(path.name, pem)
    return pem


def open_ring(
    directory: Path, *, origin: str, allow_files_readable_by_others: bool = False
) -> KeyRing:
    """Open the ring in `directory`; `origin` is the ledger's name (docs/evidence.md).

    `allow_files_readable_by_others` is for secret mounts that cannot be 0600: whoever else can
    log in to the machine can then read the keys.
    """
    check_origin(origin)
    if not directory.is_dir():
        raise KeyRingError(f"{directory}: there is no key ring here")

    def read(name: str) -> bytes:
        return _read(directory / name, lax=allow_files_readable_by_others)

    def secret(name: str) -> bytes:
        return _secret(name, read(name))

    wrapping = {
        _wrapping_id(key): AESGCM(key) for key in map(secret, _numbered(directory, "wrapping"))
    }
    token_keys = tuple(_token_key(name, read(name)) for name in _numbered(directory, "token"))
    if not wrapping or not token_keys:
        raise KeyRingError(f"{directory}: a wrapping key or a token key is missing")
    return KeyRing(
        _evidence_key(origin, read("evidence.pem")),
        token_keys,
        next(iter(wrapping)),
        MappingProxyType(wrapping),
        secret("index.key"),
    )


def key_thumbprint(public: Ed25519PublicKey) -> str:
    """Return the JWK thumbprint of a key (RFC 7638, RFC 8037 appendix A.3)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _b64u(public.public_bytes_raw())}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode("ascii")
    return _b64u(hashlib.sha256(canonical).digest())


def _evidence_key(origin: str, pem: bytes) -> EvidenceKey:
    private = _private_key("evidence.pem", pem)
    public = private.public_key()
    named = origin.encode("ascii") + b"\n\x01" + public.public_bytes_raw()
    return EvidenceKey(hashlib.sha256(named).digest()[:4].hex(), public, private, origin)


def _token_key(name: str, pem: bytes) -> SigningKey:
    private = _private_key(name, pem)
    return SigningKey(key_thumbprint(private.public_key()), private.public_key(), private)


def _wrapping_id(key: bytes) -> bytes:
    """Name a key after itself, so that a file that was restored under another number still fits."""
    return hmac.digest(key, b"cms-gateway wrapping key id v1", "sha256")[:KEY_ID_BYTES]


def _numbered(directory: Path, kind: str) -> list[str]:
    """List the file names of one kind, the highest number first."""
    matches = [_NUMBERED.fullmatch(path.name) for path in directory.iterdir()]
    found = [match for match in matches if match and match[1] == kind]
    return [match[0] for match in sorted(found, key=lambda match: int(match[2]), reverse=True)]


def _add_next(directory: Path, kind: str, suffix: str, content: bytes) -> Path:
    names = _numbered(directory, kind)
    if not names:
        raise KeyRingError(f"{directory}: there is no {kind} key to follow")
    number = int(names[0].removeprefix(f"{kind}-").split(".")[0]) + 1
    path = directory / f"{kind}-{number}.{suffix}"
    _write_new(path, content)
    return path


def _new_secret() -> bytes:
    return secrets.token_hex(_KEY_BYTES).encode("ascii") + b"\n"


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _secret(name: str, content: bytes) -> bytes:
    text = content.strip()
    if not re.fullmatch(rb"[0-9a-f]{64}", text):
        raise KeyRingError(f"{name}: a key is 64 hexadecimal digits, in lower case")
    return bytes.fromhex(text.decode("ascii"))


def _private_key(name: str, pem: bytes) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: the library's words may hold part of the file.
        raise KeyRingError(f"{name}: this is not an unencrypted PKCS #8 private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRingError(f"{name}: this is not an Ed25519 key")
    return key


def _read(path: Path, *, lax: bool) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise KeyRingError(f"{path}: {error.strerror}") from error
    if not lax and mode & _READABLE_BY_OTHERS:
        raise KeyRingError(f"{path}: other users can read this key; give it mode 0600")
    if len(content) > _FILE_BYTES_MAX:
        raise KeyRingError(f"{path}: this is too large to be a key")
    return content


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that must not be there yet: 0600, on the disk, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces what is already there.
        path.hardlink_to(temporary)
    except FileExistsError as error:
        raise KeyRingError(f"{path}: there is a key already; it is never overwritten") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _b64u(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
