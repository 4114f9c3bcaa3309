"""A bounded load on loopback: clients on keep-alive connections, in this process, counted and timed."""

import asyncio
import re
import time
from dataclasses import dataclass

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """``rate`` in requests a second, ``p99_ms`` of the answers' times."""

    rate: float
    p99_ms: float
    errors: int


async def _client(port: int, request: bytes, until: float, times: list[float], errors: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    try:
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            found = LENGTH.search(head)
            await reader.readexactly(int(found[1]) if found else 0)
            times.append(time.perf_counter() - began)
            if b" 200 " not in head[:20]:
                errors.append(1)
    finally:
        writer.close()


async def _all(port: int, request: bytes, clients: int, seconds: float) -> Load:
    times: list[float] = []
    errors: list[int] = []
    began = time.perf_counter()
    await asyncio.gather(*(_client(port, request, began + seconds, times, errors) for _ in range(clients)))
    took = time.perf_counter() - began
    times.sort()
    return Load(len(times) / took, times[int(len(times) * 0.99)] * 1000 if times else 0.0, len(errors))


def load(port: int, path: str, *, accept: str, clients: int = 16, seconds: float = 2.0) -> Load:
    """Ask for one page again and again."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: {accept}\r\n\r\n".encode()
    return asyncio.run(_all(port, request, clients, seconds))
