"""Whom a request asks: the host in its address, or what that begins with where only the run knows it."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.libraries.network import LOCAL_HOSTS
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Value
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# An address is followed through so many functions that hand it on.
_DEPTH = 3
# Who calls a function from more places than this is not asked what address each of them gives.
_MOST_CALLERS = 20
_LOCAL = ("file:", "data:", "http://localhost", "http://127.0.0.1", "http://[::1]")
# What a name of a host ends with where a path may follow it: `"https://shop.example.com" + path`.
_WHOLE = re.compile(r"\.[a-z]{2,}(?::\d+)?$", re.IGNORECASE)
_JOINING = "urljoin"
_FILLING = "format"
# What these give depends on what they are asked for: `options.get("url")`.
_LOOKING_UP = frozenset({"get", "getattr", "getenv", "loads", "next", "pop", "setdefault"})
_PLACEHOLDER = frozenset("{%")
# Statements that pick something by what they read, unless that becomes part of a text.
_PICKING = frozenset({"assign", "if", "match", "return"})
# What makes a text of others, and methods of a text that give another.
_JOINERS = frozenset({_FILLING, "join", "quote", "str", _JOINING})
_SHAPING = frozenset(
    {
        "lower",
        "lstrip",
        "removeprefix",
        "removesuffix",
        "replace",
        "rstrip",
        "strip",
        "title",
        "upper",
    }
)
_VARIABLE = re.compile(r"%(\w+)")


class Peers:
    """The hosts that requests ask."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.project = known.project

    def host(self, site: Site, call: Call) -> str:
        """The scheme and the host that an address begins with, whatever follows; or nothing."""
        given = call.variable_address or _address(call)
        text = self._begins(site, self._joined(site, given))
        scheme, found, rest = text.partition("://")
        host, slash, _ = rest.partition("/")
        ends = slash or not _is_open(given) or _WHOLE.search(host)
        return f"{scheme}://{host}" if found and host and ends and _PLACEHOLDER.isdisjoint(host) else ""

    def name(self, call: Call) -> str:
        """The variable that names the peer, or with which its address begins; or nothing."""
        given = _address(call)
        return given.chain if given.kind == "name" else given.begins_with

    def of(self, site: Site, call: Call) -> Hashable:
        """What all calls have in common that ask the peer of this one; or nothing, where nobody knows.

        The host, or else the expression that makes the address, or begins it: a variable that nothing binds
        anew in between, an attribute, an item, what one method of one object gives. All methods of a class
        ask the same one by it, where it is no variable of a function.
        """
        peer = self.host(site, call) or self._expression(site, call)
        if not peer:
            return None
        names = frozenset(_VARIABLE.findall(peer))
        owner = site.function.owner if not names else ""
        return site.module.path, owner or site.function.qualname, peer, self._bindings(site, call, names)

    def _expression(self, site: Site, call: Call) -> str:
        """The expression that makes an address, or with which it begins, if it always means the same."""
        given = call.variable_address or self._joined(site, _address(call))
        chain = given.chain or given.begins_with
        if given.kind == "call":
            made = self.sites.calls(site)[given.number]
            chain = f"{made.chain}()"
            if not _is_of_one_object(chain):
                words = self._without_paths(site, made)
                known = not any(text[:1] in "(?[{" or ":(" in text or ":?" in text for text in words)
                return f"{made.chain}({','.join(words)})" if known else ""
            if self._chooses(site, made):
                return f"{made.chain}({','.join(made.packed_arguments)})"
        plain = "()" not in chain and "[]" not in chain
        return chain if plain or _is_of_one_object(chain) else ""

    def _without_paths(self, site: Site, made: Call) -> list[str]:
        """What decides about an address, of what a function is given that makes it: not the path of it."""
        words = [text for text in made.packed_arguments if text[:1] != "@"]
        entity = self.project.resolve(site.module, made.chain)
        function, module = entity.function(), entity.module
        if function is None or module is None or self._chooses(site, made):
            return words
        joins = [
            call.argument(0, "base")
            for call in self.project.functions.calls(module, function)
            if call.leaf() == _JOINING
        ]
        joined = bool(joins) and not any(base.local for base in joins)
        kept: list[str] = []
        for text, given in zip(words, made.takes, strict=True):
            path = given.text or given.beginning
            if not path or "://" in path or not (joined or "/" in path):
                kept.append(text)
        return kept

    def _chooses(self, site: Site, made: Call) -> bool:
        """Whether a method of the project picks an address by a constant that it is given.

        One that asks for a parameter, or looks something up by it, does: ``return self.urls[kind]``. One
        that only puts it into a text asks one host for all that.
        """
        method = self.project.resolve(site.module, made.chain)
        function = method.function()
        if function is None or method.module is None:
            return False
        filled = function.filled()
        constants = [given for given in made.takes if given.kind in ("constant", "text") or given.beginning]
        given = {
            argument.keyword or filled[index]
            for index, argument in enumerate(made.takes)
            if argument in constants and (argument.keyword or index < len(filled))
        }
        is_whole = any("://" in (each.text or each.beginning) for each in constants)
        flow = self.project.functions.of(method.module, function)
        for step in flow.steps:
            if step.kind not in _PICKING or given.isdisjoint(step.loads):
                continue
            if _is_told_text(step, given):
                given.update(step.stores)
            elif step.kind == "return" and not is_whole and step.value.lstrip("%") in given:
                continue  # a whole address is left as it is
            elif not (step.kind == "if" and _only_looks(flow, step, given, is_whole)):
                return True
        return False

    def _bindings(self, site: Site, call: Call, names: frozenset[str]) -> int:
        """How often a function binds one of these variables, or an address in it, before a call."""
        flow = self.sites.flow(site)
        current = flow.step_of(call) if names else None
        before = flow.steps[: current.number] if current is not None else ()
        items = [
            each
            for each in (site.module.assignments if current is not None else ())
            if each.function == site.function.qualname
            and each.key_span < call.span
            and each.target[1:] in names
            and each.target[:1] == "%"
        ]
        return sum(not names.isdisjoint(step.stores) for step in before) + len(items)

    def is_local(self, site: Site, given: Argument, depth: int = _DEPTH) -> bool:
        """Whether the code itself says that the peer is on the same machine, as a catcher of mails is."""
        text = self._begins(site, given)
        return text.startswith(_LOCAL) or text in LOCAL_HOSTS or self._is_given_local(site, given, depth)

    def _begins(self, site: Site, given: Argument) -> str:
        """The text that an argument is, or begins with, if no other machine may have another one."""
        chain = given.chain or given.begins_with
        if chain[:1] == ":" and "." not in chain:  # no setting, which another machine may change
            span = site.function.span
            return self.project.text(site.module, Value("name", span, None, chain)) or ""
        return given.text or given.beginning

    def _joined(self, site: Site, given: Argument) -> Argument:
        """What ``urljoin`` puts before the rest, or ``format`` fills."""
        if given.kind != "call":
            return given
        made = self.sites.calls(site)[given.number]
        if made.leaf() == _FILLING:
            return Argument("", "name", made.chain.removesuffix(f".{_FILLING}"))
        return made.argument(0, "base") if made.leaf() == _JOINING else given

    def _is_given_local(self, site: Site, given: Argument, depth: int) -> bool:
        """Whether it is a parameter that all calls on the ways from tasks fill with such an address."""
        name, callers, filled = given.local, self.sites.ways(site), site.function.filled()
        if name not in filled or not callers or site.is_task() or len(callers) > _MOST_CALLERS or not depth:
            return False
        if any(name in step.stores for step in self.sites.flow(site).steps):
            return False
        position = filled.index(name)
        return all(self.is_local(by, call.argument(position, name), depth - 1) for by, call in callers)


def _address(call: Call) -> Argument:
    return call.argument(1 if call.leaf() == "request" else 0, "url")


def _is_told_text(step: Step, given: Collection[str]) -> bool:
    """Whether a statement only makes a text of what it reads: strips it, quotes it, joins it with another."""
    leaf = step.value.removesuffix("()").rpartition(".")[2].lstrip("~:%")
    if step.value == "'" or (leaf in _JOINERS and step.value[-2:] == "()"):
        return True
    name, _, method = step.value.removesuffix("()").lstrip("%").partition(".")
    return step.value[-2:] == "()" and name in given and method in _SHAPING


def _only_looks(flow: Flow, step: Step, given: Collection[str], is_whole: bool) -> bool:
    """Whether a condition refuses what is no path, or makes one of it; what is a whole address is another.

    ``if not path: raise ValueError``, ``if not path.startswith("/"): path = f"/{path}"``.
    """
    return all(
        inner.kind in ("expr", "pass", "raise")
        or (inner.kind == "assign" and bool(inner.stores) and set(inner.stores) <= set(given))
        or (inner.kind == "return" and not is_whole and inner.value.lstrip("%") in given)
        for inner in flow.below(step)
    )


def _is_open(address: Argument) -> bool:
    """Whether more may follow the text that an address begins with."""
    return address.kind not in ("text", "name")


def _is_of_one_object(chain: str) -> bool:
    """Whether a chain says by the method of which object an address is made, whatever that is given.

    What a lookup gives says nothing, ``options.get()``; an attribute of it does: ``Shop.get().store.api()``.
    """
    receiver, dot, _ = chain.removesuffix("()").rpartition(".")
    if not dot or "[]" in chain or (chain[:1] not in (":", "%") and "()" not in receiver):
        return False
    parts = chain.split(".")
    looked_up = [index for index, part in enumerate(parts) if part.removesuffix("()") in _LOOKING_UP]
    return all(part + 1 < len(parts) and "()" not in parts[part + 1] for part in looked_up)
