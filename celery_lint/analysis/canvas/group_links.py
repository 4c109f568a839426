"""Links that are given to a whole group."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_LINKS = ("link", "link_error")


class GroupLink(NamedTuple):
    """An option of a message, ``link`` or ``link_error``, for a whole group."""

    place: Place
    option: str


class GroupLinks:
    """The options that groups are sent with."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sendings = known.of(Sendings)

    @facts
    def all(self) -> list[GroupLink]:
        """The links of groups."""
        return list(self._all())

    def _all(self) -> Iterator[GroupLink]:
        for sending in self.sendings.all:
            if sending.how != "apply_async" or sending.through != "canvas":
                continue
            links = [(name, value) for name, value in sending.options if name in _LINKS]
            if not links:
                continue
            receiver = sending.call.chain.rpartition(".")[0]
            target = self.sendings.target(sending.module, sending.function, receiver)
            for name, value in links if target is not None and target.made == "group" else ():
                if value.kind in ("call", "sequence"):  # anything else may be None
                    yield GroupLink(sending.module.place(value.span), name)
                    break
