"""The models behind docs/scaling.md and docs/sharding.md: the projection, and the simulation."""

import random
import re

import pytest

from benchmarks.projection import Cost, Day, per_core
from benchmarks.scaling import by_load, by_range, imbalance, moved, place, refused
from tests.support.databases import ROOT
from tests.test_documentation import section


def test_page_has_the_figures_of_the_last_measurement() -> None:
    measured = (ROOT / "benchmarks" / "leader.md").read_text()
    carries = section("docs/scaling.md", "What one leader carries").partition("### What breaks")[0]
    rows = [line for line in carries.splitlines() if re.match(r"\| .*\d \|$", line)]
    assert len(rows) == 15
    assert [row for row in rows if row not in measured] == []


def test_core_carries_as_many_accounts_as_fit_into_half_of_the_busiest_hour() -> None:
    costs = {"unchanged": Cost(1, 0.2, 0), "edit": Cost(4, 2, 7000)}
    day = Day("a day", {"unchanged": 2000, "edit": 160})
    milliseconds = day.total(costs, "postgresql")
    assert milliseconds == 720
    # An eighth of 720 ms in each account's busiest hour, of the 1800 s that may be used.
    assert per_core(milliseconds) == 20_000


@pytest.mark.parametrize(
    ("read", "count"),
    [(9.9, 0), (10.05, 1), (10.9, 1), (13.1, 0)],
    ids=["before the write", "at once", "within the lag", "after the longer lag"],
)
def test_replica_does_not_answer_the_writer_before_it_has_the_write(
    read: float, count: int
) -> None:
    assert refused(random.Random(1), [10.0], [read], 1.0, is_writer=True) == count


def test_another_device_goes_back_only_between_replicas() -> None:
    class InTurn(random.Random):
        """Ask the faster replica first, then the slower one."""

        def choice(self, seq: object) -> int:  # type: ignore[override]
            self.turn = not getattr(self, "turn", False)
            return 1 if self.turn else 3

    writes = [10.0]
    # The first answer has the write; the slower replica does not have it for two more seconds.
    assert refused(InTurn(), writes, [11.5, 12.0], 1.0, is_writer=False) == 1
    assert refused(InTurn(), writes, [11.5, 13.5], 1.0, is_writer=False) == 0


def test_doubling_the_shards_moves_half_of_each() -> None:
    places = [place(account_id) for account_id in range(4000)]
    assert by_range(places, 8) == [shard // 2 for shard in by_range(places, 16)]
    assert moved(places, [1.0] * len(places), 8) == pytest.approx(0.5, abs=0.03)


def test_slices_placed_by_load_leave_only_the_largest_account_uneven() -> None:
    places = [place(account_id) for account_id in range(4000)]
    loads = [1.0 + account % 7 for account in range(4000)]
    assert imbalance(by_load(places, loads, 8), loads, 8) < 1.01
    loads[0] = sum(loads)  # as much as all others together
    assert imbalance(by_load(places, loads, 8), loads, 8) == pytest.approx(4, abs=0.01)
