"""The processes that are measured: each serves a directory until its standard input ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def served(module: str, directory: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run a module on a directory; gives its process id and what it told when it listened."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None and process.stdin is not None  # noqa: PT018
    try:
        yield process.pid, json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)
