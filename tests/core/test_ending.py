"""What became of an upload: what is kept of it says the same when it is told again."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ending import End, Ending, Fault, passes
from gateway.core.record import RowError
from gateway.core.refusal import Reason, Refused

text = st.text(max_size=30)
row_errors = st.builds(
    RowError, row=st.integers(1, 9_999), field=text, code=text, message=text, fix=text
)
receipts = st.none() | text


@st.composite
def refusals(draw: st.DrawFn) -> Refused:
    errors = tuple(draw(st.lists(row_errors, max_size=4)))
    made = Refused(
        draw(st.sampled_from(Reason)),
        draw(text),
        errors=errors,
        error_count=len(errors) + draw(st.integers(0, 9)),
    )
    made.receipt = draw(receipts)
    made.submission = draw(receipts)
    return made


@given(refusals())
def test_a_refusal_that_was_kept_is_the_same_refusal(refusal: Refused) -> None:
    packed = msgspec.msgpack.encode(Ending((End(fault=Fault.of(refusal)),)))
    (end,) = msgspec.msgpack.decode(packed, type=Ending).files
    assert end.fault is not None
    again = end.fault.refusal()
    for name in ("reason", "detail", "errors", "rules", "error_count", "submission", "receipt"):
        assert getattr(again, name) == getattr(refusal, name)


@given(st.lists(refusals(), min_size=1, max_size=4))
def test_an_archive_with_a_file_that_may_pass_has_no_end_yet(found: list[Refused]) -> None:
    ending = Ending(tuple(End(fault=Fault.of(one)) for one in found), archive=True)
    assert ending.final == (not any(passes(one.reason) for one in found))


def test_trouble_of_the_gateways_own_and_of_who_is_asking_passes() -> None:
    for reason in (Reason.STORE_UNAVAILABLE, Reason.RATE_LIMITED, Reason.TOKEN_EXPIRED):
        assert passes(reason)
    for reason in (Reason.FILE_RULE, Reason.DIGEST_MISMATCH, Reason.IDEMPOTENCY_KEY_REUSED):
        assert not passes(reason)
