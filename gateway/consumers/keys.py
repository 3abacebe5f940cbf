"""What books name things and people by: written as records write it, since only the same is found."""

from __future__ import annotations

from typing import Annotated

import msgspec

# `\Z` and not `$`, which would let a line feed stand at the end.
Name = Annotated[str, msgspec.Meta(pattern=r"^\S+\Z", max_length=64)]
Nino = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}[0-9]{6}[A-D]?\Z")]
CmsReference = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}\Z")]
