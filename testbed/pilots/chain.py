"""The evidence chain: need → pilot → device → trial → result → version → outcome → decision, both ways.

The links lie in domains above this one, so each domain registers who tells its nodes; ``testbed.app`` checks
at start that none is missing.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor


class Link(StrEnum):
    """The kinds of nodes, in the order of the chain."""

    need = "need"
    pilot = "pilot"
    device = "device"
    trial = "trial"
    result = "result"
    version = "version"
    outcome = "outcome"
    decision = "decision"
    lesson = "lesson"


class Node(SQLModel):
    """One record of the chain. ``key`` is ``kind:id``; ``rests_on`` holds the keys of what it was made from.

    ``title`` is a text, or texts by language. ``sha256`` is the digest that pins the record's content.
    """

    key: str
    kind: Link
    title: str | dict[str, str]
    url: str
    note: str | None = None
    sha256: str | None = None
    at: datetime | None = None
    rests_on: list[str] = []
    generated: bool = False


ASIDE = {Link.device, Link.lesson}
"""Kinds a whole chain may be without."""


class Stop(SQLModel):
    """A place on the drawn line: a node, or a kind still to come, or ``more`` nodes not drawn."""

    kind: Link
    node: Node | None = None
    more: int = 0


class Chain(SQLModel):
    """All nodes of a pilot that the reader may see, in the order of the chain."""

    pilot: str
    nodes: list[Node]

    def line(self, current: str | None = None, most: int = 4) -> list[Stop]:
        """The chain as one line, ``most`` nodes a kind; with ``current`` only what is tied to it, both ways."""
        tied = self.nodes
        if current is not None and any(node.key == current for node in self.nodes):
            below, above = around(self, current)
            keys = {current} | {node.key for node in (*below, *above)}
            tied = [node for node in self.nodes if node.key in keys]
        order = list(Link)
        reached = max((order.index(node.kind) for node in tied if node.kind not in ASIDE), default=-1)
        stops: list[Stop] = []
        for kind in Link:
            found = [node for node in tied if node.kind == kind]
            stops += [Stop(kind=kind, node=node) for node in found[:most]]
            if len(found) > most:
                stops.append(Stop(kind=kind, more=len(found) - most))
            # what lies before something that is there is not "still to come": the reader may not see it
            if not found and kind not in ASIDE and order.index(kind) > reached:
                stops.append(Stop(kind=kind))
        return stops


Teller = Callable[[AsyncSession, Actor, int], Awaitable[list[Node]]]
TELLERS: dict[Link, Teller] = {}


def tells(kind: Link, teller: Teller) -> None:
    """Register who tells a kind: ``teller(session, actor, pilot_id)``, limited to what may be seen."""
    TELLERS[kind] = teller


def missing() -> set[Link]:
    """The kinds nobody tells."""
    return set(Link) - TELLERS.keys()


async def chain_of(session: AsyncSession, actor: Actor, pilot_id: int, code: str) -> Chain:
    """The whole chain of a pilot the caller has fetched already; one query or two a kind."""
    nodes: list[Node] = []
    for kind in Link:
        if (teller := TELLERS.get(kind)) is not None:
            nodes += await teller(session, actor, pilot_id)
    known = {node.key for node in nodes}
    for node in nodes:
        seen = [key for key in node.rests_on if key in known]
        # rests on what the reader may not see: the line goes on from the pilot, which it says nothing about
        node.rests_on = seen or [key for key in [f"pilot:{pilot_id}"] if node.rests_on and node.key != key]
    return Chain(pilot=code, nodes=nodes)


def around(chain: Chain, key: str) -> tuple[list[Node], list[Node]]:
    """What a node rests on and what rests on it, to both ends of the chain, in its order."""
    return _reach(chain, key, up=True), _reach(chain, key, up=False)


def _reach(chain: Chain, key: str, *, up: bool) -> list[Node]:
    edges: dict[str, set[str]] = {}
    for node in chain.nodes:
        for below in node.rests_on:
            start, end = (node.key, below) if up else (below, node.key)
            edges.setdefault(start, set()).add(end)
    seen: set[str] = set()
    queue: list[Any] = [key]
    while queue:
        fresh = edges.get(queue.pop(), set()) - seen
        seen |= fresh
        queue += fresh
    return [node for node in chain.nodes if node.key in seen - {key}]
