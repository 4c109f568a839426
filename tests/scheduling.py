"""Which process runs which tests, where pytest-xdist runs several: what takes long begins first.

A file is run as a whole, so that what its tests share is made once. Of a file that takes long each test is
given out alone, or each case of one, as ``durations.json`` lists them. The list is written anew by

    CELERY_LINT_DURATIONS=1 python -m pytest -n auto

and nothing depends on it but the order: a test that it does not know is run with its file, at the end.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DURATIONS = Path(__file__).parent / "durations.json"
SPLIT = 15.0
"""Seconds from which on a file is not run as a whole."""
LONG = 2.0
"""Seconds from which on a test of such a file is given out alone."""


@cache
def durations() -> dict[str, float]:
    """The seconds of each unit that is listed."""
    listed: dict[str, float] = json.loads(DURATIONS.read_text(encoding="utf-8"))
    return listed


def unit(nodeid: str) -> str:
    """With what a test is given out: its case, its function or its file."""
    function = nodeid.partition("[")[0]
    return next((each for each in (nodeid, function) if each in durations()), function.partition("::")[0])


def units(took: Mapping[str, float]) -> dict[str, float]:
    """What is given out on its own when tests took so long, the longest first: files, functions, cases."""
    files: dict[str, float] = defaultdict(float)
    functions: dict[str, list[float]] = defaultdict(list)
    for nodeid, seconds in took.items():
        function = nodeid.partition("[")[0]
        files[function.partition("::")[0]] += seconds
        functions[function].append(seconds)
    found: dict[str, float] = defaultdict(float)
    for nodeid, seconds in took.items():
        function = nodeid.partition("[")[0]
        file = function.partition("::")[0]
        of_function = functions[function]
        if sum(of_function) < LONG or files[file] < SPLIT:
            found[file] += seconds
        elif sum(of_function) / len(of_function) < LONG:
            found[function] += seconds
        else:
            found[nodeid] += seconds
    longest = sorted(found, key=lambda name: (-found[name], name))
    return {name: round(found[name], 1) for name in longest if found[name] >= LONG}


class Durations:
    """Writes down how long tests took."""

    def __init__(self) -> None:
        self._took: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count setup, call and the end."""
        self._took[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write what has been counted."""
        DURATIONS.write_text(json.dumps(units(self._took), indent=1) + "\n", encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Write durations down where the environment asks for it."""
    if os.environ.get("CELERY_LINT_DURATIONS") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let what takes longest stand first, where the tests are given out to several processes."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: -durations().get(unit(item.nodeid), 0))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give out units, in the order in which the tests stand, unless the command line asks for another way."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

    config.option.loadscopereorder = False
    return Units(config, log)
