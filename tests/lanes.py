"""How much of what is repeated is repeated: a share of it before every merge, all of it at night (``make night``).

Only repetitions are shared out, such as cuts, hostile strings and files of one kind. What is proven once is always proven.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

NIGHT = os.environ.get("TESTBED_TEST_NIGHT") == "1"
Each = TypeVar("Each")


def share(repeated: Sequence[Each], one_of: int) -> list[Each]:
    """Every ``one_of``-th by day, and all of them at night."""
    return list(repeated if NIGHT else repeated[::one_of])
