"""The graph of a project says what the project's facts say: every task, who sends it, where it goes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.describing import description
from celery_lint.engine.describing_task import task_description
from celery_lint.engine.graph.elements import Graph
from celery_lint.engine.workspace import Workspace
from celery_lint.model.purpose import is_product_path
from celery_lint.reports.graph.document import document
from tests.fixture_corpus import FOLDER, Case, cases, lines
from tests.fixture_reports import LONG

FAMILIES = ("CEL6", "CEL7", "CEL82", "CEL51", "patterns", "apps")
"""The fixtures that send, schedule, register and start workers."""


def names(graph: Graph) -> dict[str, str]:
    """What the tests call the nodes, by id."""
    return {node.id: f"{node.kind} {node.label}" for node in graph.nodes}


def edges(graph: Graph, *kinds: str) -> set[tuple[str, str, str]]:
    """The edges of some kinds, in these words."""
    called = names(graph)
    return {(called[e.source], called[e.target], e.kind) for e in graph.edges if e.kind in kinds}


def test_who_sends_which_task(graph: Graph) -> None:
    assert edges(graph, "sends", "calls", "schedules") == {
        ("task collect", "task add", "sends"),
        ("task collect", "function announce", "calls"),
        ("function announce", "task send_mail", "sends"),
        ("function announce", "name billing.tasks.charge", "sends"),
        ("function all_at_once", "task add", "sends"),
        ("entry nightly", "task collect", "schedules"),
        ("entry lost", "name shop.tasks.colect", "schedules"),
    }
    assert edges(graph, "makes") == {
        (f"function {sender}", f"task {task}", "makes")
        for sender, tasks in {
            "in_a_row": ("add", "send_mail", "refresh", "collect"),
            "all_at_once": ("add", "total", "send_mail", "failed"),
        }.items()
        for task in tasks
    }


def test_what_runs_after_what(graph: Graph) -> None:
    assert edges(graph, "chain", "chord", "link") == {
        ("task add", "task send_mail", "chain"),
        ("task refresh", "task collect", "chain"),
        ("task add", "task total", "chord"),
        ("task add", "task send_mail", "link"),
        ("task add", "task failed", "link"),
    }


def test_queues_and_pools(graph: Graph) -> None:
    routed = {(source, target) for source, target, _ in edges(graph, "routed")}
    assert {
        ("task send_mail", "queue mail"),
        ("task add", "queue celery"),
        ("task add", "queue quick"),
    } <= routed
    assert edges(graph, "consumes") == {
        ("queue mail", "pool gevent", "consumes"),
        ("queue celery", "pool prefork", "consumes"),
        ("queue quick", "pool prefork", "consumes"),
    }


def test_marks(graph: Graph) -> None:
    marked = {node.label: node.mark for node in graph.nodes if node.mark}
    assert marked == {
        "forgotten": "unsent",
        "shop.tasks.colect": "missing",
        "billing.tasks.charge": "unseen",
    }
    meant = next(node for node in graph.nodes if node.mark == "missing")
    assert meant.facts == (("perhaps meant", "shop.tasks.collect"),)


def test_diagnostics_stand_on_the_nodes(graph: Graph) -> None:
    found = {
        (f"{node.kind} {node.label}", diagnostic.code)
        for node in graph.nodes
        for diagnostic in node.diagnostics
    }
    assert {
        ("entry lost", "CEL723"),
        ("entry nightly", "CEL822"),
        ("task collect", "CEL822"),  # the place of the signature belongs to it
        ("function all_at_once", "CEL646"),
        ("application app", "CEL646"),
    } <= found
    assert graph.others == []


def test_all_diagnostics_are_shown(shop: Path, graph: Graph) -> None:
    report = engine.check_paths([str(shop)], None, overrides={"cache": False})
    on = {diagnostic for node in graph.nodes for diagnostic in node.diagnostics} | set(graph.others)
    assert report.diagnostics
    assert on == set(report.diagnostics)


def test_a_part_of_a_project(shop: Path) -> None:
    part = engine.graph_of([str(shop / "shop/service.py")])
    assert {node.label for node in part.nodes} == {"announce", "collect", "send_mail", "billing.tasks.charge"}
    assert len(edges(part, "sends", "calls")) == 3


def test_several_projects_stay_apart(shop: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
        text = "from celery import shared_task\n\n\n@shared_task\ndef run():\n    run.delay()\n"
        (tmp_path / name / "tasks.py").write_text(text)
    both = engine.graph_of([str(tmp_path / "one"), str(tmp_path / "two")])
    tasks = [node for node in both.nodes if node.kind == "task"]
    assert len({node.id for node in tasks}) == 2
    assert {(e.source, e.target) for e in both.edges if e.kind == "sends"} == {(n.id, n.id) for n in tasks}


def sending_cases() -> list[Case]:
    """All of them in the long form, else those of each rule in which most is sent: at most two."""
    chosen = [case for case in cases(variants=False) if case.name.startswith(FAMILIES)]
    if LONG:
        return chosen

    def sends(case: Case) -> int:
        texts = ["".join(lines(case.folder / file)) for file in case.files]
        return sum(text.count(".delay(") + text.count(".apply_async(") + text.count(".s(") for text in texts)

    by_rule: dict[str, list[Case]] = defaultdict(list)
    for case in sorted(chosen, key=sends, reverse=True):
        by_rule[case.rule].append(case)
    return [case for of_rule in by_rule.values() for case in of_rule[:2]]


def test_fixtures_are_drawn_as_they_are_described() -> None:
    """Every task and sending that `celery-lint project` tells stands in the graph, and nothing else does."""
    senders = 0
    for case in sending_cases():
        folder = str(FOLDER / case.name)
        known, unparsed = Workspace(folder, load(folder, {"cache": False})).linked()
        described = description(folder, known, unparsed)
        graph = document(engine.graph_of([folder]))
        ids = {node["id"] for node in graph["nodes"]}
        assert all(edge["source"] in ids and edge["target"] in ids for edge in graph["edges"]), case.name
        product = [
            (task.name, task.line)
            for task in described.tasks
            if is_product_path(Path(task.path).relative_to(FOLDER / case.name).as_posix())
        ]
        drawn = [(node["name"], node["line"]) for node in graph["nodes"] if node["kind"] == "task"]
        assert sorted(drawn) == sorted(product), case.name
        for name in {name for name, _ in product}:
            told = task_description(folder, known, name).sent_by
            targets = {n["id"] for n in graph["nodes"] if n["kind"] == "task" and n["name"] == name}
            places = {
                place["line"]
                for edge in graph["edges"]
                if edge["target"] in targets and edge["kind"] in ("sends", "makes")
                for place in edge["places"]
            }
            assert {entry.line for entry in told} >= places, case.name
            senders += len(places)
    assert senders > 100


@pytest.mark.parametrize("preset", ["recommended", "all"])
def test_options_decide_which_diagnostics_are_shown(shop: Path, preset: str) -> None:
    graph = engine.graph_of([str(shop)], {"preset": preset, "ignore": "CEL723"})
    codes = {diagnostic.code for node in graph.nodes for diagnostic in node.diagnostics}
    assert "CEL723" not in codes
    assert "CEL822" in codes
