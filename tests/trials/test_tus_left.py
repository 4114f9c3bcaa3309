"""Bytes in staging that nobody speaks of any more."""

import os
import time
from uuid import uuid4

from testbed.trials.uploads import sweeping


async def test_bytes_that_no_row_speaks_of_wait_for_thirty_days(shop, settings):
    young, old = (settings.data_dir / "staging" / f"{uuid4()}.part" for _ in range(2))
    for part, days in ((young, 29), (old, 31)):
        part.write_bytes(b"tid;dB\n")
        os.utime(part, (time.time() - days * 86_400,) * 2)

    await sweeping.sweep(shop)

    assert young.exists()
    assert not old.exists()
