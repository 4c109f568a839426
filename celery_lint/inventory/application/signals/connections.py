"""The signals of Celery: those of its module, and those that each application has."""

from __future__ import annotations

from typing import NamedTuple

from celery_lint.inventory.application.applications import is_application
from celery_lint.model.facts import Module
from celery_lint.project.project import Project

#: The signals of an application: https://docs.celeryq.dev/en/stable/reference/celery.html
OF_APPLICATIONS = frozenset({"on_configure", "on_after_configure", "on_after_finalize", "on_after_fork"})
#: Those whose name nothing else has, so that a parameter that has one is an application.
_TELLING = OF_APPLICATIONS - {"on_configure"}
_MODULE = "celery.signals."
_CONNECT = ".connect"


class Signal(NamedTuple):
    """A signal by its name, and whether it is one of an application."""

    name: str
    of_application: bool


def connected(project: Project, module: Module, chain: str) -> Signal | None:
    """The signal of Celery whose ``connect`` a chain is."""
    if not chain.endswith(_CONNECT):
        return None
    if chain[:1] == "%":
        name = chain.removesuffix(_CONNECT).rpartition(".")[2]
        return Signal(name, True) if name in _TELLING else None
    entity = project.resolve(module, chain)
    if entity.kind != "external":
        return None
    owner = entity.name.removesuffix(_CONNECT)
    if owner.startswith(_MODULE):
        return Signal(owner.removeprefix(_MODULE), False)
    application, _, name = owner.rpartition(".")
    return Signal(name, True) if name in OF_APPLICATIONS and is_application(application) else None
