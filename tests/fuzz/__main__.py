"""The long form: `python -m tests.fuzz ADAPTER --seconds N`; all adapters in turn without a name.

With atheris installed it is guided by what of the reader's own code a body reaches; without, or with
`--plain`, bodies are mutated by chance. What breaks a reader is written to a file, and its name told.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import sys
import time
from pathlib import Path

from gateway.core.adapter import Adapter
from tests.fuzz.targets import ADAPTERS, bodies, run, samples_of


def plain(adapter: Adapter, seconds: float, seed: int) -> int:
    """Mutate by chance until the time is over; how many bodies were read."""
    end = time.monotonic() + seconds
    count = 0
    for body in bodies(adapter, random.Random(seed)):
        try:
            run(adapter, body)
        except BaseException:
            path = Path(f"crash-{adapter.name}-{hashlib.sha256(body).hexdigest()[:16]}")
            path.write_bytes(body)
            print(f"{adapter.name}: broken by {path}", file=sys.stderr)
            raise
        count += 1
        if time.monotonic() > end:
            break
    return count


def guided(adapter: Adapter, seconds: int, corpus: Path) -> None:
    """Let atheris choose the bodies; it ends the process when the time is over."""
    atheris = importlib.import_module("atheris")
    corpus.mkdir(parents=True, exist_ok=True)
    for sample in samples_of(adapter):
        (corpus / hashlib.sha256(sample).hexdigest()[:16]).write_bytes(sample)
    atheris.instrument_all()
    arguments = [sys.argv[0], f"-max_total_time={seconds}", "-max_len=65536", str(corpus)]
    atheris.Setup(arguments, lambda data: run(adapter, data) and None)
    atheris.Fuzz()


def main() -> None:
    """Fuzz one adapter, or each in turn."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("adapter", nargs="?", choices=sorted(ADAPTERS))
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--corpus", type=Path, default=Path(".fuzz"))
    options.add_argument("--plain", action="store_true")
    chosen = options.parse_args()
    atheris = importlib.util.find_spec("atheris") is not None
    if chosen.adapter and atheris and not chosen.plain:
        guided(ADAPTERS[chosen.adapter], chosen.seconds, chosen.corpus / chosen.adapter)
        return
    for name in [chosen.adapter] if chosen.adapter else sorted(ADAPTERS):
        count = plain(ADAPTERS[name], chosen.seconds, chosen.seed)
        print(f"{name}: {count} bodies, none of which broke the reader")


if __name__ == "__main__":
    main()
