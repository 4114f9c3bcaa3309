"""What a measurement is, and the table of all of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One goal: ``ratio`` is ours against the limit, ``wanted`` what it must reach (or stay below)."""

    goal: str
    ours: str
    limit: str
    ratio: float
    wanted: float
    at_most: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        return self.ratio <= self.wanted if self.at_most else self.ratio >= self.wanted


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def shown(rows: list[Measured]) -> str:
    """The table as text."""
    head = ["goal", "ours", "limit", "ratio", "wanted", "met", "note"]
    lines = [
        [
            row.goal,
            row.ours,
            row.limit,
            f"{row.ratio:.2f}",
            f"{'≤' if row.at_most else '≥'} {row.wanted:g}",
            "yes" if row.met else "NO",
            row.note,
        ]
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, ["-" * width for width in widths], *lines]
    )
