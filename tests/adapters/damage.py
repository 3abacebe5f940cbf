"""Files that were damaged on their way."""

from __future__ import annotations

from hypothesis import strategies as st


def overwritten(content: bytes) -> st.SearchStrategy[bytes]:
    """Content with one to four of its bytes overwritten; at its end it may grow by three."""

    def damaged(at: int, by: bytes) -> bytes:
        at %= len(content)
        return content[:at] + by + content[at + len(by) :]

    return st.builds(damaged, st.integers(0, 2**32), st.binary(min_size=1, max_size=4))
