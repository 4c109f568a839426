"""Handlers of ``on_after_configure`` in modules that are loaded after Celery has sent it."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.model.facts import Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_CONNECT = ".on_after_configure.connect"


class LateHandler(NamedTuple):
    """A handler that is never called, the application, and what loads its module."""

    place: Place
    name: str
    application: Application
    loaded: Place


class LateHandlers:
    """What is to happen when an application is configured, in modules that it loads itself.

    Celery reads the settings to know what to load, and says that it is configured before it does.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.worker_imports = known.of(WorkerImports)

    @facts
    def late(self) -> list[LateHandler]:
        """The handlers in modules that only ``include``, ``imports`` or a discovery lead to."""
        return [
            LateHandler(place, name, application, loaded)
            for module in self.project.product_modules()
            for place, name, application in self._handlers(module)
            if (loaded := self._loaded_late(module.path, application)) is not None
        ]

    def explore(self) -> None:
        """Follow the imports of the applications."""
        _ = self.late

    def _handlers(self, module: Module) -> Iterator[tuple[Place, str, Application]]:
        for function in module.functions.decorated():
            for decorator in function.decorators:
                if decorator.chain.endswith(_CONNECT):
                    application = self._application(module, decorator.chain)
                    if application is not None and application.module.path != module.path:
                        yield module.place(function.span), function.name, application

    def _application(self, module: Module, chain: str) -> Application | None:
        entity = self.project.resolve(module, chain.removesuffix(_CONNECT))
        application = self.applications.get(entity.origin)
        return application if application in self.applications.product else None

    def _loaded_late(self, path: str, application: Application) -> Place | None:
        """What loads a module, if nothing else does before the application is configured."""
        loaded = self.worker_imports.loading(path, application)
        if loaded is None:
            return None
        earlier = self.worker_imports.before_loading(application)
        return loaded if earlier is not None and path not in earlier else None
