"""``make bench``: measure every goal against its physical limit and print the table."""

import sys

from tests.benchmarks import (
    bench_checking,
    bench_lists,
    bench_needle,
    bench_tabular,
    bench_transfers,
    bench_tus,
)
from tests.benchmarks.table import shown

PARTS = {
    "lists": bench_lists,
    "transfers": bench_transfers,
    "tus": bench_tus,
    "tabular": bench_tabular,
    "checking": bench_checking,
    "needle": bench_needle,
}


def main(words: list[str]) -> int:
    """Measure all parts, or those named; 1 if a goal was not met."""
    rows = [row for name, part in PARTS.items() if not words or name in words for row in part.measure()]
    print(shown(rows))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
