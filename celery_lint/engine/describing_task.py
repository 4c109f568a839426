"""What the linter believes about one task: why it speaks of it, or says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from celery_lint.engine.describing import Entry
from celery_lint.libraries.celery import SETTING_OF_OPTION

if TYPE_CHECKING:
    from celery_lint.inventory.tasks.sendings import Given
    from celery_lint.inventory.tasks.task import Task
    from celery_lint.model.facts import Module, Place, Value
    from celery_lint.project.known import Known

_OPTIONS = (
    "acks_late",
    "autoretry_for",
    "base",
    "bind",
    "default_retry_delay",
    "expires",
    "ignore_result",
    "max_retries",
    "priority",
    "pydantic",
    "queue",
    "rate_limit",
    "reject_on_worker_lost",
    "retry_backoff",
    "serializer",
    "soft_time_limit",
    "throws",
    "time_limit",
    "track_started",
    "typing",
)


# Why a task never runs.
_WHY = {
    "unsent": "the project shows all that it sends",
    "unimported": "no worker that is started imports its module",
    "shadowed": "the package of the same name is imported in place of its module",
    "unnamed": "nothing imports its module, or names it for workers to import",
    "unstarted": "only an application names its module that nobody starts",
    "doubled": "another task has its name, and nobody can tell which of the two a worker has",
    "replaced": "each deployment gives the image of its worker another command",
    "uninstalled": "the project does not install Celery, and nothing has its application in use",
    "unmade": "it is made in a function that nothing calls",
    "unimportable": "its module cannot be imported",
    "unconsumed": "no worker that is started takes messages of its queue",
}


class TaskDescription(NamedTuple):
    """What the linter believes about the tasks of one name, with an entry for each thing that it knows."""

    tasks: list[Entry]
    signature: list[Entry]
    options: list[Entry]
    queues: list[Entry]
    sent_by: list[Entry]
    registries: list[Entry]


def task_description(root: str, known: Known, name: str) -> TaskDescription:
    """Everything about the tasks that have this name, for Celery or in the code; nothing where none has."""
    from celery_lint.inventory.tasks.tasks import Tasks

    tasks = [task for task in known.of(Tasks).all if name in (task.name, task.label, task.qualname)]

    def at(place: Place) -> tuple[str, int]:
        return f"{root}/{place.path}", place.span.line

    return TaskDescription(
        [Entry(task.name, *at(task.place), kind_of(task)) for task in tasks],
        [entry for task in tasks for entry in signature_of(known, task, at)],
        [entry for task in tasks for entry in options_of(known, task, at)],
        [entry for task in tasks for entry in _queues(known, task)],
        [entry for task in tasks for entry in _senders(known, task, at)],
        [entry for task in tasks for entry in _registries(known, task, at)],
    )


def kind_of(task: Task) -> str:
    """What made it a task."""
    if task.class_ is not None:
        return "a class"
    made = f", made by {task.wrapper[1]} in {task.wrapper[0]}" if task.wrapper is not None else ""
    application = task.application
    return (f"of {application[1]} in {application[0]}" if application is not None else "shared") + made


def signature_of(known: Known, task: Task, at: Callable[[Place], tuple[str, int]]) -> Iterator[Entry]:
    """How it is called, or why nobody can tell."""
    from celery_lint.inventory.tasks.signatures import Signatures

    signatures = known.of(Signatures)
    signature = signatures.of(task)
    if signature is None:
        yield Entry("unknown", *at(task.place), signatures.doubt(task))
        return
    checked = "compared when it is sent" if signatures.is_checked(task) else "compared by the worker alone"
    yield Entry(signature.spelled, *at(task.place), checked)


def options_of(known: Known, task: Task, at: Callable[[Place], tuple[str, int]]) -> Iterator[Entry]:
    """The options in force."""
    from celery_lint.inventory.tasks.in_force import OptionsInForce
    from celery_lint.inventory.tasks.options import TaskOptions

    in_force = known.of(OptionsInForce)
    own = in_force.options(task, _OPTIONS)
    for name in _OPTIONS:
        if name in own:
            module, value = own[name]
            yield Entry(name, *at(module.place(value.span)), _shown(known, module, value))
        elif name in SETTING_OF_OPTION:
            setting, certain = in_force.setting(task, SETTING_OF_OPTION[name])
            if setting is not None:
                given = _shown(known, setting.module, setting.value)
                doubt = "" if certain else ", or another that cannot be seen"
                yield Entry(name, *at(setting.place), f"{given}, by `{SETTING_OF_OPTION[name]}`{doubt}")
    options = known.of(TaskOptions)
    if options.open_ended(task) or not options.bases_known(task):
        yield Entry("others", "", 0, "may be hidden: in a mapping, or in a class that cannot be seen")


def _shown(known: Known, module: Module, value: Value) -> str:
    if value.kind == "constant":
        return repr(value.data)
    if value.kind == "sequence":
        return f"({', '.join([_shown(known, module, item) for item in value.items])})"
    number = known.project.number(module, value)
    if number is not None:
        return f"{number:g}"
    return value.chain.lstrip(":%~") or value.kind


def _queues(known: Known, task: Task) -> Iterator[Entry]:
    from celery_lint.inventory.workers.queues import Queues

    found = known.of(Queues).of([task])
    if found is None:
        yield Entry("unknown", "", 0, "routes decide it, or a value that cannot be seen")
    for name in sorted(found or ()):
        yield Entry(name, "", 0, "")


def _senders(known: Known, task: Task, at: Callable[[Place], tuple[str, int]]) -> Iterator[Entry]:
    from celery_lint.inventory.tasks.schedules import Schedules
    from celery_lint.inventory.tasks.sendings import Sendings

    sent = False
    for sending in known.of(Sendings).by_task.get(task.key, ()):
        given = sending.given
        with_ = "arguments that cannot be read" if given is None else _counted(given)
        yield Entry(sending.how, *at(sending.place), f"with {with_}")
        sent = True
    schedules = known.of(Schedules)
    for entry in schedules.all:
        found = schedules.task(entry)
        if found is not None and found.key == task.key:
            yield Entry("beat", *at(entry.place), f"entry {entry.key!r}" if entry.key else "an entry")
            sent = True
    why = _why_never(known, task)
    if not sent:
        unseen = "no call in sight: it may be sent by a name that only the run knows, or from elsewhere"
        yield Entry("nobody", *at(task.place), why or unseen)
    elif why:
        yield Entry("in vain", *at(task.place), why)


def _why_never(known: Known, task: Task) -> str:
    """Why a task is thought never to run, or nothing."""
    from celery_lint.inventory.workers.loading.unimportable import Unimportable
    from celery_lint.inventory.workers.unsent import Unsent

    why = known.of(Unsent).why(task)
    if why == "unimportable":
        missing = known.of(Unimportable).all[task.module.path]
        return f"{_WHY[why]}, `{missing.path}` has no `{missing.name}`: rules about runs are silent"
    return f"{_WHY[why]}: rules about runs are silent" if why is not None else ""


def _counted(given: Given) -> str:
    names = [name for name, _ in given.keywords]
    more = " and more" if given.more_positional or given.more_keywords else ""
    return ", ".join([f"{len(given.positional)} by position", *names]) + more


def _registries(known: Known, task: Task, at: Callable[[Place], tuple[str, int]]) -> Iterator[Entry]:
    from celery_lint.inventory.tasks.registries import Registries

    for registry in known.of(Registries).all:
        for entry in registry.entries:
            if entry.task is not None and entry.task.key == task.key:
                yield Entry(registry.name, *at(entry.key_place), f"under {entry.key!r}")
