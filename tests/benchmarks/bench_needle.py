"""One wrong row at the end of a million: how long after the last byte the partner reads of it on the page."""

import json
import time
import urllib.request

from tests.benchmarks.bench_transfers import _world
from tests.benchmarks.service import data_folder, started
from tests.benchmarks.table import Measured, median
from tests.trials.test_one_in_a_million import BAD, ROWS, SCHEMA, million

ROUNDS = 3
PATIENCE_SECONDS = 10.0


def measure() -> list[Measured]:
    """A service with its worker; the page is asked for again until it shows the row."""
    with data_folder() as data, started(["-m", "testbed", "serve", "--port", "0"], data) as ours:
        token, trial = _world(data)
        base, who = f"http://127.0.0.1:{ours.port}", {"Authorization": f"Bearer {token}"}
        _ask(f"{base}/trials/{trial}/schema.json", json.dumps(SCHEMA).encode(), "PUT", who)
        took = [_seconds(f"{base}/trials/{trial}/results/{n}.csv", base, who, n) for n in range(ROUNDS)]
    told = f"a wrong row at line {BAD} of {ROWS + 1} on the page, after the last byte"
    seconds = median(took)
    limit = f"{PATIENCE_SECONDS:g} s"
    return [Measured(told, f"{seconds:.1f} s", limit, seconds / PATIENCE_SECONDS, 1.0, at_most=True)]


def _seconds(target: str, base: str, who: dict[str, str], round_: int) -> float:
    fresh = million().replace(b";S09;399\n", f";S09;{round_}\n".encode(), 1)
    at = f"{base}/results/{json.loads(_ask(target, fresh, 'PUT', who))['code']}"
    last_byte = time.perf_counter()
    while b'<td class="marked">0164A' not in _ask(f"{at}/report", None, "GET", who | {"Accept": "text/html"}):
        if time.perf_counter() - last_byte > 6 * PATIENCE_SECONDS:
            raise RuntimeError(f"{at}: the row never came")
        time.sleep(0.1)
    return time.perf_counter() - last_byte


def _ask(url: str, body: bytes | None, method: str, headers: dict[str, str]) -> bytes:
    kind = (
        {} if body is None else {"Content-Type": "application/json" if url.endswith(".json") else "text/csv"}
    )
    request = urllib.request.Request(url, body, headers | kind, method=method)
    with urllib.request.urlopen(request) as answer:
        said: bytes = answer.read()
        return said
