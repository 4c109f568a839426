"""Whether tasks run where they are sent: a deployment without workers."""

from __future__ import annotations

from celery_lint.inventory.application.applications import Application
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.project.entity import Key
from celery_lint.project.known import Known

# What modules of settings are called that deployed processes load.
_DEPLOYED = frozenset({"live", "prd", "prod", "production"})
# Brokers that take no message to another process.
_NO_BROKER = ("memory:", "cache+memory:")


class EagerSettings:
    """The applications that have workers nowhere but where they are developed and tested."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.commands = known.of(Commands)
        self._found: dict[Key, bool] = {}

    def has_no_workers(self, application: Application) -> bool:
        """Whether all settings for production say that tasks run at once, and name no broker for others.

        One of the two alone may be meant for the case that a variable of the environment is missing. Or
        whether all deployments give the image of the worker another command.
        """
        if application in self.commands.replaced:
            return True
        found = self._found.get(application.origin)
        if found is None:
            found = self._found[application.origin] = self._is_eager(application)
        return found

    def _is_eager(self, application: Application) -> bool:
        eager = self._deployed(application, "task_always_eager")
        if not eager or not all(self.settings.truth(each.module, each.value) is True for each in eager):
            return False
        brokers = self._deployed(application, "broker_url")
        folders = {path.rpartition("/")[0] for path in self.settings.modules(application)}
        files = self.project.imports.files
        modules = {path for path in files if _is_deployed(path) and path.rpartition("/")[0] in folders}
        return {each.module.path for each in eager} == {
            each.module.path for each in brokers
        } == modules and all(map(self._is_none, brokers))

    def _deployed(self, application: Application, name: str) -> list[Setting]:
        return [
            each for each in self.settings.candidates(application, name) if _is_deployed(each.module.path)
        ]

    def _is_none(self, setting: Setting) -> bool:
        known = self.project.constant(setting.module, setting.value)
        if known is None or known.kind != "constant":
            return False
        return known.data is None or (isinstance(known.data, str) and known.data.startswith(_NO_BROKER))


def _is_deployed(path: str) -> bool:
    return path.removesuffix(".py").rpartition("/")[2] in _DEPLOYED
