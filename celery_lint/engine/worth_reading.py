"""Which files are worth reading: the one list of everybody who may lead to another file.

What is read is a policy of the whole: a part that asks about a file nobody has read would otherwise decide it
by being asked first. So the order of the explorers is part of the outcome, and it stands here.
"""

from __future__ import annotations

from collections.abc import Callable

from celery_lint.analysis.definition.layered import LayeredTasks
from celery_lint.analysis.definition.returned import UnencodableResults
from celery_lint.analysis.event_loop.coroutines import Coroutines
from celery_lint.analysis.event_loop.handing_over import HandingOver
from celery_lint.analysis.event_loop.nested_loops import OF_A_RUNNING_LOOP
from celery_lint.analysis.flow.raised_errors import RaisedErrors
from celery_lint.analysis.limits.acknowledgement import Acknowledgement
from celery_lint.analysis.limits.delays import Delays
from celery_lint.analysis.limits.io_timeouts import ENDLESS
from celery_lint.analysis.limits.limits import Limits
from celery_lint.analysis.limits.locks import Locks
from celery_lint.analysis.limits.messages import Mails
from celery_lint.analysis.resources.before_fork import BeforeFork
from celery_lint.analysis.resources.early_clients import CLIENTS
from celery_lint.analysis.resources.process_state import OF_THE_PROCESS
from celery_lint.analysis.resources.processes import OF_PROCESSES
from celery_lint.analysis.results.waited import WaitedResults
from celery_lint.analysis.schedules.late_handlers import LateHandlers
from celery_lint.analysis.transactions.around.atomic_requests import AtomicRequests
from celery_lint.analysis.transactions.sent_before_commit import SentBeforeCommits
from celery_lint.analysis.transactions.session_commits import SessionCommits
from celery_lint.analysis.transactions.transactions import Transactions
from celery_lint.analysis.wiring.imports.attributes import FailedAttributes
from celery_lint.analysis.wiring.imports.lacking import LackingImports
from celery_lint.analysis.wiring.lost_receivers import LostReceivers
from celery_lint.analysis.wiring.named_tasks import NamedTasks
from celery_lint.analysis.wiring.registrations import Registrations
from celery_lint.analysis.wiring.unimported_applications import UnimportedApplications
from celery_lint.analysis.wiring.unloadable import UnloadableCommands
from celery_lint.analysis.wiring.unloaded import UnloadedTasks
from celery_lint.files.filter import Pair, words_of
from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.application.broker import BrokerSettings
from celery_lint.inventory.code.decided.closed import ClosedBranches
from celery_lint.inventory.code.decided.fixed import Fixed
from celery_lint.inventory.code.ends.attributes import Attributes
from celery_lint.inventory.code.ends.imports import FailingImports
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import Handlers
from celery_lint.inventory.resources.relays import Relays, name_of
from celery_lint.inventory.resources.sessions import Sessions
from celery_lint.inventory.resources.uses import Uses
from celery_lint.inventory.retries.counting import Counting
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.registries import Registries
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.orphans import Orphans
from celery_lint.inventory.workers.loading.unimportable import Unimportable
from celery_lint.inventory.workers.loading.unimported import Unimported
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.senders.uncalled import UncalledSenders
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.libraries.clients import LOOP_WORDS
from celery_lint.libraries.network import BLOCKING, CONNECTS, SERVICES, WAITING_FUNCTIONS
from celery_lint.libraries.sqlalchemy import SYNC_ENGINE_MAKERS, SYNC_MAKERS, SYNC_SCOPED
from celery_lint.libraries.threads import THREAD_EXECUTORS, THREADS
from celery_lint.project.isolation import READING
from celery_lint.project.known import Known
from celery_lint.project.modules import leaf_of

#: What rules look for in the code that tasks call, as the parts that find it name it. A file that calls of
#: tasks lead to is read if it holds one of these words, or leads on to one that does.
LOOKED_FOR = LOOP_WORDS | words_of(
    *OF_PROCESSES,
    *OF_THE_PROCESS,
    *OF_A_RUNNING_LOOP,
    *ENDLESS,
    *CLIENTS,
    *CONNECTS,
    *BLOCKING,
    *SERVICES,
    *WAITING_FUNCTIONS,
    *THREADS,
    *THREAD_EXECUTORS,
    *SYNC_ENGINE_MAKERS,
    *SYNC_MAKERS,
    *SYNC_SCOPED,
)

#: Each follows every chain that may lead to a file that has not been read, and nothing more. These lead from
#: file to file: what makes tasks, what tasks call, who holds them.
_LEADING: tuple[Callable[[Known], object], ...] = (
    lambda known: known.of(Tasks),
    lambda known: known.of(Pools),
    lambda known: known.of(Layers).explore(),
    lambda known: known.of(CallGraph).explore(),
    lambda known: known.of(Registries).all,
)
#: These need what those have found, and lead to few files more, most of them in the first round.
_ASKING: tuple[Callable[[Known], object], ...] = (
    lambda known: known.of(Limits).explore(),
    lambda known: known.of(Retries).explore(),
    lambda known: known.of(BrokerSettings).broker,
    lambda known: known.of(BackendSettings).explore(),
    lambda known: known.of(Acknowledgement).lost_worker_options,
    lambda known: known.of(Acknowledgement).failure_options,
    lambda known: known.of(Delays).long_runs,
    lambda known: known.of(Registrations).unknown_keys,
    lambda known: known.of(Uses).explore() if known.of(Relays).to_resources else None,
    lambda known: known.of(HandingOver).library_runs,
    lambda known: known.of(BeforeFork).explore(),
    lambda known: known.of(Locks).explore(),
    lambda known: known.of(Sessions).explore(),
    lambda known: known.of(Coroutines).explore(),
    lambda known: known.of(RaisedErrors).explore(),
    lambda known: known.of(Handlers).explore(),
    lambda known: known.of(Counting).explore(),
    lambda known: known.of(Transactions).explore(),
    lambda known: known.of(AtomicRequests).explore(),
    lambda known: known.of(SentBeforeCommits).explore(),
    lambda known: known.of(Sendings).explore(),
    lambda known: known.of(NamedTasks).explore(),
    lambda known: known.of(UnloadedTasks).explore(),
    lambda known: known.of(Orphans).explore(),
    lambda known: known.of(Unimported).explore(),
    lambda known: known.of(UnimportedApplications).explore(),
    lambda known: known.of(UnencodableResults).all,
    lambda known: known.of(LayeredTasks).explore(),
    lambda known: known.of(UnloadableCommands).explore(),
    lambda known: known.of(LateHandlers).explore(),
    lambda known: known.of(SessionCommits).sent_before,
    lambda known: known.of(Fixed).explore(),
)


def explore(known: Known, whole: bool) -> None:
    """Follow every chain that may lead to a file that has not been read; not ``whole``: from file to file."""
    for step in (*_LEADING, *_ASKING) if whole else _LEADING:
        known.isolation.run(READING, step)


def sinks(known: Known, whole: bool) -> set[Pair]:
    """Names that make another file worth reading: (name, leaf of the module that defines it).

    They are the project's own words for what the filter looks for: its task wrappers, functions that run
    event loops, functions that register and dispatch tasks, objects that belong to a loop. With all of them
    the tasks that nothing sends are: who sends one has its name, and need not say more.
    """
    found = known.isolation.search(READING, _sinks)
    if whole:
        found += known.isolation.search(READING, lambda known: known.of(Unsent).words())
        found += known.isolation.search(READING, lambda known: known.of(Unimportable).words())
        found += known.isolation.search(READING, lambda known: known.of(LostReceivers).words())
        found += known.isolation.search(READING, lambda known: known.of(UnimportedApplications).words())
        found += known.isolation.search(READING, lambda known: known.of(Acknowledgement).words())
        found += known.isolation.search(READING, lambda known: known.of(Mails).words())
        found += known.isolation.search(READING, lambda known: known.of(Retries).words())
        found += known.isolation.search(READING, lambda known: known.of(AtomicRequests).words())
        found += known.isolation.search(READING, lambda known: known.of(SentBeforeCommits).words())
        found += known.isolation.search(READING, _of_senders)
        found += known.isolation.search(READING, _of_what_is_missing)
    return {(name, leaf) for name, leaf in found if name}


def _of_what_is_missing(known: Known) -> set[Pair]:
    """The names of attributes and imports that are, as it seems, asked for in vain: others may set them."""
    reached = {*known.of(CallGraph).deeply_reached, *known.of(LackingImports).senders}
    asked = known.of(FailingImports).words(reached) | known.of(Attributes).words(reached)
    return asked | known.of(FailedAttributes).words()


def _of_senders(known: Known) -> set[Pair]:
    """The names of functions in which rules find something about a call that sends: others may call them."""
    from celery_lint.rule import checks_of
    from celery_lint.rules import all_rules

    places = [
        finding.place
        for rule in all_rules()
        for source, check in (checks_of(rule) if rule.of_senders else ())
        for fact in source.among(known)
        for finding in check(rule(known), fact)
    ]
    return known.of(UncalledSenders).words(places) | known.of(ClosedBranches).words(places)


def _sinks(known: Known) -> set[Pair]:
    makers, registries = known.of(Makers), known.of(Registries)
    found = {(name.rpartition(".")[2], leaf_of(path)) for path, name in makers.wrappers}
    # A decorator travels through re-exports, so its module's name need not stand beside it.
    found.update((name.rpartition("/")[2].rpartition(".")[2], "") for _, name in makers.wrappers)
    found.update((name, leaf_of(path)) for path, name in makers.possible_wrappers())
    found.update((name_of(qualname), leaf_of(path)) for path, qualname in known.of(Relays).to_loops)
    found.update((name, "") for name in known.of(Tasks).unread())
    for path, module in known.project.modules.items():
        for name, values in module.bindings.items():
            if any(value.chain.endswith(("create_async_engine", "sessionmaker")) for value in values):
                found.add((name, leaf_of(path)))
    for path, name in registries.register_functions:
        found.add((name.rpartition(".")[2], leaf_of(path)))
    for registry in registries.all:
        found.add((registry.name, leaf_of(registry.origin[0])))
        for dispatcher in registry.dispatchers:
            found.add((dispatcher.function.name, leaf_of(dispatcher.module.path)))
    return found


def hints(known: Known, whole: bool) -> set[Pair]:
    """Names that make a file worth reading that a chain has hinted at, in the form of :func:`sinks`."""
    leading = known.isolation.search(READING, lambda known: known.of(Relays).to_resources)
    if whole:
        leading += known.isolation.search(READING, lambda known: known.of(Sessions).words())
        leading += known.isolation.search(READING, lambda known: known.of(Coroutines).words())
        leading += known.isolation.search(READING, lambda known: known.of(WaitedResults).words())
        leading += known.isolation.search(READING, lambda known: known.of(SessionCommits).words())
    return {*leading, *LOOKED_FOR}


def imported(known: Known) -> list[tuple[str, set[str]]]:
    """The files that nobody has read, each with the names that modules and tasks cannot do without.

    One that lacks a name is worth reading: then it is known for certain.
    """
    found = known.of(Unimportable).unread()
    for path, name in known.of(FailedAttributes).unread():
        found.setdefault(path, set()).add(name)
    reached = {*known.of(CallGraph).deeply_reached, *known.of(LackingImports).senders}
    for part in (known.of(FailingImports), known.of(Attributes)):
        for path, name in part.unread(reached):
            found.setdefault(path, set()).add(name)
    return sorted(found.items())
