"""Simulate accounts that are split over shards, and reads that go to a lagging replica.

`make bench-scaling` runs this in half a minute and writes benchmarks/scaling.md. It measures
nothing: the distributions are assumptions, which the page states, and the seed fixes every figure.
benchmarks/leader.py measures what a request costs.
"""

import random
import statistics
from bisect import bisect_right
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

SEED = 23
RESULTS = Path(__file__).with_suffix(".md")

ACCOUNTS = 200_000
SHARDS = (2, 4, 8, 16, 32)
SLICES = 1024  # parts of the hash range that can be placed one by one
# Writes of a day: half of the accounts make fewer than this, and limit_writes of production.ini
# allows no more than 600 a minute.
MEDIAN_WRITES = 3.0
MOST_WRITES = 600 * 60 * 24
# Stored kilobytes of an account; the quotas of tasks, journal and keys allow no more than 800 MB.
MEDIAN_KILOBYTES = 200.0
MOST_KILOBYTES = 800_000
DRAWS: dict[str, Callable[[random.Random, float], float]] = {
    # The largest tenth of the accounts has about three quarters of all writes.
    "lognormal, sigma 2": lambda rng, median: median * rng.lognormvariate(0, 2),
    # The tail is heavier: the largest account alone makes a noticeable part of all writes.
    "Pareto, alpha 1.16": lambda rng, median: median * rng.paretovariate(1.16) / 2 ** (1 / 1.16),
}

CLIENTS = 2_000  # simulated days of a visible page and of a hidden one on another device
SESSIONS, SESSION_SECONDS = 6, 600.0
SESSION_WRITES = 3.0  # on average
POLL_SECONDS, HIDDEN_POLL_SECONDS = 3.0, 60.0
ROUND_TRIP = 0.05  # seconds from a write to the poll that follows it
BURST_SECONDS = 20.0  # between writes of a session, on average
LAGS = (0.01, 0.1, 1.0, 5.0, 30.0, 300.0)


# --- shards


def place(account_id: int) -> float:
    """Return the place of an account in the hash range, from 0 to 1."""
    digest = blake2b(account_id.to_bytes(8, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def draw(rng: random.Random, name: str) -> tuple[list[float], list[float]]:
    """Return the writes of a day and the stored kilobytes of each account.

    Accounts that write more store more: half of the size follows the writes.
    """
    sample = DRAWS[name]
    writes = [min(sample(rng, MEDIAN_WRITES), MOST_WRITES) for _ in range(ACCOUNTS)]
    sizes = [
        min(
            sample(rng, MEDIAN_KILOBYTES / 2) + each * MEDIAN_KILOBYTES / 2 / MEDIAN_WRITES,
            MOST_KILOBYTES,
        )
        for each in writes
    ]
    return writes, sizes


def by_range(places: list[float], parts: int) -> list[int]:
    """Return the shard of each account if each shard has an equal part of the hash range."""
    return [int(each * parts) for each in places]


def by_load(places: list[float], loads: list[float], parts: int) -> list[int]:
    """Return the shard of each account if slices go to the shard that has the least load so far.

    The heaviest slices are placed first.
    """
    slices = by_range(places, SLICES)
    of_slice = sums(slices, loads, SLICES)
    used, owner = [0.0] * parts, [0] * SLICES
    for each in sorted(range(SLICES), key=lambda index: -of_slice[index]):
        owner[each] = min(range(parts), key=used.__getitem__)
        used[owner[each]] += of_slice[each]
    return [owner[each] for each in slices]


def sums(parts: list[int], values: list[float], count: int) -> list[float]:
    """Return the sum of the values in each part."""
    totals = [0.0] * count
    for part, value in zip(parts, values, strict=True):
        totals[part] += value
    return totals


def imbalance(parts: list[int], values: list[float], count: int) -> float:
    """Return the largest part as a multiple of the average part."""
    totals = sums(parts, values, count)
    return max(totals) / statistics.fmean(totals)


def moved(places: list[float], sizes: list[float], parts: int) -> float:
    """Return the share of all bytes that changes its shard when the shards are doubled.

    Shard n keeps the lower half of its range, and the new shard parts + n gets the upper half.
    """
    upper = [int(each * parts * 2) % 2 for each in places]
    return sum(size for size, moves in zip(sizes, upper, strict=True) if moves) / sum(sizes)


def shard_lines(name: str) -> Iterator[str]:
    """Yield the table of one distribution."""
    rng = random.Random(SEED)
    places = [place(account_id) for account_id in range(1, ACCOUNTS + 1)]
    writes, sizes = draw(rng, name)
    tenth = sum(sorted(writes, reverse=True)[: ACCOUNTS // 10]) / sum(writes)
    yield f"\n### {name}\n"
    yield (
        f"The most active tenth of the accounts makes {tenth:.0%} of the writes, and the most "
        f"active account {max(writes) / sum(writes):.2%}.\n"
    )
    yield (
        "| shards | accounts | writes | bytes | writes, slices placed by load "
        "| largest account: share of the writes of its shard | bytes moved by doubling |"
    )
    yield "| --: |" + " --: |" * 6
    for count in SHARDS:
        parts = by_range(places, count)
        totals = sums(parts, writes, count)
        hottest = max(range(ACCOUNTS), key=writes.__getitem__)
        cells = [
            *(f"{imbalance(parts, each, count):.2f}" for each in ([1.0] * ACCOUNTS, writes, sizes)),
            f"{imbalance(by_load(places, writes, count), writes, count):.2f}",
            f"{writes[hottest] / totals[parts[hottest]]:.1%}",
            f"{moved(places, sizes, count):.1%}",
        ]
        yield f"| {count} | {' | '.join(cells)} |"


# --- replicas


def day(rng: random.Random) -> tuple[list[float], list[float], list[float]]:
    """Return the seconds at which a page writes and reads, and a hidden page elsewhere reads."""
    writes: list[float] = []
    reads: list[float] = []
    for session in range(SESSIONS):
        begin = session * 86_400 / SESSIONS + rng.uniform(0, 3_600)
        polls = int(SESSION_SECONDS / POLL_SECONDS)
        reads.extend(begin + number * POLL_SECONDS for number in range(polls))
        at = begin
        while rng.random() < SESSION_WRITES / (1 + SESSION_WRITES):
            at += rng.expovariate(1 / BURST_SECONDS)
            writes.append(at)
    reads.extend(at + ROUND_TRIP for at in writes)
    phase = rng.uniform(0, HIDDEN_POLL_SECONDS)
    polls = int(86_400 / HIDDEN_POLL_SECONDS)
    others = [phase + number * HIDDEN_POLL_SECONDS for number in range(polls)]
    return sorted(writes), sorted(reads), others


def refused(
    rng: random.Random, writes: list[float], reads: list[float], lag: float, *, is_writer: bool
) -> int:
    """Return how many reads a replica must leave to the leader.

    Each read asks one of two replicas, of which the second is three times as late. A replica may
    answer if its revision is not older than the client's: that of its own last write, or of the
    newest answer that it has seen.
    """
    count = seen = 0
    for at in reads:
        current = bisect_right(writes, at)
        if is_writer:
            seen = current
        replica = bisect_right(writes, at - lag * rng.choice((1, 3)))
        count += replica < seen
        seen = max(seen, replica if replica >= seen else current)
    return count


def replica_lines() -> Iterator[str]:
    """Yield the table of lags."""
    rng = random.Random(SEED)
    days = [day(rng) for _ in range(CLIENTS)]
    yield (
        "| lags of the replicas | reads of the writing page that replicas may answer "
        "| its wrong answers in a day without the condition "
        "| reads of the hidden page that replicas may answer "
        "| its steps back in a day without the condition |"
    )
    yield "| --: |" + " --: |" * 4
    for lag in LAGS:
        cells = []
        for is_writer in (True, False):
            polls = [reads if is_writer else others for _, reads, others in days]
            wrong = sum(
                refused(rng, writes, reads, lag, is_writer=is_writer)
                for (writes, _, _), reads in zip(days, polls, strict=True)
            )
            total = sum(map(len, polls))
            cells += [f"{1 - wrong / total:.2%}", f"{wrong / CLIENTS:.2f}"]
        yield f"| {lag:g} s and {3 * lag:g} s | {' | '.join(cells)} |"


# --- the page


def document() -> str:
    """Return the page with all results."""
    return "\n".join(
        [
            INTRODUCTION,
            *(line for name in DRAWS for line in shard_lines(name)),
            REPLICAS,
            *replica_lines(),
            "",
        ]
    )


INTRODUCTION = f"""\
# Shards and replicas, simulated

`make bench-scaling` wrote this page; [scaling.py](scaling.py) has the model, and
[Replicas and shards](../docs/sharding.md) the conclusions. Nothing here is measured.

## Shards by account

The simulation places {ACCOUNTS:,} accounts by the hash of their id; each shard has an equal part of
the hash range. The writes of an account in a day have a median of {MEDIAN_WRITES:g} and a heavy
tail, up to the limit of 600 a minute. Its bytes have a median of about {MEDIAN_KILOBYTES:g} KB, up
to the quotas, and an account that writes more stores more. The columns "accounts", "writes" and
"bytes" show the largest shard as a multiple of the average one. "Placed by load" moves {SLICES}
equal slices of the hash range between the shards."""

REPLICAS = f"""
## Reads from replicas

{CLIENTS:,} accounts for a day. A page is visible {SESSIONS} times for
{SESSION_SECONDS / 60:g} minutes, and makes {SESSION_WRITES:g} writes on average each time. It asks
for changes every {POLL_SECONDS:g} s, and {1000 * ROUND_TRIP:g} ms after each write. A hidden page
on another device asks every {HIDDEN_POLL_SECONDS:g} s. Each read goes to one of two replicas, of
which one is three times as late. A replica may answer if it has the revision of the account that
the client has seen; otherwise the leader answers.
"""


def main() -> None:
    """Write the page."""
    RESULTS.write_text(document())
    print(f"wrote {RESULTS.name}")


if __name__ == "__main__":
    main()
