"""What somebody sees who waits: a bar on a terminal, a line now and then where nobody draws."""

import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from testbed.disk import spelt

WIDTH = 24
LOOK_BACK_SECONDS = 10
DRAW_EVERY_SECONDS = 0.1
LINE_EVERY_SECONDS = 15


class Rate:
    """Bytes a second over the last ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.seen: deque[tuple[float, int]] = deque()

    def at(self, done: int) -> float:
        """Note how far it is; 0 until there is something to tell from."""
        now = self.clock()
        if self.seen and done < self.seen[-1][1]:
            self.seen.clear()  # it was cut off, and goes on from further back
        self.seen.append((now, done))
        while now - self.seen[0][0] > LOOK_BACK_SECONDS:
            self.seen.popleft()
        took = now - self.seen[0][0]
        return (done - self.seen[0][1]) / took if took > 0.5 else 0.0


class Lines:
    """Plain lines: the beginning, every quarter of a minute, every trouble."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.out, self.clock = out, clock
        self.name, self.size, self.done = "", 0, 0
        self.rate = Rate(clock)
        self.told = clock()

    def begin(self, name: str, size: int) -> None:
        self.name, self.size, self.done, self.rate, self.told = name, size, 0, Rate(self.clock), self.clock()
        self.say(f"{name}: {spelt(size)}")

    def at(self, done: int) -> None:
        self.done = done
        speed = self.rate.at(done)
        if self.clock() - self.told >= LINE_EVERY_SECONDS:
            self.told = self.clock()
            self.say(f"{self.name}: {self.words(speed)}")

    def wait(self, reason: str, seconds: float) -> None:
        self.say(f"{self.name}: {reason.rstrip('.')}. Trying again in {seconds:.0f} s.")

    def check(self) -> None:
        self.say(f"{self.name}: all is sent; the service is checking it.")

    def say(self, line: str) -> None:
        print(line, file=self.out, flush=True)

    @property
    def percent(self) -> int:
        return self.done * 100 // self.size if self.size else 100

    def words(self, speed: float) -> str:
        words = f"{self.percent} %, {spelt(self.done)} of {spelt(self.size)}"
        if speed > 0:
            words += f", {spelt(round(speed))}/s, {_spell((self.size - self.done) / speed)} left"
        return words


class Bar(Lines):
    """One line that is drawn again and again."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(out, clock)
        self.width = 0

    def begin(self, name: str, size: int) -> None:
        self.name, self.size, self.done, self.rate, self.told = name, size, 0, Rate(self.clock), 0.0

    def at(self, done: int) -> None:
        self.done = done
        speed = self.rate.at(done)
        if self.clock() - self.told >= DRAW_EVERY_SECONDS or done == self.size:
            self.told = self.clock()
            filled = self.percent * WIDTH // 100
            self.draw(f"{self.name}  [{'#' * filled}{'-' * (WIDTH - filled)}]  {self.words(speed)}")

    def check(self) -> None:
        self.draw(f"{self.name}: all is sent; the service is checking it …")

    def say(self, line: str) -> None:
        self.clear()
        super().say(line)

    def clear(self) -> None:
        if self.width:
            self.draw("")
            self.out.write("\r")
            self.width = 0

    def draw(self, line: str) -> None:
        self.out.write("\r" + line.ljust(self.width))
        self.out.flush()
        self.width = len(line)


def _spell(seconds: float) -> str:
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(1, round(seconds))} s"
