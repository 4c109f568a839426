"""Whom a request asks: the host in its address, also where the rest of that is only known to the run."""

from __future__ import annotations

import re

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.libraries.network import LOCAL_HOSTS
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Value
from celery_lint.project.known import Known

# An address is followed through so many functions that hand it on.
_DEPTH = 3
# Who calls a function from more places than this is not asked what address each of them gives.
_MOST_CALLERS = 20
_LOCAL = ("file:", "data:", "http://localhost", "http://127.0.0.1", "http://[::1]")
# What a name of a host ends with where a path may follow it: `"https://shop.example.com" + path`.
_WHOLE = re.compile(r"\.[a-z]{2,}(?::\d+)?$", re.IGNORECASE)
_JOINING = "urljoin"


class Peers:
    """The hosts that requests ask."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.project = known.project

    def host(self, site: Site, call: Call) -> str:
        """The scheme and the host that an address begins with, whatever follows; or nothing."""
        text = self._begins(site, self._joined(site, _address(call)))
        scheme, found, rest = text.partition("://")
        host, slash, _ = rest.partition("/")
        ends = slash or not _is_open(_address(call)) or _WHOLE.search(host)
        return f"{scheme}://{host}" if found and host and ends else ""

    def name(self, call: Call) -> str:
        """The variable that names the peer, or with which its address begins; or nothing."""
        given = _address(call)
        return given.chain if given.kind == "name" else given.begins_with

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
        """What ``urljoin`` puts before the rest."""
        if given.kind != "call":
            return given
        made = self.sites.calls(site)[given.number]
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


def _is_open(address: Argument) -> bool:
    """Whether more may follow the text that an address begins with."""
    return address.kind not in ("text", "name")
