"""A small year lived in seconds; `python -m bench.year` lives a large one."""

from __future__ import annotations

from pathlib import Path

from bench import year


async def test_a_year_of_requests_ends_lawfully(tmp_path: Path) -> None:
    assert await year.run(40, 250, seed=7, directory=tmp_path)
