"""Calls of tasks that wait for another machine, and for as long as it likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from math import inf
from typing import Literal, NamedTuple

from celery_lint.analysis.limits.asking.causes import Causes
from celery_lint.analysis.limits.asking.http_sessions import HttpSessions
from celery_lint.analysis.limits.asking.peers import Peers
from celery_lint.analysis.limits.messages import Client, Mails, Services
from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.inventory.code.handed import Handed
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.running import UNFORKED, Workers
from celery_lint.inventory.workers.sent import Sent
from celery_lint.libraries.django import SENDING_MAILS
from celery_lint.libraries.network import (
    ASKING_SERVICES,
    CONNECTING_LATER,
    HTTP_VERBS,
    POOLS,
    READS_FEEDS,
    REQUEST_WRAPPERS,
    REQUESTS_SESSIONS,
    SOCKETS,
)
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

#: Nothing ends these without a timeout, not even the default of the socket module: requests hands on `None`.
_REQUESTS = {
    **{f"requests.{verb}": 99 for verb in HTTP_VERBS},
    **{f"requests.api.{verb}": 99 for verb in HTTP_VERBS},
    **{f"{session}.{verb}": 99 for session in REQUESTS_SESSIONS for verb in (*HTTP_VERBS[:-1], "send")},
    **{f"{session}.request": 7 for session in REQUESTS_SESSIONS},
    **REQUEST_WRAPPERS,
}
#: A client of httpx has a timeout, unless it is told to have none.
_HTTPX = frozenset(
    [f"httpx.{verb}" for verb in (*HTTP_VERBS, "stream")]
    + [f"httpx.{client}" for client in ("Client", "AsyncClient")]
    + [
        f"httpx.{client}().{verb}"
        for client in ("Client", "AsyncClient")
        for verb in (*HTTP_VERBS, "stream", "send")
    ]
)
#: What a function that makes such a call calls; a session can also come from anywhere.
_WORDS = (
    "requests",
    "urlopen",
    "httpx",
    "webpush",
    "smtplib.",
    "ftplib.",
    "imaplib.",
    "poplib.",
    "telnetlib.",
    "http.client.",
    "httplib2.",
    "socket.create_connection",
    "urllib3",
    "django.core.mail",
    "feedparser.",
)
# How names of addresses end.
_ADDRESSES = ("url", "uri", "href", "link")
# Libraries whose clients are kept by a module or a class: `session.get(…)`.
_KEPT = ("requests", "urllib3")
#: What may wait without an end, by dotted path.
ENDLESS = frozenset({*_REQUESTS, *SOCKETS, *_HTTPX})
_LEAVES = frozenset(map(leaf_of_chain, ENDLESS | SENDING_MAILS))
#: What ends the wait by other means.
_ENDED = ("wait_for", "settimeout", "gevent.Timeout", "eventlet.Timeout")
#: What ends whatever the process does after it.
_ALARMS = ("signal.alarm", "signal.setitimer")
#: A time limit of so many seconds is a timeout for those that nobody minds to wait for.
_SHORT = 120
#: Who calls a function from more places than this is not asked what ends each of them.
_MOST_CALLERS = 20


class EndlessWait(NamedTuple):
    """A call that waits for a peer without a timeout; ``off`` if one was switched off.

    ``limit`` is the time limit, in seconds, that ends the task by and by; ``None`` where none is known.
    ``cause`` is what it has in common with other such calls, see
    :class:`~celery_lint.analysis.limits.asking.causes.Causes`. ``client`` is what must be told a timeout in
    the place of the call, once for all: ``mail``, ``twilio``, ``sendgrid`` or ``genai``; ``server`` names the
    server of mails in the settings of Django. ``session`` is where the session is made by which others ask
    as well.
    """

    site: Site
    place: Place
    name: str
    off: bool
    limit: float | None = None
    cause: Hashable = None
    client: Client | Literal["", "mail"] = ""
    server: Place | None = None
    session: Place | None = None


class IoTimeouts:
    """The network calls of tasks that have no timeout."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.handed = known.of(Handed)
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.workers = known.of(Workers)
        self.time_limits = known.of(TimeLimits)
        self.sent = known.of(Sent)
        self.mails = known.of(Mails)
        self.services = known.of(Services)
        self.http_sessions = known.of(HttpSessions)
        self.peers = known.of(Peers)
        self.causes = known.of(Causes)

    @facts
    def endless(self) -> list[EndlessWait]:
        """Each call once, where no short time limit ends all tasks that come to it."""
        found: list[tuple[EndlessWait, Call]] = []
        for site in (*self.sites.all, *self.handed.all):
            if not self._may_call(site):
                continue
            leaves = _LEAVES | ASKING_SERVICES if self.services.may_be_asked(site) else _LEAVES
            for call in self.sites.made(site):
                if call.leaf() in leaves and call.chain[:1] != "%":
                    wait = self.wait(site, call)
                    if wait is not None and not self.ended(site, call):
                        found.extend((each, call) for each in self._unlimited(wait, call))
        told_of = Counter(wait.session for wait, _ in found)
        shown = [
            wait._replace(cause=cause, session=wait.session if told_of[wait.session] > 1 else None)
            for (wait, _), cause in zip(found, self.causes.of(found), strict=True)
        ]
        return [each for wait in shown for each in (self._never_limited(wait) if wait.client else [wait])]

    def _never_limited(self, wait: EndlessWait) -> Iterator[EndlessWait]:
        """A wait of the tasks for which no limit may hold, however long: what it asks hardly ever hangs."""
        tasks = tuple([task for task in wait.site.tasks if not self.time_limits.may_hold(task)])
        if tasks:
            yield wait._replace(site=wait.site._replace(tasks=tasks))

    def _unlimited(self, wait: EndlessWait, call: Call) -> Iterator[EndlessWait]:
        """A wait as that of the tasks that it keeps for the longest, if that is long.

        Of those that something is seen to send, where there are such tasks.
        """
        site = wait.site
        own = self.sites.reaching(site, self.sites.flow(site).step_of(call)) or [*site.tasks]
        others = [
            way.task
            for way in (self.graph.deeply_reached.get(site.key, ()) if self._limit(own[0]) else ())
            if way.calls > DEPTH or not way.is_called or site.key not in self.sites.by_key
        ]
        limits = {
            task.key: (self._limit(task) or inf, task)
            for task in (*own, *others)
            if not self.ends_itself(task)
        }
        long = [each for each in limits.values() if each[0] > _SHORT]
        sent = [each for each in long if self.sent.is_sent(each[1])]
        longest = max([limit for limit, _ in sent or long], default=0)
        if longest:
            tasks = tuple([task for limit, task in sent or long if limit == longest])
            yield wait._replace(site=site._replace(tasks=tasks), limit=longest if longest < inf else None)

    def _limit(self, task: Task) -> float | None:
        """After how many seconds a time limit ends a task at the latest, in the pools that may run it.

        Prefork sets its clock for the hard limit only when the soft one has struck.
        """
        hard = self.time_limits.seconds(task, "time_limit")
        if self.workers.only(("gevent",), [task]) is not None:
            return hard
        if self.workers.running(UNFORKED, [task]) is not None or not self.workers.forks([task]):
            return None
        return self.time_limits.seconds(task, "soft_time_limit") or hard

    def _may_call(self, site: Site) -> bool:
        if site.function.mentions(*_WORDS) or self.services.may_be_asked(site):
            return True
        # A session that the module or the class keeps: `session.get(…)`.
        if site.function.mentions(":") and any(
            path.partition(".")[0].startswith(_KEPT) for path in site.module.imports.values()
        ):
            return True
        return self.http_sessions.may_be_handed_to(site)

    def is_told(self, site: Site, call: Call) -> bool:
        """Whether a call, if tasks of the site come to it, is told as one without a timeout."""
        wait = self.wait(site, call)
        return wait is not None and (not wait.client or any(self._never_limited(wait)))

    def wait(self, site: Site, call: Call) -> EndlessWait | None:
        """A call as one that waits for its peer without a timeout, if it is one."""
        name = self.sites.name(site.module, call.chain)
        place = site.module.place(call.span)
        off = _switched_off(call)
        if name in _HTTPX:
            off = off or self._without_limits(site, call)
            used = name.endswith("Client") and self._limited_at_use(site, name)
            return EndlessWait(site, place, _shown(name), True) if off and not used else None
        if self.mails.is_endless(name, call):
            shown = _shown(name.removeprefix("django.core.mail."))
            return EndlessWait(site, place, shown, False, client="mail", server=self.mails.endless_server)
        client = self.services.untimed(name, call)
        if client:
            return EndlessWait(site, place, _shown(name), False, client=client)
        position = _REQUESTS.get(name, SOCKETS.get(name))
        if position is None or not (off or _lacks(call, position)):
            return None
        if any(self.peers.is_local(site, given) for given in call.takes[:2]):
            return None
        if name in SOCKETS and (self._default_timeout or not (call.takes or self._connects(site, name))):
            return None
        if name == READS_FEEDS and not _is_address(self.sites.flow(site), call):
            return None
        if name in REQUEST_WRAPPERS and call.keyword("requests_session"):
            return None
        if name.startswith(POOLS) and self._pools_end:
            return None
        if not name.startswith(REQUESTS_SESSIONS):
            return EndlessWait(site, place, _shown(name), off)
        if self.http_sessions.taught(site, call):
            return None
        return EndlessWait(site, place, _shown(name), off, session=self.http_sessions.made(site, call))

    def _connects(self, site: Site, name: str) -> bool:
        """Whether a function that makes a client without an address gives it one, and no timeout."""
        return name in CONNECTING_LATER and any(
            other.leaf() == "connect"
            and self.sites.name(site.module, other.chain) == f"{name}().connect"
            and bool(other.takes)
            and _lacks(other, 2)
            for other in self.sites.calls(site)
        )

    # ------------------------------------------------------------------ who else may end the wait

    def ended(self, site: Site, call: Call) -> bool:
        """Whether something around the call ends it: an alarm, a ``with`` of a timeout, a decorator.

        Or something around all calls of its function, on the ways from tasks.
        """
        return self._ends(site, call, {site.key})

    def ends_itself(self, task: Task) -> bool:
        """Whether a task sets an alarm, or a decorator of its own ends it.

        Under gevent such a decorator works better than the limits of Celery.
        """
        if task.function is not None and _sets_alarm(task.module, task.function):
            return True
        leaves = (decorator.chain.rpartition(".")[2].lower() for decorator in task.inner_decorators)
        return any("timeout" in leaf or "time_limit" in leaf for leaf in leaves)

    def _ends(self, site: Site, call: Call, seen: set[Key]) -> bool:
        if site.function.mentions(*_ENDED) or _sets_alarm(site.module, site.function):
            return True
        if any("timeout" in decorator.chain.lower() for decorator in site.function.decorators):
            return True
        step = self.sites.flow(site).step_of(call)
        around = self.sites.flow(site).ancestors(step) if step is not None else ()
        if any("timeout" in chain.lower() for s in around if s.kind == "with" for chain in s.chains):
            return True
        callers = [way for way in self.sites.ways(site) if way[0].key not in seen]
        if not callers or site.is_task() or len(callers) > _MOST_CALLERS:
            return False
        seen.update(caller.key for caller, _ in callers)
        return all(self._ends(caller, other, seen) for caller, other in callers)

    @once
    def _default_timeout(self) -> bool:
        """Whether the product gives all sockets a timeout."""
        return any(self.project.holding("setdefaulttimeout"))

    @once
    def _pools_end(self) -> bool:
        """Whether the product makes a pool of urllib3 that has, or may have, a timeout for its requests."""
        leaves = tuple(leaf_of_chain(pool) for pool in POOLS)
        return any(
            call.leaf() in leaves and not _lacks(call, 99)
            for module, function in self.project.calling(*leaves)
            for call in self.functions.calls(module, function)
        )

    def _without_limits(self, site: Site, call: Call) -> bool:
        """Whether the timeout of a call is ``httpx.Timeout(None)``."""
        timeout = call.keyword("timeout")
        if timeout.kind != "call":
            return False
        made = self.sites.calls(site)[timeout.number]
        return made.chain == "httpx.Timeout" and len(made.takes) == 1 and made.argument(0).is_none

    def _limited_at_use(self, site: Site, client: str) -> bool:
        """Whether requests of a client that has no timeout bring their own."""
        return any(
            self.sites.name(site.module, other.chain).startswith(f"{client}().") and not _lacks(other, 99)
            for other in self.sites.calls(site)
        )


def _sets_alarm(module: Module, function: Function) -> bool:
    """Whether a function calls for a signal after some seconds, under whatever name."""
    if function.mentions(*_ALARMS):
        return True
    names = [name for name, target in module.imports.items() if target in _ALARMS]
    return bool(names) and function.may_call(*names)


def _lacks(call: Call, position: int) -> bool:
    """Whether a call gives no timeout, by name or position, nor anything that may hold one."""
    return not (call.is_open_ended or call.keyword("timeout") or len(call.positional) > position)


def _is_address(flow: Flow, call: Call) -> bool:
    """Whether what a call is given first certainly is an address, by its text or by its name."""
    given = call.argument(0)
    if (given.text or given.beginning).startswith(("http:", "https:")):
        return True
    step = flow.step_of(call)
    if given.kind != "name" or step is None:
        return False
    names = [name for name in step.loads for each in flow.steps if name in each.stores]
    held = [name for name in names if any(e.value == given.chain for e in flow.steps if name in e.stores)]
    leaf = leaf_of_chain(given.chain).removeprefix("%")
    return any(name.lower().endswith(_ADDRESSES) for name in (leaf, *held))


def _switched_off(call: Call) -> bool:
    return call.keyword("timeout").is_none


def _shown(name: str) -> str:
    name = name.removeprefix("twilio.rest.").removeprefix("sendgrid.")
    name = name.removeprefix("google.genai.Client().").replace("()", "")
    return name.replace("sessions.", "").replace("requests.session.", "requests.Session.")
