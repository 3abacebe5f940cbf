"""A shared job's lease: one live holder at a time, whoever dies, sleeps or has a wrong clock."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, event, insert

from gateway.core.instant import written
from gateway.edge.job_store import JOB, Standing, opened
from gateway.edge.lease import Lease, Leases
from tests.conftest import ROOT

FIRST = dt.datetime(2026, 11, 22, 6, 30, tzinfo=dt.UTC)
SECONDS = 6


def row(engine: Engine, name: str = "job") -> None:
    values = {"name": name, "times": "daily", "next_run": written(FIRST), "seconds": 0, "beat": 0}
    with engine.begin() as connection:
        connection.execute(insert(JOB).values(**values, fence=0))


@dataclass
class Watch:
    """A monotonic clock that a test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = opened(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    row(made)
    yield made
    made.dispose()


def test_the_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.touch(mode=0o644)
    opened(f"sqlite:///{path}").dispose()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_that_nobody_can_share_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="other processes"):
        opened(url)


def test_a_lease_is_one_processes_until_it_is_given_back(engine: Engine) -> None:
    one = Leases(engine, "one", SECONDS, Watch())
    two = Leases(engine, "two", SECONDS, Watch())
    found = two.look("job")
    lease = one.take(one.look("job"))
    assert lease == Lease("job", "one", 1, FIRST)
    assert two.take(found) is None, "it looked before the other took it"
    assert two.take(two.look("job")) is None
    following = FIRST + dt.timedelta(days=1)
    assert one.release(lease, following)
    assert not one.release(lease, FIRST), "it is no longer its own"
    assert not one.renew(lease)
    assert two.take(found) is None, "the occurrence it looked at has been run"
    assert two.take(two.look("job")) == Lease("job", "two", 2, following)


def test_silence_is_measured_by_the_watcher(engine: Engine) -> None:
    watch = Watch(1e9)  # it started long before: the two have nothing in common
    one, two = Leases(engine, "one", SECONDS, Watch()), Leases(engine, "two", 1, watch)
    lease = one.take(one.look("job"))
    assert lease is not None
    for _ in range(3):
        assert two.take(two.look("job")) is None
        watch.now += SECONDS - 0.1
        assert two.take(two.look("job")) is None, "the holder's word counts, not the watcher's"
        assert one.renew(lease)
    assert two.take(two.look("job")) is None
    stale = two.look("job")
    watch.now += SECONDS
    assert one.renew(lease)
    assert two.take(stale) is None, "the holder gave a sign of life in between"
    assert two.take(two.look("job")) is None
    watch.now += SECONDS
    taken = two.take(two.look("job"))
    assert taken == Lease("job", "two", 2, FIRST)
    assert not one.renew(lease)
    assert not one.release(lease, FIRST + dt.timedelta(days=1))
    assert two.renew(taken)


def test_a_job_that_is_none_has_no_lease(engine: Engine) -> None:
    with pytest.raises(LookupError):
        Leases(engine, "one", SECONDS, Watch()).look("another")


# --- any interleaving --------------------------------------------------------------------------

HOLDERS = st.integers(0, 2)


class Contention(RuleBasedStateMachine):
    """Three processes, each with a monotonic clock of its own, in any order of their steps."""

    @initialize(offsets=st.tuples(*[st.floats(0, 1e6)] * 3))
    def begin(self, offsets: tuple[float, ...]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.engine = opened(f"sqlite:///{self.folder / 'jobs.sqlite'}")
        event.listen(self.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
        row(self.engine)
        self.watches = [Watch(offset) for offset in offsets]
        self.leases = [
            Leases(self.engine, str(n), SECONDS, watch) for n, watch in enumerate(self.watches)
        ]
        self.looked: list[Standing | None] = [None] * 3
        self.held: dict[int, tuple[Lease, float]] = {}
        self.now = 0.0
        self.fences = [0]
        self.finished: list[dt.datetime] = []

    def alive(self) -> list[int]:
        """Who runs the job: has a lease, and was not silent for as long as may be borne.

        A real holder is more careful: it stops after two thirds of that.
        """
        return [n for n, (_, since) in self.held.items() if self.now - since < SECONDS]

    @rule(seconds=st.sampled_from([2.0, 3.5, SECONDS]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for watch in self.watches:
            watch.now += seconds

    @rule(n=HOLDERS, again=st.booleans())
    def take(self, n: int, *, again: bool) -> None:
        if n in self.held:
            return
        found, self.looked[n] = self.looked[n], self.leases[n].look("job")
        if again:
            found = self.looked[n]
        lease = None if found is None else self.leases[n].take(found)
        if lease is None:
            return
        assert lease.fence > self.fences[-1]
        assert lease.occurrence not in self.finished
        self.fences.append(lease.fence)
        self.held[n] = (lease, self.now)

    @rule(n=HOLDERS)
    def renew(self, n: int) -> None:
        if n not in self.held:
            return
        kept = self.leases[n].renew(self.held[n][0])
        assert kept == (self.held[n][0].fence == self.fences[-1])
        if kept:
            self.held[n] = (self.held[n][0], self.now)
        else:
            del self.held[n]

    @rule(n=HOLDERS, finished=st.booleans())
    def release(self, n: int, *, finished: bool) -> None:
        if n not in self.held:
            return
        lease, _ = self.held.pop(n)
        following = lease.occurrence + dt.timedelta(days=1)
        if self.leases[n].release(lease, following if finished else None) and finished:
            self.finished.append(lease.occurrence)

    @rule(n=HOLDERS, chance=st.integers(0, 3))
    def die(self, n: int, chance: int) -> None:
        """Go without a word; what starts in its place knows nothing."""
        if chance:
            return
        self.held.pop(n, None)
        self.looked[n] = None
        name = f"{n}, born at fence {self.fences[-1]}"
        self.leases[n] = Leases(self.engine, name, SECONDS, self.watches[n])

    @invariant()
    def one_at_a_time(self) -> None:
        if hasattr(self, "held"):
            assert len(self.alive()) <= 1

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()
            shutil.rmtree(self.folder)


TestContention = Contention.TestCase
TestContention.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


# --- real processes ------------------------------------------------------------------------------


@dataclass
class Diary:
    """What several processes wrote of their one job."""

    path: Path

    def lines(self) -> list[tuple[str, str, int, float]]:
        if not self.path.exists():
            return []
        split = [line.split() for line in self.path.read_text().splitlines()]
        return [(who, what, int(fence), float(at)) for who, what, fence, at in split]

    def said(self, what: str, who: str | None = None) -> list[tuple[str, str, int, float]]:
        return [line for line in self.lines() if line[1] == what and who in {None, line[0]}]

    def until(self, true: Callable[[], object], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.lines()
            time.sleep(0.02)


@contextmanager
def processes(tmp_path: Path, *names: str, takes: float) -> Iterator[list[subprocess.Popen[bytes]]]:
    url, diary = f"sqlite:///{tmp_path / 'jobs.sqlite'}", tmp_path / "diary"
    command = [sys.executable, "-m", "tests.edge.job_process", url]
    started = [
        subprocess.Popen([*command, name, str(diary), str(takes)], cwd=ROOT) for name in names
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_of_three_processes_one_runs_each_occurrence(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary")
    with processes(tmp_path, "one", "two", "three", takes=0.2):
        diary.until(lambda: len(diary.said("ended")) >= 3)
    began = diary.said("began")
    fences = [fence for _, _, fence, _ in began]
    assert fences == sorted(set(fences))
    seconds = [int(at) for *_, at in began]
    assert len(seconds) == len(set(seconds)), "each second is one occurrence"
    steps = [(who, what) for who, what, *_ in diary.lines() if what != "goes"]
    for (who, what), (next_who, next_what) in zip(steps[::2], steps[1::2], strict=False):
        assert (what, next_what) == ("began", "ended")
        assert who == next_who, "no two at once"


def test_what_a_killed_process_was_running_is_taken_over(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary")
    with processes(tmp_path, "one", takes=30) as (one,):
        diary.until(lambda: diary.said("began", "one"))
        with processes(tmp_path, "two", takes=0.1):
            time.sleep(1.5)
            assert not diary.said("began", "two"), "the lease of the living is kept"
            one.send_signal(signal.SIGKILL)
            diary.until(lambda: diary.said("ended", "two"))
    assert diary.said("began", "two")[0][2] > diary.said("began", "one")[0][2]


def put_to_sleep(process: subprocess.Popen[bytes], database: Path) -> None:
    """Stop a process between two of its writes: whoever sleeps in the middle of one keeps all waiting."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(database, timeout=0.5, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.05)
            else:
                db.execute("ROLLBACK")
                return


def test_a_process_that_slept_through_its_lease_stops_its_job(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary")
    with processes(tmp_path, "one", takes=30) as (one,):
        diary.until(lambda: diary.said("began", "one"))
        with processes(tmp_path, "two", takes=30):
            time.sleep(0.5)
            put_to_sleep(one, tmp_path / "jobs.sqlite")
            diary.until(lambda: diary.said("began", "two"))
            one.send_signal(signal.SIGCONT)
            diary.until(lambda: diary.said("stopped", "one"))
    assert not diary.said("ended", "one")
    assert not diary.said("stopped", "two")
