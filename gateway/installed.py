"""What comes installed with the gateway: the law as tables, and the texts of notices.

Each is immutable and read once a process; who changes the files starts the gateway anew.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from gateway.core.deadlines import Deadlines
from gateway.core.duty import Law
from gateway.core.matching import Model, read_model
from gateway.core.notices import Templates


def law(own: Path | None = None) -> Law:
    """The duty table; files of classes in `own` stand beside its own, or in their place.

    Raises ValueError for a table that cannot be used.
    """
    if own is None:
        return _law()
    return _read_law({path.stem: path.read_bytes() for path in own.glob("*.toml")})


@cache
def deadlines() -> Deadlines:
    """The table of deadlines."""
    return Deadlines((files("schemas") / "deadlines.toml").read_bytes())


@cache
def templates() -> Templates:
    """The texts of notices, in each language."""
    texts = files("schemas") / "notices"
    return Templates(
        {
            f"{language.name}/{item.name}": item.read_bytes()
            for language in texts.iterdir()
            if language.is_dir()
            for item in language.iterdir()
        }
    )


@cache
def weights() -> Model:
    """What agreement and difference of each field weigh in matching."""
    return read_model((files("schemas") / "matching.toml").read_text())


@cache
def _law() -> Law:
    return _read_law({})


def _read_law(own: dict[str, bytes]) -> Law:
    duties = files("schemas") / "duties"
    classes = {
        item.name.removesuffix(".toml"): item.read_bytes()
        for item in (duties / "classes").iterdir()
        if item.name.endswith(".toml")
    }
    return Law((duties / "law.toml").read_bytes(), classes | own)
