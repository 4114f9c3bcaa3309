"""The door to strangers' addresses: only public ones, looked at once, the very one; 41 ways around it are tried."""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from testbed import outgoing
from testbed.errors import Invalid
from testbed.outgoing import NoAnswer, NotPublic, Outgoing, Resolve, is_public, target
from tests.certificates import authority

MADE = Path(os.environ.get("TESTBED_TEST_DATA", "/nowhere")) / "corpora" / "made"
HOST, PUBLIC = "hooks.example.se", "93.184.216.34"
URL = f"https://{HOST}/testbed?x=1"


class Listener:
    """Counts whoever comes; ``answer`` is what they get."""

    def __init__(self) -> None:
        self.hits = 0
        self.requests: list[bytes] = []
        self.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        self.pause = 0.0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")), 0
        )
        self.requests.append(head + await reader.readexactly(length))
        await asyncio.sleep(self.pause)
        writer.write(self.answer)
        try:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncIterator[Listener]:
    kept = Listener()
    server = await asyncio.start_server(kept.serve, "127.0.0.1", 0, ssl=tls)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()


class Rerouted(httpx.AsyncBaseTransport):
    """What a line to a public address would be: it ends at our listener, with the certificate checked as ever."""

    def __init__(self, port: int, trusted: ssl.SSLContext) -> None:
        self.port, self.called = port, list[str]()
        self.inner = httpx.AsyncHTTPTransport(verify=trusted)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.called.append(f"{request.url.scheme}://{request.url.host}:{request.url.port or 443}")
        request.url = request.url.copy_with(host="127.0.0.1", port=self.port)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


class Wire(httpx.AsyncBaseTransport):
    """Opens no line, and remembers where one would have gone."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.called.append(request.url.host)
        return httpx.Response(204, stream=httpx.ByteStream(b""))


@pytest.fixture
async def there(tmp_path) -> AsyncIterator[tuple[Listener, Rerouted]]:
    """A listener that bears the name of HOST, and the line that leads to it."""
    made = authority(tmp_path, HOST)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    async with listening(server) as kept:
        transport = Rerouted(kept.port, ssl.create_default_context(cafile=str(made.authority)))
        yield kept, transport
        await transport.aclose()


def answering(*answers: list[str]) -> tuple[Resolve, list[str]]:
    """A resolver that answers one thing after another, and what it was asked."""
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


def corpus(folder: Path) -> list[str]:
    shutil.copy(MADE / "gen.py", folder)
    subprocess.run([sys.executable, "gen.py"], cwd=folder, check=True, capture_output=True)
    found: list[str] = json.loads((folder / "files" / "ssrf_urls.json").read_text())
    return found


LEADS = {
    "metadata.google.internal": "169.254.169.254", "127.0.0.1.nip.io": "127.0.0.1", "localtest.me": "127.0.0.1",
    "redirect.test": PUBLIC,
}  # fmt: skip


@pytest.mark.skipif(not MADE.is_dir(), reason="TESTBED_TEST_DATA is not set")
async def test_no_address_of_the_corpus_reaches_anything(tmp_path):
    urls = corpus(tmp_path)
    wire = Wire()
    reached = []

    async def resolve(host: str) -> list[str]:
        return [LEADS.get(host, "127.0.0.1")]

    door = Outgoing(resolve, wire)
    async with listening() as ours:
        local = [
            f"http://127.0.0.1:{ours.port}/",
            f"https://127.0.0.1:{ours.port}/",
            f"https://localhost:{ours.port}/",
        ]
        for url in [*urls, *(each.replace("http://", "https://", 1) for each in urls), *local]:
            try:
                await door.post(url, b"{}", {})
                reached.append(url)
            except (Invalid, NotPublic):
                pass

    assert len(urls) == 41
    assert ours.hits == 0
    assert reached == [
        "https://redirect.test/?to=http://127.0.0.1/"
    ]  # public: what it answers is not followed
    assert wire.called == [PUBLIC]


async def test_a_redirect_is_an_answer_and_is_not_followed(there):
    listener, transport = there
    async with listening() as inside:
        listener.answer = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inside.port}/\r\nContent-Length: 0\r\n\r\n".encode()

        status = await Outgoing(answering([PUBLIC])[0], transport).post(URL, b"{}", {})

    assert (status, inside.hits, listener.hits) == (302, 0, 1)


async def test_a_name_is_looked_up_once_and_called_where_it_was_looked_at(there):
    listener, transport = there
    resolve, asked = answering([PUBLIC], ["127.0.0.1"])

    status = await Outgoing(resolve, transport).post(URL, b'{"a":1}', {"webhook-id": "msg_1"})

    assert status == 204
    assert asked == [HOST]
    assert transport.called == [f"https://{PUBLIC}:443"]
    sent = listener.requests[0].lower()
    assert sent.startswith(b"post /testbed?x=1 http/1.1\r\n")
    assert b"host: hooks.example.se\r\n" in sent
    assert sent.endswith(b'{"a":1}')


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], []]
)
async def test_a_name_that_leads_inside_is_never_called(there, found):
    listener, transport = there

    with pytest.raises(NotPublic):
        await Outgoing(answering(found)[0], transport).post(URL, b"{}", {})

    assert (listener.hits, transport.called) == (0, [])


async def test_a_server_has_to_bear_the_name_it_is_called_by(there):
    listener, transport = there

    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        await Outgoing(answering([PUBLIC])[0], transport).post("https://other.example.se/", b"{}", {})

    assert listener.requests == []


async def test_nobody_is_waited_for_longer_than_is_said(there, monkeypatch):
    listener, transport = there
    listener.pause = 5
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 0.3)

    with pytest.raises(NoAnswer, match=r"no answer within 0\.3 s"):
        await Outgoing(answering([PUBLIC])[0], transport).post(URL, b"{}", {})

    async def slow(_: str) -> list[str]:
        await asyncio.sleep(5)
        return [PUBLIC]

    with pytest.raises(NoAnswer):
        await Outgoing(slow, transport).post(URL, b"{}", {})


async def test_an_answer_without_end_is_cut(there):
    listener, transport = there
    listener.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + bytes(9_000_000)

    with pytest.raises(NoAnswer, match="5 MB"):
        await Outgoing(answering([PUBLIC])[0], transport).post(URL, b"{}", {})


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"]
)
async def test_an_answer_that_is_none_is_said_to_be_none(there, answer):
    listener, transport = there
    listener.answer = answer

    with pytest.raises(NoAnswer):
        await Outgoing(answering([PUBLIC])[0], transport).post(URL, b"{}", {})


async def test_proxies_of_the_environment_are_not_asked(there, monkeypatch):
    _, transport = there
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert await Outgoing(answering([PUBLIC])[0], transport).post(URL, b"{}", {}) == 204


INSIDE = """
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.9 192.0.2.1
    192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1
    ::ffff:8.8.8.8 ::ffff:7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1
    fc00::1 fd00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 127.1 0x7f.1 hooks.example.se
"""


@pytest.mark.parametrize("address", ["", *INSIDE.split()])
def test_what_is_not_public_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "172.32.0.1", "2a00:1450:4009::1", "2001:67c:1::1", "2620:0:1::1"]
)
def test_what_is_public_is_not(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.se", "https://hooks.example.se:443/a?b=c", "https://HOOKS.example.se./", "https://xn--lule-toa.se/",
    ],
)  # fmt: skip
def test_a_plain_address_is_taken(url):
    assert target(url).host in {"hooks.example.se", "xn--lule-toa.se"}


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.se/", "https://hooks.example.se:8443/", "https://bo@hooks.example.se/", "https://hooks.example.se/#x",
        "https://hooks.example.se:x/", "https://hooks.example.se:443@127.0.0.1/", "https://luleå.se/", "https://example/",
        "https://a..se/", "https://-a.se/", "https://a_b.example.se/", "https://1.2.3.4/", "https://[::1]/", "https://[v1.x]/",
        "https://0x7f.0.0.1/", "https://a.example.1/", "https:///x", "https:hooks.example.se", "//hooks.example.se/", "", "x" * 600,
        "https://hooks.example.se/\r\nX-Evil: 1", "https://hooks.example.se/ x", "https://hooks.example.se\\@127.0.0.1/",
    ],
)  # fmt: skip
def test_anything_else_is_not(url):
    with pytest.raises(Invalid):
        target(url)
