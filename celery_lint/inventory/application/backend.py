"""Where the results of tasks are kept, as far as the settings say."""

from __future__ import annotations

from typing import Literal, NamedTuple

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.broker import schemes_of_environment
from celery_lint.inventory.application.settings import Settings
from celery_lint.libraries.celery import ENCODING_BACKENDS
from celery_lint.model.facts import Place
from celery_lint.project.constants import ENVIRONMENT
from celery_lint.project.known import Known, once

_WITHOUT = frozenset({"disabled", "disabled://"})


class Backend(NamedTuple):
    """The result backend. ``kind`` is ``none``, ``rpc``, ``other``, or empty where nobody can tell.

    ``place`` is what says so: the setting, or the application that has none. ``scheme`` is that of its URL.
    """

    kind: Literal["none", "rpc", "other", ""]
    place: Place | None
    scheme: str = ""


class BackendSettings:
    """The result backend of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.applications = known.of(Applications)

    def explore(self) -> None:
        """Read where applications take their backends from."""
        for application in self.applications.product:
            self.scheme(application)

    @once
    def backend(self) -> Backend:
        """The backend of the only application, if everything that could set another is in sight."""
        unknown = Backend("", None)
        if len(self.applications.product) != 1:
            return unknown
        application = self.applications.product[0]
        setting, certain = self.settings.setting(application, "result_backend")
        if not certain or not self.applications.is_plain(application) or self.settings.hidden:
            return unknown
        if setting is not None:
            text = self.project.text(setting.module, setting.value)
            if text is None:
                return unknown
            scheme = text.partition(":")[0]
            if text in _WITHOUT:
                return Backend("none", setting.place, scheme)
            return Backend("rpc" if scheme == "rpc" else "other", setting.place, scheme)
        # Where the broker stands in the code, the backend would stand beside it.
        broker, _ = self.settings.setting(application, "broker_url")
        given = application.value
        if broker is None or given.open_ended() or len(given.items) > 2 or given.keyword("config_source"):
            return unknown
        return Backend("none", application.place)

    def scheme(self, application: Application) -> str:
        """The scheme of the URL of an application's backend, ``redis``; nothing where nobody can tell."""
        setting, certain = self.settings.setting(application, "result_backend")
        if setting is None or not certain or not self.applications.is_plain(application):
            return ""
        value = setting.value
        text = value.data if value.kind == "text" else self.project.text(setting.module, value)
        schemes = [text] if isinstance(text, str) else schemes_of_environment(self.project, setting)
        found = {each.partition(":")[0].partition("+")[0].lower() for each in schemes}
        return found.pop() if len(found) == 1 else ""

    def usual_scheme(self, application: Application) -> str:
        """The same as it is where no environment says another: ``getenv("BACKEND", "django-db")``."""
        setting, certain = self.settings.setting(application, "result_backend")
        value = setting.value if setting is not None else None
        if not certain or value is None or value.kind != "call" or value.chain not in ENVIRONMENT:
            return self.scheme(application)
        default = value.items[1] if len(value.items) > 1 else value.keyword("default")
        return str(default.data).partition(":")[0] if default is not None else ""

    def keeps(self, application: Application) -> bool:
        """Whether an application certainly has a backend: something is set that is not *none*."""
        setting, certain = self.settings.setting(application, "result_backend")
        if setting is None or not certain or not self.applications.is_plain(application):
            return False
        if setting.value.kind == "constant" and not setting.value.data:
            return False
        text = self.project.text(setting.module, setting.value)
        return text not in _WITHOUT

    def encodes(self, application: Application) -> bool:
        """Whether the backend serialises results, or nobody can tell which it is."""
        setting, _ = self.settings.setting(application, "result_backend")
        text = self.project.text(setting.module, setting.value) if setting is not None else None
        return text is None or text.partition(":")[0].partition("+")[0].lower() in ENCODING_BACKENDS
