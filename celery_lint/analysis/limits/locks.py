"""Locks that tasks keep in Redis or in a cache: those that never end, and those that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from celery_lint.analysis.limits.cache_backends import CacheBackends, LockMethod
from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.code.walks import Walks
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
_ANY_CACHE = "django.core.cache.caches"
#: Classes of locks, with the parameter that ends them.
_CLASSES = {
    "redis.lock.Lock": LockMethod(2, "timeout"),
    "redis.asyncio.lock.Lock": LockMethod(2, "timeout"),
    "redis_lock.Lock": LockMethod(2, "expire"),
}
# Libraries differ in the name, and whose lock a cache hands out, its backend decides.
_ENDINGS = ("timeout", "expire")
_ENDING_SET = frozenset({"ex", "px", "exat", "pxat", "keepttl", "timeout"})
_EXPIRING = ("expire", "pexpire", "expireat", "pexpireat", "setex", "psetex", "touch", "eval", "evalsha")
# What asks for a key, or for a member of one, what sets it, and what deletes it again.
_ASKING = {
    "get": (("set", "setex"), "delete"),
    "exists": (("set", "setex"), "delete"),
    "has_key": (("set", "setex"), "delete"),
    "sismember": (("sadd",), "srem"),
    "hexists": (("hset",), "hdel"),
}
_MEMBERS = frozenset({"sismember", "hexists"})
# The methods that take a lock: with the others one ends or asks about a lock that another run has taken.
_TAKING = frozenset({"acquire", "do_acquire", "__enter__", "__aenter__"})
_DECIDING = frozenset({"if", "while", "return", "assert"})
_LOCK_WORDS = frozenset(
    {"lock", "locks", "locked", "mutex", "semaphore", "running", "processing", "progress"}
)


class EternalLock(NamedTuple):
    """A lock that nothing ends but the one who took it. ``kind`` is ``lock`` or ``key``.

    ``ending`` is the parameter that would end it; none where the backend of a cache decides that.
    """

    site: Site
    place: Place
    name: str
    kind: Literal["lock", "key"]
    ending: str = "timeout"


class AskedLock(NamedTuple):
    """A key that is set after it was asked for in another call, to keep other tasks out.

    Without ``asked`` it is never set: ``place`` asks for it, and later it is deleted. ``eternal``: nothing
    gives it an end before the work is done.
    """

    site: Site
    place: Place
    asked: Place | None
    name: str
    eternal: bool = False


class Locks:
    """The locks of the functions that run in the process of tasks."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.walks = known.of(Walks)
        self.project = known.project
        self.backends = known.of(CacheBackends)

    def explore(self) -> None:
        """Follow the chains of clients: they are at home in modules without tasks."""
        found = self.project.calling(".lock", ".setnx", ".add", ".set")
        for module, function in [each for each in found if self.walks.may_come_to(*each)]:
            for call in self.sites.functions.calls(module, function):
                if call.leaf() in ("lock", "setnx") or _sets_if_missing(call) or _adds_for_ever(call):
                    self.project.resolve(module, call.chain)

    # ------------------------------------------------------------------ locks without an end

    @facts
    def eternal(self) -> list[EternalLock]:
        """The locks that stay forever when their task is killed."""
        found: list[EternalLock] = []
        for site in self.sites.calling(".lock", ".Lock", ".setnx", ".set", ".add"):
            calls = self.sites.calls(site)
            for call in self.sites.made(site):
                if call.leaf() in ("lock", "Lock"):
                    found.extend(self._lock(site, call))
                elif call.leaf() == "setnx" or _sets_if_missing(call) or _adds_for_ever(call):
                    found.extend(self._key(site, call, calls))
        found.extend(self._kept())
        found.extend(EternalLock(one.site, one.place, one.name, "key") for one in self.asked if one.eternal)
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
                called = self.sites.name(module, value.chain)
                kind = self._kind(called)
                if kind is None:
                    continue
                ends = next(filter(None, map(value.keyword, _ENDINGS)), None)
                given = ends or next(iter(value.items[kind.position :]), None)
                if given is not None and not (given.kind == "constant" and given.data is None):
                    continue
                for site in sites:
                    if any(name in step.loads for step in self.sites.flow(site).steps):
                        place = module.place(value.span)
                        yield EternalLock(site, place, _shown(value.chain), "lock", kind.ending)
                        break

    def _lock(self, site: Site, call: Call) -> Iterator[EternalLock]:
        name = self.sites.name(site.module, call.chain)
        kind = self._kind(name)
        if kind is not None and call.takes and not _given(call, kind.position) and self._is_taken(site, call):
            place = site.module.place(call.span)
            yield EternalLock(site, place, _shown(name), "lock", kind.ending)

    def _is_taken(self, site: Site, call: Call) -> bool:
        """Whether a lock that is made here may be acquired, and not only asked about or released."""
        flow = self.sites.flow(site)
        step = flow.step_of(call)
        calls = self.sites.calls(site)
        own = (calls[number] for number in step.calls) if step is not None else ()
        chained = [c for c in own if c.chain.rpartition(".")[0] == f"{call.chain}()"]
        if chained:  # `client.lock("scan").release()`, `if client.lock("scan").locked():`
            return any(c.leaf() in _TAKING for c in chained)
        if step is None or step.kind != "assign" or len(step.stores) != 1:
            return True
        for reader in flow.steps:
            if step.stores[0] in reader.loads:
                owned = [c for c in (calls[number] for number in reader.calls) if _is_of(c, call, step)]
                if reader.kind == "with" or not owned or any(c.leaf() in _TAKING for c in owned):
                    return True
        return False

    def _kind(self, name: str) -> LockMethod | None:
        """The parameter that ends a lock, if this is what makes one."""
        if name in _CLASSES:
            return _CLASSES[name]
        if name.endswith(".lock") and _CLIENTS.match(name):
            return LockMethod(1, "timeout")
        if name.endswith(".lock") and _CACHES.match(name):
            known = self.backends.locking(of_default=not name.startswith(_ANY_CACHE))
            return known or LockMethod(1, "")  # the second of one library is a `version`, of another the end
        return None

    def _key(self, site: Site, call: Call, calls: list[Call]) -> Iterator[EternalLock]:
        name = self.sites.name(site.module, call.chain)
        store = _CACHES if call.leaf() == "add" else _CLIENTS
        if not store.match(name) or not call.takes or not self._decides(site, call):
            return
        if self._is_ended(site, call, calls):
            return
        if _is_lock(_key_of(call)) or _released(call, calls):
            yield EternalLock(site, site.module.place(call.span), _shown(name), "key")

    def _is_ended(self, site: Site, taken: Call, calls: list[Call]) -> bool:
        """Whether something may give the key an end, and not only after the work that it guards."""
        ending = [other for other in calls if other.leaf() in _EXPIRING]
        flow, step = self.sites.flow(site), self.sites.flow(site).step_of(taken)
        if step is None or any(not _concerns(other, taken, _EXPIRING) for other in ending):
            return bool(ending)
        for other in ending:
            last = flow.step_of(other)
            between = flow.steps[step.number + 1 : last.number] if last is not None else ()
            if last is None or not any(map(_works, between)):
                return True
        return False

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
        leaves = [f".{leaf}" for sets, deletes in _ASKING.values() for leaf in (*sets, deletes)]
        for site in self.sites.calling(*leaves):
            asks = site.function.may_call(*(f".{leaf}" for leaf in _ASKING))
            if asks and not site.function.mentions("select_for_update"):
                found.extend(self._asked(site))
        return found

    def _asked(self, site: Site) -> Iterator[AskedLock]:
        calls = self.sites.calls(site)
        if any(c.leaf() in ("add", "setnx", "lock", "Lock") or c.keyword("nx").is_true for c in calls):
            return  # asked before the lock is taken, to save a call
        for call in calls:
            parts = call.positional[:2] if call.leaf() in _MEMBERS else call.positional[:1]
            told = bool(parts) and all(part.kind in ("text", "name") for part in parts)
            if call.leaf() not in _ASKING or not told or call.chain[:1] == "%":
                continue
            question = self._question(site, call) if self._is_store(site, call) else None
            if question is not None:
                yield from self._taken(site, calls, call, question)

    def _taken(self, site: Site, calls: list[Call], asked: Call, question: Step) -> Iterator[AskedLock]:
        """The call that sets the key afterwards, or the question itself where the key is only deleted."""
        sets, deletes = _ASKING[asked.leaf()]
        named = _is_lock(_key_of(asked))
        released = any(_concerns(other, asked, (deletes,)) for other in calls)
        setting = [
            other
            for other in calls
            if _concerns(other, asked, sets) and not self._is_left_behind(site, question, other)
        ]
        place = site.module.place(asked.span)
        for taken in setting:
            if taken.number > asked.number and (released or named):
                begins = self._begins(site, question, taken)
                if question.asks_in_the_negative:  # or else a value is cached
                    begins = begins and (named or taken.argument(1).kind in ("constant", "text"))
                if begins or (released and not question.asks_in_the_negative):
                    shown = _shown(self.sites.name(site.module, taken.chain))
                    stays = taken.leaf() == "set" and _CLIENTS.match(
                        self.sites.name(site.module, taken.chain)
                    )
                    eternal = bool(stays) and _never_ends(taken) and not self._is_ended(site, taken, calls)
                    yield AskedLock(site, site.module.place(taken.span), place, shown, eternal)
                return
        if named and question.asks_in_the_negative and self._only_releases(site, calls, asked, question):
            yield AskedLock(site, place, None, _shown(self.sites.name(site.module, asked.chain)))

    def _is_left_behind(self, site: Site, question: Step, call: Call) -> bool:
        """Whether a key is set when work is over, for runs that come later: that it failed."""
        flow = self.sites.flow(site)
        step = flow.step_of(call)
        while step is not None and step.parent >= 0:
            around = flow.steps[step.parent]
            first = flow.body(around, "finally")[0] if step.role == "finally" else step
            if (step.kind == "handler" or step.role == "finally") and question.number < first.number:
                return True
            step = around
        return False

    def _only_releases(self, site: Site, calls: list[Call], asked: Call, question: Step) -> bool:
        """Whether what is done without the key deletes it at the end, and nobody else gets to know it."""
        _, deletes = _ASKING[asked.leaf()]
        flow, key = self.sites.flow(site), asked.argument(0)
        below = {number for step in flow.below(question) for number in step.calls}
        if flow.ends(flow.body(question)):
            return False
        others = [call for call in calls if call is not asked and any(key.same(g) for g in call.takes)]
        releasing = [call for call in others if call.number in below and _concerns(call, asked, (deletes,))]
        steps = [flow.step_of(call) for call in others if call not in releasing]
        return bool(releasing) and all(step is not None and is_log(step) for step in steps)

    def _is_store(self, site: Site, call: Call) -> bool:
        name = self.sites.name(site.module, call.chain)
        return _CLIENTS.match(name) is not None or _CACHES.match(name) is not None

    def _question(self, site: Site, call: Call) -> Step | None:
        """The statement that asks only whether the key is there, and keeps this run out if it is."""
        flow = self.sites.flow(site)
        step = flow.step_of(call)
        if step is None:
            return None
        names: frozenset[str] = frozenset()
        if step.kind == "assign" and len(step.stores) == 1:
            names = frozenset(step.stores)
            readers = [other for other in flow.steps if not names.isdisjoint(other.loads)]
            if len(readers) != 1:
                return None
            step = readers[0]
        if step.kind == "while":  # `while cache.get(key): sleep(1)`
            return None if step.asks_in_the_negative or step.is_endless else step
        if step.kind != "if":
            return None
        if step.asks_in_the_negative:
            return step  # the work stands under it
        return step if self._ends_empty(site, step, names) else None

    def _begins(self, site: Site, question: Step, call: Call) -> bool:
        """Whether a key is set before the work is done: afterwards it only says that it was done."""
        flow = self.sites.flow(site)
        if question.kind == "if" and question.asks_in_the_negative:
            first = list(flow.body(question))[:2]
            others = (step for step in flow.below(question) if call.number not in step.calls)
            if all(is_log(step) or step.kind in ("pass", "try", "with") for step in others):
                return False  # a run that finds the key does the same
        else:
            around = flow.steps[question.parent] if question.parent >= 0 else None
            block = list(flow.body(around, question.role))
            first = block[block.index(question) + 1 :][:2]
        first += [inner for step in first if step.kind == "try" for inner in flow.body(step)[:1]]
        return any(call.number in step.calls for step in first)

    def _ends_empty(self, site: Site, step: Step, names: frozenset[str]) -> bool:
        flow = self.sites.flow(site)
        body = flow.body(step)
        if not body or body[-1].kind not in ("return", "raise") or flow.body(step, "else"):
            return False
        return names.isdisjoint(body[-1].loads)


def _works(step: Step) -> bool:
    """Whether a statement calls something that is no log."""
    return bool(step.calls or step.value.endswith("()")) and not is_log(step)


def _is_of(call: Call, lock: Call, bound: Step) -> bool:
    """Whether a call is a method of the lock that a statement binds."""
    return call.chain.rpartition(".")[0] in (f"{lock.chain}()", f"%{bound.stores[0]}")


def _sets_if_missing(call: Call) -> bool:
    """Whether a call of ``set`` is a lock by ``nx`` without an end."""
    return call.leaf() == "set" and call.keyword("nx").is_true and _never_ends(call)


def _never_ends(call: Call) -> bool:
    """Whether a call of ``set`` gives the key no end."""
    ends = len(call.positional) > 2 or any(given.keyword in _ENDING_SET for given in call.takes)
    return not call.is_open_ended and not ends


def _adds_for_ever(call: Call) -> bool:
    """Whether a call of ``add`` on a cache asks for a key that never expires."""
    return call.leaf() == "add" and call.argument(2, "timeout").is_none


def _given(call: Call, position: int) -> bool:
    """Whether a call may give the parameter that ends a lock a value other than ``None``."""
    given = [call.argument(position, keyword) for keyword in _ENDINGS]
    return call.is_open_ended or any(bool(value) and not value.is_none for value in given)


def _released(taken: Call, calls: list[Call]) -> bool:
    """Whether the function deletes the key that it has set."""
    return any(_concerns(other, taken, ("delete",)) for other in calls)


def _concerns(call: Call, other: Call, leaves: tuple[str, ...]) -> bool:
    """Whether a call of one of these methods is about the same key of the same store as another call."""
    owner, _, leaf = call.chain.rpartition(".")
    if leaf not in leaves or owner != other.chain.rpartition(".")[0]:
        return False
    told = other.positional[: 2 if other.leaf() in _MEMBERS else 1]
    return bool(told) and call.positional[: len(told)] == told


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
