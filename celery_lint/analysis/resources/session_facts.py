"""The facts about sessions and the engines behind them, together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from celery_lint.analysis.resources.disposal_order import DisposalOrder
from celery_lint.analysis.resources.engines_per_task import EnginesPerTask
from celery_lint.analysis.resources.session_flow import SessionFlow, UnclosedSession
from celery_lint.analysis.resources.session_sharing import SessionSharing
from celery_lint.inventory.code.runs import EventLoops
from celery_lint.inventory.resources.sessions import Sessions
from celery_lint.project.functions import Flows


class SessionFacts:
    """What the rules about sessions ask for."""

    def __init__(self, event_loops: EventLoops, flows: Flows) -> None:
        self.sessions = Sessions(event_loops.project, event_loops, flows)
        self.flow = SessionFlow(self.sessions)
        self.sharing = SessionSharing(self.flow)
        self.engines = EnginesPerTask(self.sessions)
        self.disposals = DisposalOrder(event_loops, flows)

    @cached_property
    def unclosed(self) -> list[UnclosedSession]:
        """The sessions left open, but for those of functions that leave an engine behind as well."""
        left = {engine.owner for engine in self.engines.left}
        return [session for session in self.flow.unclosed if session.owner not in left]

    def finders(self) -> Iterator[tuple[str, Callable[[], Iterable[Any]]]]:
        """The kinds of facts and how to find them."""
        yield "sessions at module level", lambda: self.sessions.kept
        yield "sessions left open", lambda: self.unclosed
        yield "shared sessions", lambda: self.sharing.gathered
        yield "sessions after a failure", lambda: self.flow.after_failures
        yield "sessions after their block", lambda: self.flow.after_blocks
        yield "engines left behind", lambda: self.engines.left
        yield "chains of disposals", lambda: self.disposals.chains
