"""The forms of a graph: each is well-formed, holds everything, and is not moved by hostile names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.engine.graph.elements import Edge, Graph, Node
from celery_lint.frontends.cli import main
from celery_lint.reports.graph.document import document
from celery_lint.reports.graph.document import json as as_json
from celery_lint.reports.graph.dot import dot
from celery_lint.reports.graph.layout import layout
from celery_lint.reports.graph.mermaid import mermaid
from celery_lint.reports.graph.page import page
from tests.fixture_corpus import FOLDER

HOSTILE = (
    """</script><script>alert(1)</script> "quoted" 'single' `tick` \\ $data $(title) #quot; [x] {y} ]]> & é"""
)
VOID = {"meta", "input"}


def node(number: int, label: str, group: str) -> Node:
    return Node(f"task:{number}:{label}", "task", label, label, group, "", 0, (0, 0), "", ((label, label),))


@pytest.fixture(scope="module")
def hostile() -> Graph:
    """A graph whose every text wants to be something else."""
    nodes = [node(number, f"{HOSTILE} {number}", HOSTILE) for number in range(2)]
    edge = Edge(nodes[0].id, nodes[1].id, "sends", (HOSTILE,), ((HOSTILE, 1),))
    return Graph(nodes, [edge], [])


@pytest.fixture(scope="module")
def large() -> Graph:
    """300 tasks in 60 files that send to each other, circles included."""
    nodes = [node(number, f"task_{number}", f"shop/part{number % 60}/tasks.py") for number in range(300)]
    edges = [
        Edge(nodes[number].id, nodes[(number * 7 + 3) % 300].id, "sends", ("delay",), ())
        for number in range(300)
    ]
    return Graph(nodes, edges, [])


@pytest.fixture(params=["shop", "hostile", "large"])
def any_graph(request: pytest.FixtureRequest, graph: Graph) -> Graph:
    return graph if request.param == "shop" else request.getfixturevalue(request.param)


# ------------------------------------------------------------------ JSON


def test_json(any_graph: Graph) -> None:
    found = json.loads(as_json(any_graph))
    assert found == json.loads(json.dumps(document(any_graph)))
    assert [each["id"] for each in found["nodes"]] == [each.id for each in any_graph.nodes]
    assert len(found["edges"]) == len(any_graph.edges)


# ------------------------------------------------------------------ Mermaid

TEXT = r'"[^"`<>\n]*"'
MERMAID = re.compile(
    rf"  subgraph g\d+\[{TEXT}\]|  end|    n\d+(?:\[{TEXT}\]|\({TEXT}\)|\(\[{TEXT}\]\)|\{{\{{{TEXT}\}}\}}"
    rf"|\[/{TEXT}/\]|\[\({TEXT}\)\]|\[\[{TEXT}\]\]|\(\({TEXT}\)\))"
    rf"|  n\d+ (?:-->|-\.->|==>)(?:\|{TEXT}\|)? n\d+"
    r"|  classDef \w+ [\w#:,\- ]+|  class n\d+(?:,n\d+)* \w+"
)


def test_mermaid(any_graph: Graph) -> None:
    first, *lines = mermaid(any_graph).splitlines()
    assert first == "flowchart LR"
    assert [line for line in lines if not MERMAID.fullmatch(line)] == []
    assert sum(line.startswith("    n") for line in lines) == len(any_graph.nodes)
    assert sum(" n" in line and line.startswith("  n") for line in lines) == len(any_graph.edges)
    assert sum(line.startswith("  subgraph") for line in lines) == lines.count("  end")


def test_mermaid_shows_marks(graph: Graph) -> None:
    lines = mermaid(graph).splitlines()
    number = next(at for at, each in enumerate(graph.nodes) if each.mark == "missing")
    assert f"  class n{number} missing" in lines
    assert any('"collect CEL822"' in line for line in lines)


# ------------------------------------------------------------------ Graphviz

QUOTED = r'"(?:[^"\\\n]|\\.)*"'
ATTRIBUTES = rf"\[\w+=(?:{QUOTED}|\w+)(?:, \w+=(?:{QUOTED}|\w+))*\]"
DOT = re.compile(
    rf"  rankdir=LR; newrank=true;"
    rf"|  (?:node|edge) {ATTRIBUTES};|  subgraph cluster_\d+ \{{|    label={QUOTED};"
    rf"|    n\d+ {ATTRIBUTES};|  \}}|  n\d+ -> n\d+ {ATTRIBUTES};"
)


def test_dot(any_graph: Graph) -> None:
    first, *lines, last = dot(any_graph).splitlines()
    assert (first, last) == ("digraph tasks {", "}")
    assert [line for line in lines if not DOT.fullmatch(line)] == []
    assert sum(line.startswith("    n") for line in lines) == len(any_graph.nodes)
    assert sum(" -> " in line and line.startswith("  n") for line in lines) == len(any_graph.edges)


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
def test_graphviz_reads_it(any_graph: Graph) -> None:
    done = subprocess.run(
        ["dot", "-Tplain"], input=dot(any_graph), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


# ------------------------------------------------------------------ the page


class Page(HTMLParser):
    """A page that is taken apart: unclosed and crossing elements, ids of rows, texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[str] = []
        self.scripts: list[str] = []
        self.loads: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.loads += [name for name in given if name in ("src", "href", "srcset", "data", "action")]
        self.loads += [name for name in given if name.startswith("on")]
        if given.get("class", "").split()[:1] == ["row"]:  # type: ignore[union-attr]
            self.rows.append(given["data-id"] or "")
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts[-1] += data


def test_page(any_graph: Graph) -> None:
    text = page(any_graph, f"Tasks of {HOSTILE}")
    found = Page(text)
    assert (found.open, found.wrong, found.loads) == ([], [], [])
    assert sorted(found.rows) == sorted(each.id for each in any_graph.nodes)
    assert len(found.scripts) == 2
    data = json.loads(found.scripts[0])
    assert {name: data[name] for name in ("nodes", "edges")} == {
        name: document(any_graph)[name] for name in ("nodes", "edges")
    }
    assert text.count('<path class="edge ') == len(any_graph.edges)
    assert set(re.findall(r"https?://[^\"'\s<]+", found.scripts[1])) == set()
    assert "default-src 'none'" in text


def test_the_page_of_an_application_has_all_of_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = FOLDER / "apps/office"
    monkeypatch.chdir(folder)
    graph = engine.graph_of([str(folder)])
    tasks = [each.id for each in graph.nodes if each.kind == "task"]
    assert len(tasks) > 3
    assert set(tasks) <= set(Page(page(graph, "Office")).rows)


def test_boxes_do_not_overlap(any_graph: Graph) -> None:
    placed = layout(any_graph)
    rows = [row.node.id for box in placed.boxes for row in box.rows]
    assert sorted(rows) == sorted(each.id for each in any_graph.nodes)
    for at, box in enumerate(placed.boxes):
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= placed.width
        assert box.y + box.height <= placed.height
        assert all(box.y < row.y < box.y + box.height for row in box.rows)
        for other in placed.boxes[:at]:
            beside = box.x + box.width <= other.x or other.x + other.width <= box.x
            assert beside or box.y + box.height <= other.y or other.y + other.height <= box.y


def test_who_sends_stands_left(graph: Graph) -> None:
    where = {row.node.label: box.x for box in layout(graph).boxes for row in box.rows}
    assert where["nightly"] < where["collect"] < where["announce"] < where["send_mail"]


def test_many_tasks_fill_the_window(large: Graph) -> None:
    """Neither a column nor a row of boxes: 300 tasks take a screen, not a scroll."""
    placed = layout(large)
    assert 0.6 < placed.width / placed.height < 2.6


# ------------------------------------------------------------------ the command


@pytest.mark.parametrize(
    "form, start",
    [
        ([], "<!DOCTYPE html>\n"),
        (["--format", "html"], "<!DOCTYPE html>\n"),
        (["--format=mermaid"], "flowchart LR\n"),
        (["--format", "dot"], "digraph tasks {\n"),
        (["--format", "json"], '{\n  "version": 1,\n'),
    ],
)
def test_command(shop: Path, form: list[str], start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", *form, str(shop)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(start)
    assert err == ""


def test_output_file(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "tasks.dot"
    assert main(["graph", "--format", "dot", "--output-file", str(target), str(shop)]) == 0
    assert capsys.readouterr() == ("", "")
    assert target.read_text(encoding="utf-8") == dot(engine.graph_of([str(shop)]))


@pytest.mark.parametrize(
    "words, said",
    [
        (["--format", "svg"], "--format: unknown value 'svg', one of html, mermaid, dot, json"),
        (["--format"], "--format needs a value: --format FORMAT"),
        (["--output-file", "/nowhere/at/all.html"], "cannot write"),
        (["/nowhere/at/all"], "/nowhere/at/all: No such file or directory"),
        (["--preset", "none"], "preset"),
        (["--fix"], "celery-lint graph has no flag --fix"),
    ],
)
def test_mistakes(
    shop: Path,
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(shop)
    assert main(["graph", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_no_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    assert main(["graph", "--format", "json", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["nodes"] == []
    assert err == "celery-lint: warning: no tasks were found\n"
    assert main(["graph", str(tmp_path)]) == 0


def test_a_page_is_not_written_to_a_terminal(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["graph", str(shop)]) == 2
    assert "--output-file tasks.html" in capsys.readouterr().err
    assert main(["graph", "--format", "mermaid", str(shop)]) == 0
    assert capsys.readouterr().out.startswith("flowchart LR")
