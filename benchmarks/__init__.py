"""Speed and memory, as ratios against peers that do the same work in the same run.

A module of this package is a benchmark. Its function ``measure()`` yields rows; ``python -m
benchmarks`` prints them.
"""

import gc
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


def beyond(candidate, part, runs):
    """Return the median seconds that a candidate takes beyond a part of it, and those of the part.

    Both take turns, and each pair is compared by itself. Time of the processor counts, because a
    difference of two times that other programs stretch is mostly theirs; rubbish is collected
    between the runs, because Python does it in the middle of whichever run comes next.
    """
    differences, parts = [], []
    for _ in range(runs + 1):
        pair = []
        for function in (part, candidate):
            gc.collect()
            start = time.process_time()
            kept = function()
            pair.append(time.process_time() - start)
            del kept
        parts.append(pair[0])
        differences.append(pair[1] - pair[0])
    return statistics.median(differences[1:]), statistics.median(parts[1:])
