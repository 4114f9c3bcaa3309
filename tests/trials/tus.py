"""The tus protocol as tests speak it."""

import base64
import hashlib
from typing import Any

import httpx

from tests.cast import BO

SPOKEN = {"tus-resumable": "1.0.0"}
BYTES = {"content-type": "application/offset+octet-stream"}


def metadata(**said: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}".strip() for key, value in said.items()
    )


def checksum(data: bytes, algorithm: str = "sha256") -> dict[str, str]:
    digest = hashlib.new(algorithm, data).digest()
    return {"upload-checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


class Tus:
    """A client that says exactly what it is told to; Bo unless told otherwise."""

    def __init__(self, client: httpx.AsyncClient, trial: int, who: dict[str, str] = BO) -> None:
        self.client, self.trial, self.who = client, trial, who

    async def begin(
        self,
        length: int | None = None,
        *,
        content: Any = None,
        headers: dict[str, str] | None = None,
        **said: str,
    ) -> httpx.Response:
        sent = {"upload-metadata": metadata(**({"trial": str(self.trial), "filename": "v6.csv"} | said))}
        size = {"upload-length": str(length)} if length is not None else {}
        body = BYTES if content is not None else {}
        return await self.client.post(
            "/uploads", content=content, headers=self.who | SPOKEN | sent | size | body | (headers or {})
        )

    async def at(self, length: int | None = None, **said: Any) -> str:
        """The address of a new upload."""
        answer = await self.begin(length, **said)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    async def patch(
        self, at: str, offset: int, content: Any, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        sent = self.who | SPOKEN | BYTES | {"upload-offset": str(offset)} | (headers or {})
        return await self.client.patch(at, content=content, headers=sent)

    async def head(self, at: str) -> httpx.Response:
        return await self.client.head(at, headers=self.who | SPOKEN)

    async def delete(self, at: str) -> httpx.Response:
        return await self.client.delete(at, headers=self.who | SPOKEN)

    async def state(self, at: str) -> dict[str, Any]:
        told: dict[str, Any] = (await self.client.get(at, headers=self.who)).json()
        return told
