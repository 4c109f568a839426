"""Which of several calls that wait for a peer have one cause: who mends one of them mends them all."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple, Protocol

from celery_lint.analysis.limits.asking.peers import Peers
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.model.calls import Call
from celery_lint.project.known import Known

# What is in these may not be done.
_CONDITIONS = frozenset({"case", "handler", "if"})


class Waiting(Protocol):
    """What is known of a call that waits for its peer."""

    @property
    def site(self) -> Site:
        """The function that makes it."""

    @property
    def name(self) -> str:
        """What is called, with the library first."""

    @property
    def client(self) -> str:
        """What of the whole project has to be told a timeout instead of the call, if anything."""

    @property
    def session(self) -> Hashable:
        """The session by which it asks, if that is known."""


class _Told(NamedTuple):
    """Of the calls of a function so far: whom they ask, and how many a branch makes."""

    peers: set[Hashable]
    branches: dict[Hashable, int]
    asked: dict[tuple[str, str], tuple[bool, Hashable]]


class Causes:
    """What calls that wait for a peer have in common."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.peers = known.of(Peers)

    def of(self, waits: Iterable[tuple[Waiting, Call]]) -> list[Hashable]:
        """The cause of each: those that have anything in common, themselves or by others, have the same."""
        told: dict[tuple[str, str], _Told] = {}
        above: dict[Hashable, Hashable] = {}

        def top(each: Hashable) -> Hashable:
            while above[each] != each:
                each = above[each]
            return each

        firsts: list[Hashable] = []
        for wait, call in waits:
            known = told.setdefault(wait.site.key, _Told(set(), {}, {}))
            first, *others = self._has(wait, call, known)
            above.setdefault(first, first)
            for other in others:
                above[top(above.setdefault(other, first))] = top(first)
            firsts.append(first)
        return [top(first) for first in firsts]

    def _has(self, wait: Waiting, call: Call, told: _Told) -> Iterator[Hashable]:
        """What a call may have in common with others; the first is always there.

        Its session, or else: itself, its statement, the peer that its library asks, and its place among the
        branches of a condition, of which one is made. There the first of one branch belongs to the first of
        another, the second to the second. What asks a variable that the function binds anew belongs to what
        asks it by the same call, where a condition decides how often.
        """
        if wait.client or wait.session is not None:
            yield wait.client or wait.session
            return
        site = wait.site
        itself = (site.key, call.number)
        yield itself
        flow = self.sites.flow(site)
        current = flow.step_of(call)
        if current is not None:
            yield "statement", site.key, current.number
        library = wait.name.partition(".")[0]
        peer = self.peers.of(site, call)
        if peer is not None:
            peer = library, peer
            yield "peer", peer
            if peer in told.peers:
                return
            told.peers.add(peer)
        around = list(flow.ancestors(current)) if current is not None else []
        by_condition = any(outer.kind in _CONDITIONS for outer in around)
        again = call.chain, self.peers.name(call)
        if again[1] and again in told.asked:
            was_by_condition, first = told.asked[again]
            if by_condition or was_by_condition:
                yield first
                return
        told.asked[again] = by_condition, itself
        branches, outermost = [], None
        for outer in around:
            if outer.kind == "if":
                branches.append((outer.number, current.role if current is not None else ""))
                outermost = outer.number
            current = outer
        if outermost is not None:
            branch = (library, tuple(branches))
            told.branches[branch] = told.branches.get(branch, 0) + 1
            yield "branch", site.key, library, outermost, told.branches[branch]
