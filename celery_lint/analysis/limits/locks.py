"""Locks that tasks keep in Redis or in a cache: those that never end, and those that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.model.calls import Call
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts

_CLIENTS = re.compile(
    r"""(?:redis(?:\.client|\.cluster|\.asyncio|\.asyncio\.client)?\.(?:Strict)?Redis(?:Cluster)?\(\)
        | redis(?:\.asyncio)?(?:\.(?:Strict)?Redis)?\.from_url\(\)
        | redis\.sentinel\.Sentinel\(\)\.master_for\(\)
        | django_redis\.get_redis_connection\(\)
        | flask_redis\.FlaskRedis\(\))\.""",
    re.VERBOSE,
)
_CACHES = re.compile(r"django\.core\.cache\.(?:cache|caches\[\])\.")
#: Classes of locks, with the place and the name of the parameter that ends them.
_CLASSES = {
    "redis.lock.Lock": (2, "timeout"),
    "redis.asyncio.lock.Lock": (2, "timeout"),
    "redis_lock.Lock": (2, "expire"),
}
_ENDING_SET = frozenset({"ex", "px", "exat", "pxat", "keepttl", "timeout"})
_EXPIRING = ("expire", "pexpire", "expireat", "pexpireat", "setex", "psetex", "touch", "eval", "evalsha")
_ASKING = frozenset({"get", "exists", "has_key"})
_DECIDING = frozenset({"if", "while", "return", "assert"})
_LOCK_WORDS = frozenset(
    {"lock", "locks", "locked", "mutex", "semaphore", "running", "processing", "progress"}
)


class EternalLock(NamedTuple):
    """A lock that nothing ends but the one who took it. ``kind`` is ``lock`` or ``key``."""

    site: Site
    place: Place
    name: str
    kind: str


class AskedLock(NamedTuple):
    """A key that is set after it was asked for in another call, to keep other tasks out."""

    site: Site
    place: Place
    asked: Place
    name: str


class Locks:
    """The locks of the functions that run in the process of tasks."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.project = known.project

    def explore(self) -> None:
        """Follow the chains of clients: they are at home in modules without tasks."""
        for site in self.sites.calling(".lock", ".setnx", ".add", ".set"):
            for call in self.sites.calls(site):
                if call.leaf() in ("lock", "setnx") or _sets_if_missing(call) or _adds_for_ever(call):
                    self.project.resolve(site.module, call.chain)

    # ------------------------------------------------------------------ locks without an end

    @facts
    def eternal(self) -> list[EternalLock]:
        """The locks that stay for ever when their task is killed."""
        found: list[EternalLock] = []
        for site in self.sites.calling(".lock", ".Lock", ".setnx", ".set", ".add"):
            calls = self.sites.calls(site)
            for call in calls:
                if call.leaf() in ("lock", "Lock"):
                    found.extend(self._lock(site, call))
                elif call.leaf() == "setnx" or _sets_if_missing(call) or _adds_for_ever(call):
                    found.extend(self._key(site, call, calls))
        found.extend(self._kept())
        return found

    def _kept(self) -> Iterator[EternalLock]:
        """The locks that a module keeps for its tasks: ``LOCK = redis.Redis().lock("scan")``."""
        homes: dict[str, list[Site]] = {}
        for site in self.sites.all:
            homes.setdefault(site.module.path, []).append(site)
        for sites in homes.values():
            module = sites[0].module
            for name, (value, *_) in module.bindings.items():
                if value.kind != "call" or not value.chain.endswith((".lock", "Lock")) or value.open_ended():
                    continue
                kind = self._kind(self.sites.name(module, value.chain))
                if kind is None:
                    continue
                given = value.keyword(kind[1]) or next(iter(value.items[kind[0] :]), None)
                if given is not None and not (given.kind == "constant" and given.data is None):
                    continue
                for site in sites:
                    if any(name in step.loads for step in self.sites.flow(site).steps):
                        yield EternalLock(site, module.place(value.span), _shown(value.chain), "lock")
                        break

    def _lock(self, site: Site, call: Call) -> Iterator[EternalLock]:
        name = self.sites.name(site.module, call.chain)
        kind = self._kind(name)
        if kind is not None and call.takes and not _given(call, *kind):
            yield EternalLock(site, site.module.place(call.span), _shown(name), "lock")

    def _kind(self, name: str) -> tuple[int, str] | None:
        """Place and name of the parameter that ends a lock, if this is what makes one."""
        if name in _CLASSES:
            return _CLASSES[name]
        if name.endswith(".lock") and _CLIENTS.match(name):
            return 1, "timeout"
        if name.endswith(".lock") and _CACHES.match(name):
            return 2, "timeout"
        return None

    def _key(self, site: Site, call: Call, calls: list[Call]) -> Iterator[EternalLock]:
        name = self.sites.name(site.module, call.chain)
        store = _CACHES if call.leaf() == "add" else _CLIENTS
        if not store.match(name) or not call.takes or not self._decides(site, call):
            return
        if any(other.leaf() in _EXPIRING for other in calls):
            return
        if _is_lock(_key_of(call)) or _released(call, calls):
            yield EternalLock(site, site.module.place(call.span), _shown(name), "key")

    def _decides(self, site: Site, call: Call) -> bool:
        """Whether the answer of a call decides what happens next."""
        flow = self.sites.flow(site)
        step = flow.step_of(call)
        if step is None or step.kind in _DECIDING:
            return step is not None
        if step.kind != "assign":
            return False
        names = set(step.stores)
        return any(
            names & set(other.loads) and (other.kind in _DECIDING or other.yields) for other in flow.steps
        )

    # ------------------------------------------------------------------ locks that are none

    @facts
    def asked(self) -> list[AskedLock]:
        """The pairs of get and set that two tasks can pass side by side."""
        found: list[AskedLock] = []
        for site in self.sites.calling(".set", ".setex"):
            asks = site.function.may_call(*(f".{leaf}" for leaf in _ASKING))
            if asks and not site.function.mentions("select_for_update"):
                found.extend(self._asked(site))
        return found

    def _asked(self, site: Site) -> Iterator[AskedLock]:
        calls = self.sites.calls(site)
        if any(c.leaf() in ("add", "setnx", "lock", "Lock") or c.keyword("nx").is_true for c in calls):
            return  # asked before the lock is taken, to save a call
        for call in calls:
            key = call.argument(0)
            if call.leaf() not in _ASKING or key.kind not in ("text", "name") or call.chain[:1] == "%":
                continue
            left = self._leaves_early(site, call) if self._is_store(site, call) else None
            if left is None:
                continue
            owner = call.chain.rpartition(".")[0]
            for other in calls[call.number + 1 :]:
                if other.chain not in (f"{owner}.set", f"{owner}.setex") or other.argument(0) != key:
                    continue
                if _released(other, calls) or (_is_lock(_key_of(call)) and self._follows(site, left, other)):
                    place, asked = site.module.place(other.span), site.module.place(call.span)
                    yield AskedLock(site, place, asked, _shown(self.sites.name(site.module, other.chain)))
                break

    def _is_store(self, site: Site, call: Call) -> bool:
        name = self.sites.name(site.module, call.chain)
        return _CLIENTS.match(name) is not None or _CACHES.match(name) is not None

    def _leaves_early(self, site: Site, call: Call) -> Step | None:
        """The ``if`` that ends the function where the key is found, without making use of what it holds."""
        flow = self.sites.flow(site)
        step = flow.step_of(call)
        if step is None:
            return None
        if step.kind == "if":
            return step if self._ends_empty(site, step, frozenset()) else None
        if step.kind != "assign" or len(step.stores) != 1:
            return None
        names = frozenset(step.stores)
        readers = [other for other in flow.steps if not names.isdisjoint(other.loads)]
        if len(readers) == 1 and readers[0].kind == "if" and self._ends_empty(site, readers[0], names):
            return readers[0]
        return None

    def _follows(self, site: Site, left: Step, call: Call) -> bool:
        """Whether a key is set before the work is done: afterwards it only says that it was done."""
        flow = self.sites.flow(site)
        around = flow.steps[left.parent] if left.parent >= 0 else None
        block = list(flow.body(around, left.role))
        after = block[block.index(left) + 1 :][:2]
        return any(call.number in step.calls for step in after)

    def _ends_empty(self, site: Site, step: Step, names: frozenset[str]) -> bool:
        flow = self.sites.flow(site)
        body = flow.body(step)
        if not body or body[-1].kind not in ("return", "raise") or flow.body(step, "else"):
            return False
        return names.isdisjoint(body[-1].loads)


def _sets_if_missing(call: Call) -> bool:
    """Whether a call of ``set`` is a lock by ``nx`` without an end."""
    if call.leaf() != "set" or not call.keyword("nx").is_true or call.is_open_ended:
        return False
    return len(call.positional) < 3 and not any(given.keyword in _ENDING_SET for given in call.takes)


def _adds_for_ever(call: Call) -> bool:
    """Whether a call of ``add`` on a cache asks for a key that never expires."""
    return call.leaf() == "add" and call.argument(2, "timeout").is_none


def _given(call: Call, position: int, keyword: str) -> bool:
    """Whether a call may give a parameter a value other than ``None``."""
    given = call.argument(position, keyword)
    return call.is_open_ended or (bool(given) and not given.is_none)


def _released(taken: Call, calls: list[Call]) -> bool:
    """Whether the function deletes the key that it has set."""
    owner = taken.chain.rpartition(".")[0]
    key = taken.argument(0)
    return any(other.chain == f"{owner}.delete" and other.argument(0) == key for other in calls)


def _key_of(call: Call) -> str:
    """The key that a call is given: its text, or the name that holds it."""
    key = call.argument(0)
    return key.text or key.chain


def _is_lock(key: str) -> bool:
    """Whether a key, or the name that holds it, speaks of a lock."""
    words = re.split(r"[^A-Za-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", key))
    return not _LOCK_WORDS.isdisjoint(word.lower() for word in words)


def _shown(name: str) -> str:
    """The last two components: ``cache.add``, ``Redis.lock``."""
    return ".".join(name.replace("()", "").replace("[]", "").split(".")[-2:])
