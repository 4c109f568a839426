"""What outlives a round of reading is what the next round would find itself, and leads where that leads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from celery_lint.diagnostics import Unparsed
from celery_lint.model.facts import Module
from celery_lint.model.reading.reader import read_module
from celery_lint.options import Configuration
from celery_lint.project.entity import Entity
from celery_lint.project.imports import Imports
from celery_lint.project.project import Project
from celery_lint.project.reading import Lasting, Mode
from celery_lint.source import Source
from tests.project.test_resolving import CHAINS, FILES, UNREAD, told

MODES: tuple[Mode, ...] = ("demand", "hint", "quiet")
MODULES = {path: read_module(path, Source(path, text)) for path, text in FILES.items()}
# What is read from round to round, beside what chains lead to: the last one reads nothing more.
ROUNDS = (UNREAD, ("shop/loops.py",), ("shop/celery.py",), tuple(FILES), ())


def linked(read: list[str], lasting: Lasting | None, refused: bool = False) -> Project:
    def load(path: str, name: str) -> Module | Unparsed | None:
        return None if refused else MODULES[path]

    modules = [MODULES[path] for path in read]
    return Project(modules, Imports(FILES), Configuration(), load=load, lasting=lasting)


def said(project: Project, modes: tuple[Mode, ...]) -> Iterator[object]:
    """What all chains are in each of these modes, and what that leads to."""
    for mode in modes:
        project.reading.mode = mode
        yield [told(project.resolve(project.modules["shop/tasks.py"], chain)) for chain in CHAINS]
        reading = project.reading
        yield (
            {*reading.wanted},
            {*reading.demanded},
            {path: {*names} for path, names in reading.hinted.items()},
        )


@pytest.mark.parametrize("refused", [False, True], ids=["read", "refused"])
@pytest.mark.parametrize("modes", list(product(MODES, MODES)), ids="-".join)
def test_a_round_that_knows_the_last_one_says_what_a_new_one_says(
    modes: tuple[Mode, ...], refused: bool
) -> None:
    lasting, read = Lasting(), set[str]()
    for more in ROUNDS:
        read.update(more)
        project = linked(sorted(read), lasting, refused)
        again = list(said(project, modes))
        assert again == list(said(linked(sorted(read), None, refused), modes))
        read |= project.reading.wanted


class Counted(Project):
    """A project that tells which chains it has followed."""

    def __init__(self, read: list[str], lasting: Lasting) -> None:
        modules = [MODULES[path] for path in read]
        super().__init__(modules, Imports(FILES), Configuration(), load=lambda *_: None, lasting=lasting)
        self.followed: list[str] = []

    def _resolve(self, module: Module, chain: str) -> Entity:
        self.followed.append(chain)
        return super()._resolve(module, chain)


def followed(read: list[str], lasting: Lasting, *chains: str) -> list[str]:
    project = Counted(read, lasting)
    for chain in chains:
        project.resolve(project.modules["shop/tasks.py"], chain)
    return project.followed


def test_only_what_has_met_a_file_that_is_read_now_is_asked_anew() -> None:
    lasting = Lasting()
    chains = ("shop.loops.run", "shop.stock.shelves.NAME", "shop.stock.nothing", "third.party")
    assert set(followed([*UNREAD], lasting, *chains)) >= set(chains)
    assert followed([*UNREAD], lasting, *chains) == []
    assert followed([*UNREAD, "shop/loops.py"], lasting, *chains) == ["shop.loops.run"]


def test_what_a_circle_comes_back_to_lasts_and_what_it_has_cut_short_does_not() -> None:
    lasting = Lasting()
    assert followed([*FILES], lasting, ":name")
    assert followed([*FILES], lasting, ":name") == []
    members = lasting.of("members")
    assert ("shop/one.py", "name") in members
    assert ("shop/other.py", "name") not in members


def test_a_circle_cuts_short_nothing_that_is_found_elsewhere() -> None:
    texts = {
        "models/__init__.py": "from models.bills import *\nfrom models.items import *\n",
        "models/bills.py": "from models import Item\n",
        "models/items.py": "class Item: ...\n",
    }
    modules = [read_module(path, Source(path, text)) for path, text in texts.items()]
    lasting = Lasting()
    for number in range(2):
        project = Project(modules, Imports(texts), Configuration(), load=lambda *_: None, lasting=lasting)
        if number == 0:
            assert project.member(project.modules["models/__init__.py"], "Item").kind == "class"
            assert ("models/bills.py", "Item") not in lasting.of("members")
        else:
            assert ("models/__init__.py", "Item") in lasting.of("members")
            assert project.member(project.modules["models/bills.py"], "Item").kind == "class"
