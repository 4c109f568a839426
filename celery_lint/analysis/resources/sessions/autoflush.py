"""Whether sessions send what waits before they ask for rows, as all do that are told nothing else."""

from __future__ import annotations

from celery_lint.analysis.resources.sessions.session_flow import View
from celery_lint.inventory.resources.sessions import SessionName
from celery_lint.libraries.sqlalchemy import ASYNC_MAKERS, SYNC_MAKERS
from celery_lint.project.project import Project

_MAKERS = SYNC_MAKERS | ASYNC_MAKERS
# What says it of a session, and of a block.
_SENDING, _NOT_SENDING = "autoflush", "no_autoflush"


def sends_by_itself(project: Project, view: View, session: SessionName) -> bool:
    """Whether a session does so: its maker is told nothing else, or nothing of the workspace speaks of it."""
    written = project.deployment.written
    maker = project.resolve(view.module, (session.maker or session.chain).removesuffix("()"))
    if maker.name in _MAKERS and maker.value is not None:
        given = (maker.value.keyword(_SENDING), maker.value.keyword("**"))
        return not any(given) and not written.lines(_NOT_SENDING)
    return not any(written.lines(word) for word in (_SENDING, _NOT_SENDING))
