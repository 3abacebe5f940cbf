"""What a text on one line is: short enough, and free of what would not be seen where it is shown."""

from __future__ import annotations

import re
from typing import Final

# Controls, line and paragraph separators, what is not seen or turns the direction of what follows, and
# halves of characters. Other unprintable characters, such as a space that does not break, are let pass.
NOT_TEXT: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def is_line(text: str, most: int) -> bool:
    """Whether it is a text on one line, of so many characters at most."""
    return len(text) <= most and not NOT_TEXT.search(text)
