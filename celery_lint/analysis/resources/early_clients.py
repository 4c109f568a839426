"""Clients that do not survive a fork, and are there when a worker forks."""

from __future__ import annotations

from typing import Literal

from celery_lint.analysis.resources.before_fork import BeforeFork
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.resources.at_import import AtImport
from celery_lint.inventory.workers.running import Workers
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts

#: Clients whose threads do not come along into a forked process, and one that says so itself.
CLIENTS: dict[str, Literal["threads", "warns"]] = {
    "kafka.KafkaProducer()": "threads",
    "kafka.producer.KafkaProducer()": "threads",
    "confluent_kafka.Producer()": "threads",
    "pymongo.MongoClient()": "warns",
    "pymongo.mongo_client.MongoClient()": "warns",
}
_CLIENT_LEAVES = tuple(name.rpartition(".")[2].removesuffix("()") for name in CLIENTS)


class EarlyClient(NamedTuple):
    """A client at module level that is not fork-safe and that tasks use. ``kind`` as in the table."""

    name: str
    kind: Literal["threads", "warns"]
    place: Place
    use: Place
    site: Site


class EarlyClients:
    """The clients that imports make."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sites = known.of(Sites)
        self.workers = known.of(Workers)
        self.before_fork = known.of(BeforeFork)
        self.at_import = known.of(AtImport)

    @facts
    def all(self) -> list[EarlyClient]:
        """The clients that tasks use, once each."""
        if not self.before_fork.forking or not any(self.project.calling(*_CLIENT_LEAVES)):
            return []
        if self.before_fork.hooked:
            return []
        found: dict[Place, EarlyClient] = {}
        known: dict[Key, Entity | None] = {}
        for site in self.sites.all:
            for call in self.sites.made(site):
                key = (site.module.path, call.chain)
                if key not in known:
                    known[key] = self.at_import.of(site.module, call.chain) if "." in call.chain else None
                entity = known[key]
                if entity is None or entity.origin is None:
                    continue
                kind = CLIENTS.get(f"{entity.name.partition('()')[0]}()")
                place = self._made(entity) if kind is not None else None
                if kind is None or place is None or place in found:
                    continue
                if self.workers.certainly_fork(site.tasks):
                    use = site.module.place(call.span)
                    name = entity.origin[1].rpartition(".")[2]
                    found[place] = EarlyClient(name, kind, place, use, site)
        return sorted(found.values(), key=lambda client: client.place)

    def _made(self, entity: Entity) -> Place | None:
        """Where a client is made, unless it is told to open nothing yet."""
        value, module = entity.value, entity.module
        if value is None or module is None:
            return None
        around = self.functions.around(module, value) or module.functions[""]
        for call in self.functions.calls(module, around):
            if call.span.start == value.span.start and call.leaf() in _CLIENT_LEAVES:
                if call.in_main:
                    return None
                told = call.keyword("connect") or call.keyword("**")
                return None if told and not told.is_true else module.place(call.span)
        if leaf_of_chain(value.chain) not in _CLIENT_LEAVES or around.name:
            return None
        option = value.keyword("connect") or value.keyword("**")  # in the body of a class
        return module.place(value.span) if option is None or option.data is True else None
