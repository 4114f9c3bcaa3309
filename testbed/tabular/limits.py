"""What one reading may use. The child sets these on itself before it opens the file."""

import resource
import signal
from dataclasses import dataclass

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings for one file. At 1 GiB of address space DuckDB could not spill, hence 2 GiB."""

    memory_bytes: int = 2048 * MIB
    cpu_seconds: int | None = None
    """Unset: 30 s and 1 s for every 5 MB of input, at most an hour."""
    wall_seconds: float | None = None
    """Unset: twice the seconds of CPU."""
    answer_bytes: int = MIB
    columns: int = 1_000
    """DuckDB needs about 1 MiB of address space for each: 2,000 of them no longer fit, whatever is in them."""
    rows: int = 100_000_000
    field_characters: int = 128 * 1024

    def cpu(self, input_bytes: int, *, packed: bool) -> int:
        """Packed input is counted at ten times its size."""
        size = input_bytes * (10 if packed else 1)
        return self.cpu_seconds or min(3600, 30 + size // 5_000_000)

    def wall(self, input_bytes: int, *, packed: bool) -> float:
        return self.wall_seconds or 2.0 * self.cpu(input_bytes, packed=packed)

    @staticmethod
    def file_bytes(input_bytes: int) -> int:
        return max(256 * MIB, 20 * input_bytes)


def confine(memory_bytes: int, cpu_seconds: int, file_bytes: int, wall_seconds: float) -> None:
    """Set the limits of this very process; they cannot be raised again."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)  # should the parent be gone by then
