"""Speed and memory, as ratios against peers that do the same work in the same run.

A module of this package is a benchmark. Its function ``measure()`` yields rows; ``python -m
benchmarks`` prints them.
"""

import statistics
import time
from typing import NamedTuple


class Row(NamedTuple):
    """One result beside its budget.

    ``value`` and ``budget`` have the same unit; ``at_least`` says on which side of the budget the
    value should be.
    """

    what: str
    value: float
    budget: float
    unit: str
    at_least: bool
    detail: str = ""

    @property
    def kept(self):
        return self.value >= self.budget if self.at_least else self.value <= self.budget


def at_least(what, value, budget, unit="x", detail=""):
    return Row(what, value, budget, unit, True, detail)


def at_most(what, value, budget, unit, detail=""):
    return Row(what, value, budget, unit, False, detail)


def medians(candidates, runs):
    """Return the median seconds of each candidate, a function without arguments.

    All candidates take turns, so that whatever else the machine does meets all of them alike. What
    a candidate returns is let go before the next one starts, and its first run does not count.
    """
    for candidate in candidates.values():
        candidate()
    seconds = {name: [] for name in candidates}
    for _ in range(runs):
        for name, candidate in candidates.items():
            start = time.perf_counter()
            kept = candidate()
            seconds[name].append(time.perf_counter() - start)
            del kept
    return {name: statistics.median(times) for name, times in seconds.items()}
