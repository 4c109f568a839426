"""Attributes that code sets from outside, so that nobody knows any more what they are."""

from __future__ import annotations

from celery_lint.project.known import Known, once


class SetAttributes:
    """The attributes of modules, classes and objects that the product gives another value."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.project.reading.tell("set attributes", lambda name: name in self.names)

    def has(self, name: str) -> bool:
        """Whether a name is one of theirs: what follows from that lasts while it is so."""
        return self.project.reading.ask("set attributes", name)

    @once
    def names(self) -> frozenset[str]:
        """Their names, whatever has them: ``service.load = other``."""
        return frozenset(
            assignment.key
            for module in self.project.product_modules()
            for assignment in module.assignments
            if not assignment.subscript
        )
