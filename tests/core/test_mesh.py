"""The words of the MESH API, read strictly: whatever is sent, it is understood or refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_client import AuthTokenGenerator

from gateway.core import mesh
from gateway.core.limits import MESH_CHUNKS, MESH_TEXT_CHARS
from gateway.core.mesh_token import MailboxSecret, read_token
from gateway.core.refusal import Reason, Refused

SECRET = MailboxSecret("a password", "a shared key")
Result = TypeVar("Result")
NOW = dt.datetime(2026, 11, 23, 12, 30, tzinfo=dt.UTC)


def headers(**given: str) -> mesh.Header:
    """Headers of a message that is right, but for what is given."""
    named = {"Mex-To": "CMSGATEWAY", "Mex-WorkflowID": "CMS_SUBMISSION"} | {
        name.replace("_", "-"): value for name, value in given.items()
    }

    def values(name: str) -> Sequence[str]:
        return [named[name]] if name in named else []

    return values


def outcome(call: Callable[[], Result]) -> Result | Refused:
    """What a call returns, or its refusal."""
    try:
        return call()
    except Refused as refusal:
        return refusal


def read(**given: str) -> mesh.Labels:
    return mesh.read_labels(headers(**given), "SHOP1", "CMSGATEWAY")


@given(count=st.integers(0, 50))
def test_the_tokens_of_the_published_client_are_proved(count: int) -> None:
    make = AuthTokenGenerator(b"a shared key", "SHOP1", "a password")
    for _ in range(count + 1):
        text = make.generate_token()
    token = read_token(text)
    assert token.is_proved_by(SECRET)
    assert not token.is_proved_by(MailboxSecret("a password", "another key"))
    assert not token.is_proved_by(MailboxSecret("another", "a shared key"))
    assert token.count == str(count)


@given(st.text(max_size=200) | st.from_regex(r"NHSMESH [A-Z0-9]*:[a-z0-9]*:\d*:\d*:[0-9a-f]*"))
def test_any_header_is_a_token_or_refused(text: str) -> None:
    found = outcome(lambda: read_token(text))
    if isinstance(found, Refused):
        assert found.reason is Reason.MAILBOX_TOKEN_NOT_VALID
    else:
        assert not found.is_proved_by(SECRET)


@given(
    st.sampled_from(["SHOP1", "SHOP2"]), st.from_regex(r"[0-9a-f]{1,8}", fullmatch=True),
    st.integers(0, 20), st.integers(0, 59), st.integers(0, 3),
)  # fmt: skip
def test_a_token_has_the_name_of_all_that_its_proof_covers(
    mailbox: str, nonce: str, count: int, minute: int, part: int
) -> None:
    words = [mailbox, nonce, str(count), f"2026112312{minute:02d}"]
    other = list(words)
    other[part] = ["SHOP3", nonce + "0", str(count + 1), f"2026112311{minute:02d}"][part]
    first, second = (read_token(f"NHSMESH {':'.join(each)}:{'0' * 64}") for each in (words, other))
    again = read_token(f"NHSMESH {':'.join(words)}:{'F' * 64}")
    assert first.use == again.use != second.use


@given(st.integers(-10_000_000, 10_000_000))
def test_a_token_is_remembered_for_as_long_as_it_is_timely(seconds: int) -> None:
    token = read_token(f"NHSMESH SHOP1:n:0:{NOW:%Y%m%d%H%M}:{'0' * 64}")
    now = NOW + dt.timedelta(seconds=seconds)
    assert token.is_timely(now) == (abs(seconds) <= 7_260)
    if token.is_timely(now):
        assert now.timestamp() <= token.expires


def test_the_proof_is_the_mac_of_the_specification() -> None:
    words = "SHOP1:n:0:a password:202611231230"
    made = hmac.new(b"a shared key", words.encode(), hashlib.sha256).hexdigest()
    assert read_token(f"NHSMESH SHOP1:n:0:202611231230:{made}").is_proved_by(SECRET)


def test_secrets_are_fresh_long_and_free_of_colons() -> None:
    made = [bytes([n]) * 64 for n in range(3)]
    secrets = [MailboxSecret.fresh(lambda size, full=full: full[:size]) for full in made]
    assert len({secret.password for secret in secrets}) == 3
    for secret in secrets:
        assert len(secret.password) == 32
        assert len(secret.shared_key) == 43
        assert ":" not in secret.password + secret.shared_key


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "Mex_To",
                "Mex_From",
                "Mex_WorkflowID",
                "Mex_LocalID",
                "Mex_Subject",
                "Mex_FileName",
                "Mex_PartnerID",
                "Content_Type",
                "Mex_Content_Type",
                "Mex_Content_Checksum",
                "Mex_Content_Compressed",
                "Mex_Content_Encrypted",
            ]
        ),
        st.text(max_size=600),
    )
)
def test_labels_are_safe_to_send_back_or_the_message_is_refused(given_: dict[str, str]) -> None:  # fmt: skip
    labels = outcome(lambda: read(**given_))
    if isinstance(labels, Refused):
        assert not any(value in labels.detail for value in given_.values() if len(value) > 20)
        return
    for text in (labels.local_id, labels.subject, labels.filename, labels.partner_id):
        assert text.isascii()
        assert text.isprintable() or not text
        assert len(text) <= 500


@given(st.text(max_size=30), st.integers(1, 2_000))
def test_a_chunk_range_is_within_bounds_or_refused(text: str, number: int) -> None:
    for value in (text, f"{number}:{text}", f"{number}:{number}", f"{number + 1}:{number}"):
        words = headers(Mex_Chunk_Range=value)
        total = outcome(lambda words=words: mesh.chunk_range(words, number))
        if isinstance(total, Refused):
            assert total.meaning.status in {406, 417}
        else:
            assert number <= total <= MESH_CHUNKS


@given(st.binary(max_size=2_000), st.integers(1, 300))
def test_pieces_make_the_whole(data: bytes, size: int) -> None:
    total = mesh.piece(data, 1, size)[1]
    pieces = [mesh.piece(data, number, size)[0] for number in range(1, total + 1)]
    assert b"".join(pieces) == data
    assert all(len(piece) == size for piece in pieces[:-1])
    for beyond in (0, total + 1):
        with pytest.raises(Refused):
            mesh.piece(data, beyond, size)


@given(st.text(alphabet="!*CMS_UBIONACKRET", max_size=30))
def test_a_filter_and_its_opposite_share_nothing_and_leave_nothing_out(pattern: str) -> None:
    if pattern.strip().startswith("!") or not pattern.strip():
        return
    kept, left = mesh.workflows_matching(pattern), mesh.workflows_matching(f"!{pattern}")
    assert sorted(kept + left) == sorted(mesh.WORKFLOWS)


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        (None, 4), ("", 4), ("*", 4), ("!*", 0), ("CMS_REQUEST", 1), ("!CMS_REQUEST", 3),
        ("CMS_SUB*", 3), ("!CMS_SUB*", 1), ("*SUBMISSION*", 3), ("*_ACK", 1), ("!*_ACK", 3),
        ("cms_request", 0), ("PATHOLOGY", 0), ("!PATHOLOGY", 4),
    ],
)  # fmt: skip
def test_filters(pattern: str | None, kept: int) -> None:
    assert len(mesh.workflows_matching(pattern)) == kept


@given(st.binary(max_size=50), st.sampled_from(["md5", "sha1", "sha256"]), st.booleans())
def test_checksums_are_told_apart_by_their_length(data: bytes, name: str, loud: bool) -> None:  # noqa: FBT001
    text = hashlib.new(name, data, usedforsecurity=False).hexdigest()
    expected = name, bytes.fromhex(text)
    assert mesh.checksum(text.upper() if loud else text) == expected
    assert mesh.checksum(f"{name}:{text}") == expected


@given(st.text(min_size=1, max_size=100))
def test_any_checksum_is_one_we_check_or_refused(text: str) -> None:
    found = outcome(lambda: mesh.checksum(text))
    if isinstance(found, Refused):
        assert found.reason is Reason.DIGEST_NOT_VALID
    else:
        assert found is not None
        assert len(found[1]) in {16, 20, 32}


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (None, 1), ("*/*", 1), ("application/json", 1), ("application/vnd.mesh.v1+json", 1),
        ("application/vnd.mesh.v2+json", 2), ("text/html, application/vnd.mesh.v2+json;q=1", 2),
    ],
)  # fmt: skip
def test_versions(accept: str | None, found: int) -> None:
    assert mesh.version(accept) == found


@pytest.mark.parametrize("accept", ["application/vnd.mesh.v3+json", "application/vnd.mesh+json"])
def test_a_version_that_is_none_is_refused(accept: str) -> None:
    with pytest.raises(Refused):
        mesh.version(accept)


def test_a_subject_that_is_an_id_says_what_the_file_is_for() -> None:
    request = "req_" + "0" * 26
    assert read(Mex_Subject=request).what_for == (request, None)
    submission = "sub_" + "0" * 26
    assert read(Mex_Subject=submission).what_for == (None, submission)
    for subject in ("October", request + "0", f"re {request}", request.upper()):
        assert read(Mex_Subject=subject).what_for == (None, None)


def test_what_a_client_calls_a_stream_of_bytes_says_nothing_of_its_format() -> None:
    assert read(Content_Type="application/octet-stream").content_type == ""
    assert read(Content_Type="text/csv").content_type == "text/csv"
    both = {"Content_Type": "application/octet-stream", "Mex_Content_Type": "text/csv"}
    assert read(**both).content_type == "text/csv"
    assert len(read(Mex_LocalID="a" * MESH_TEXT_CHARS).local_id) == MESH_TEXT_CHARS
