"""Names among the settings of an application that only its constructor takes."""

from __future__ import annotations

from celery_lint.analysis.application.unread_settings import Named, UnreadSettings
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.spelling import spellings
from celery_lint.libraries.celery import ARGUMENTS_OF_APPLICATIONS
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class MisplacedArgument(NamedTuple):
    """An argument of ``Celery()`` that is set as if it were a setting; ``setting`` means the same, if any."""

    place: Place
    name: str
    argument: str
    setting: str


class MisplacedArguments:
    """The arguments of constructors in configurations of the product, where nobody reads them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.unread = known.of(UnreadSettings)

    @facts
    def all(self) -> list[MisplacedArgument]:
        """Those that change something where they belong, each place once."""
        found: dict[Place, MisplacedArgument] = {}
        for application in self.applications.product:
            all_named = self.unread.named(application)
            present = {named.given.key for named in all_named}
            for named in all_named:
                argument = _argument(named)
                if argument and argument not in self._given(application):
                    setting, default = ARGUMENTS_OF_APPLICATIONS[argument]
                    spelled = spellings(setting, named.namespace) if setting else ()
                    counts = {*spelled, setting} & present
                    if not counts and self.unread.differs(named.given, default):
                        misplaced = (named.given.key, argument, spelled[0] if spelled else "")
                        found.setdefault(named.given.place, MisplacedArgument(named.given.place, *misplaced))
        return list(found.values())

    def _given(self, application: Application) -> set[str]:
        return {key for key, _ in application.value.keywords}


def _argument(named: Named) -> str:
    """The argument that a name is; in what is loaded without a namespace it may be a name of any kind."""
    if named.namespace:
        for argument in ARGUMENTS_OF_APPLICATIONS:
            if named.given.key == spellings(argument, named.namespace)[0]:
                return argument
        return ""
    return named.given.key if not named.loaded and named.given.key in ARGUMENTS_OF_APPLICATIONS else ""
