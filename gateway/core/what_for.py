"""What a file is for, where only a name can say it: a folder, or the subject of a message.

`req_...` is the request that it answers, `bat_...` a list of them, `sub_...` the submission whose
refused rows it brings again.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

FOLDERS: Final = ("req_", "bat_", "sub_")
_ID: Final = re.compile(r"(?:req|bat|sub)_[0-9A-V]{26}", re.ASCII)


class WhatFor(NamedTuple):
    """A request that is answered, or a submission that is completed; seldom both, often neither."""

    request: str | None = None
    completes: str | None = None


def of_folder(name: str) -> WhatFor:
    """What a folder's files are for; its name is empty, or begins as an id does."""
    if name.startswith("sub_"):
        return WhatFor(completes=name)
    return WhatFor(request=name or None)


def of_subject(text: str) -> WhatFor:
    """What a message is for; a subject that is no id says nothing."""
    return of_folder(text) if _ID.fullmatch(text) else WhatFor()
