"""What holds for every rule and every file of the package."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import string
import sys
from pathlib import Path

import pytest

from celery_lint.configuration import load
from celery_lint.diagnostics import Diagnostic, Span
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.facts import Place
from celery_lint.options import PRESETS
from celery_lint.rule import FAMILIES, Rule, checks_of
from celery_lint.rules import all_rules
from tests.fixture_corpus import FOLDER, Case, cases, named_variants, silent_cases
from tests.fixture_reports import texts
from tests.processes import run
from tests.proofs.registry import proofs
from tests.tables import in_one

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "celery_lint"
RULES = all_rules()
CODES = {rule.code for rule in RULES}
SOURCES = sorted(PACKAGE.rglob("*.py"))

each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])


every_rule = in_one("rule", RULES, lambda rule: rule.code)
every_source = in_one("path", SOURCES, lambda path: path.relative_to(PACKAGE).as_posix())

# ------------------------------------------------------------------------------------ documentation

SECTIONS = ["Why it matters", "Example", "Use instead", "Limits", "References"]


def sections(rule: type[Rule]) -> dict[str, str]:
    """The sections of a rule's documentation, in order."""
    parts = re.split(r"^## (.+)$", inspect.cleandoc(rule.__doc__ or ""), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def code(rule: type[Rule], section: str) -> str:
    """The first code block of a section."""
    match = re.search(r"```python\n(.*?)```", sections(rule)[section], re.DOTALL)
    assert match is not None, f"{section} shows no code"
    return match[1]


@every_rule
def test_documentation(rule: type[Rule]) -> None:
    found = sections(rule)
    expected = SECTIONS if "References" in found else SECTIONS[:-1]
    assert list(found) == expected
    assert all(found.values())
    assert rule.summary().endswith(".")
    assert len(rule.summary()) <= 110


@every_rule
def test_references_where_a_failure_is_claimed(rule: type[Rule]) -> None:
    assert "References" in sections(rule) or rule.proof == "convention"
    for line in sections(rule).get("References", "").splitlines():
        assert re.fullmatch(r"\* <https://[^>\s]+>(: .+)?", line), line


# Rules that claim a failure which no proof shows on a real worker. Nothing may be added here.
UNPROVEN = {
    "CEL131",  # needs the libraries of two vendors
    "CEL516",  # measured by hand: a worker looks for messages to restore only now and then
    "CEL517",  # the same
}


@every_rule
def test_proof(rule: type[Rule]) -> None:
    if "::" in rule.proof:
        assert rule.code in proofs()[rule.proof].codes
        assert rule.code not in UNPROVEN, "it has a proof now"
    else:
        assert rule.proof == "convention" or rule.code in UNPROVEN


def project_of(folder: Path, text: str, rule: type[Rule]) -> Workspace:
    """A text as the only file of a project, or its parts as several: ``# views.py``.

    Lines that begin with ``# Procfile: `` are those of a file of that name, too.
    """
    options = f'root = true\npreset = "{rule.preset}"\n{rule.example_options}\n'
    (folder / "pyproject.toml").write_text(f"[tool.celery-lint]\n{options}")
    first, *parts = re.split(r"^# ([\w/]+\.py)\n", text, flags=re.MULTILINE)
    for name, part in [("tasks.py", first), *zip(parts[::2], parts[1::2], strict=True)]:
        if part.strip() or "/" in name:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(part, encoding="utf-8")
    processes = re.findall(r"^# Procfile: (.+\n)", text, flags=re.MULTILINE)
    if processes:
        (folder / "Procfile").write_text("".join(processes), encoding="utf-8")
    return Workspace(str(folder), load(str(folder), {"cache": False}))


def found_in(workspace: Workspace) -> list[Diagnostic]:
    """What is said of it."""
    report = workspace.report([""], set())
    assert not report.unparsed
    return report.diagnostics


def said_of(folder: Path, text: str, rule: type[Rule]) -> list[Diagnostic]:
    """What is said of a text that is a project."""
    workspace = project_of(folder, text, rule)
    found = found_in(workspace)
    workspace.let_go()
    return found


@each_rule
def test_example_fires_exactly_this_rule(rule: type[Rule], tmp_path: Path) -> None:
    assert [found.code for found in said_of(tmp_path, code(rule, "Example"), rule)] == [rule.code]


@each_rule
def test_what_to_use_instead_is_silent(rule: type[Rule], tmp_path: Path) -> None:
    assert said_of(tmp_path, code(rule, "Use instead"), rule) == []


SCHEDULED = """from celery import Celery

beat = Celery("beat", broker="redis://localhost:6379/0")
beat.conf.update(task_soft_time_limit=50, task_time_limit=60)
beat.conf.beat_schedule = {"sweep": {"task": "sweeper.sweep", "schedule": 60.0}}


@beat.task(ignore_result=True)
def sweep():
    print("swept")
"""


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.even_unsent], ids=lambda rule: rule.code)
def test_only_rules_with_a_reason_speak_in_tasks_that_nothing_sends(rule: type[Rule], tmp_path: Path) -> None:
    (tmp_path / "sweeper.py").write_text(SCHEDULED)
    workspace = project_of(tmp_path, code(rule, "Example"), rule)
    said, (known, _) = found_in(workspace), workspace.linked()
    within = [
        diagnostic
        for diagnostic in said
        if diagnostic.code == rule.code
        and known.of(Unsent).holds(
            Place(Path(diagnostic.path).relative_to(tmp_path).as_posix(), Span(*diagnostic[1:5]))
        )
    ]
    assert not within


@every_rule
def test_examples_compile(rule: type[Rule]) -> None:
    assert code(rule, "Example") != code(rule, "Use instead")
    compile(code(rule, "Use instead"), "tasks.py", "exec")


# ------------------------------------------------------------------------------------ messages

# Fields that are no identifiers of the user's code, and stand without backticks.
BARE = {
    "gets",
    "wants",
    "what",
    "broker",
    "count",
    "delay",
    "expires",
    "hard",
    "limit",
    "line",
    "number",
    "owner",
    "pool",
    "soft",
    "visibility",
    "where",
    "why",
    "more",
}


# Words that a reader looks up, or reads twice, and what to say in their place.
BOOKISH = {
    r"for ever": "forever",
    r"without end": "forever",
    r"by then": "already",
    r"nobody": "nothing, or say what fails",
    r"whatever|whichever": "even if, any",
    r"take it back": "restore",
    r"wants?": "takes, needs",
    r"ask(s|ed)? (whether|for|the)": "check",
    r"somewhat": "a number",
    r"in place of": "instead of",
    r"behind the|behind each|behind it": "after",
    r"in vain|meanwhile|thereby|hence|lest|upon|likewise|so long": "plain words",
    r"for good": "forever",
    r"hand (it|over|them|the)": "pass",
    r"shall|goes wrong": "plain words",
    r"that there (is|are)|that is meant": "say which",
    r"throws? away": "discards",
}
# Each of them promises more than it says: the reason has a place, which is a related place.
PLACE_IN_HELP = r"\{where\}|\{line\}|\{place\}"


@every_rule
def test_words(rule: type[Rule]) -> None:
    """Plain words, and no place of a reason inside the remedy."""
    for message, help_text in texts(rule):
        for text in (message, help_text):
            outside = re.sub(r"\{\w+\}", "", " ".join(text.split("`")[::2]))
            for phrase, plain in BOOKISH.items():
                assert not re.search(rf"\b({phrase})\b", outside), f"{text!r}: say {plain}"
        assert not re.search(PLACE_IN_HELP, help_text), help_text


# What a message of an error or warning says: an exception, its text, or what becomes of the task.
CONSEQUENCE = re.compile(
    r"""\b[A-Z]\w+(Error|Exceeded|Configured)\b | `[A-Za-z\ ]*\ [a-z\ ]+` | `\{error\}` | \b(
        fails?|raises?|never|hangs?|forever|lost|leaks?|ignored?|ignores|no\ effect|skip(s|ped)|blocks?
        |kill(s|ed)?|swallows?|discards?|redelivers?|retries|twice|several\ times|\d+\ times|ends?|abandons
        |endless|nothing|cannot|too\ late|unbound|outlive|without\ a\ pause )\b""",
    re.VERBOSE,
)
# Rules that say it in words that no list holds: "the processes share the connection".
OTHER_WORDS = frozenset(
    ["210", "214", "215", "216", "217", "226", "235", "511", "527", "534", "617", "623", "624", "627", "815"]
)


@every_rule
def test_what_becomes_of_it(rule: type[Rule]) -> None:
    """Advice says what may be better; everything else what fails."""
    told = all(CONSEQUENCE.search(message) for message, _ in texts(rule))
    assert rule.severity == "advice" or told is (rule.code[3:] not in OTHER_WORDS), texts(rule)


@every_rule
def test_messages(rule: type[Rule]) -> None:
    for message, help_text in texts(rule):
        for text in (message, help_text):
            assert not text.endswith("."), text
            assert text.count("`") % 2 == 0, text
            assert text == text.strip()
            first = text.split()[0]
            assert first[0].islower() or first[0] in "`{" or first in ("Celery", "Python"), text
            quoted = "".join(text.split("`")[1::2])
            for _, field, _, _ in string.Formatter().parse(text):
                if field and field not in BARE:
                    assert f"{{{field}}}" in quoted, f"{field} without backticks in {text!r}"
        assert not re.search(r"\b(you|your|please|should not)\b", message), message


# ------------------------------------------------------------------------------------ codes, names, files


def test_codes_names_and_pylint_ids_are_unique() -> None:
    for values in (
        [rule.code for rule in RULES],
        [rule.name for rule in RULES],
        [rule.pylint_id() for rule in RULES],
        [rule.__name__ for rule in RULES],
    ):
        assert len(set(values)) == len(values)


def test_names_are_none_of_pylints_own() -> None:
    import pylint.extensions
    from pylint.lint import PyLinter

    linter = PyLinter()
    linter.load_default_plugins()
    linter.load_plugin_modules(
        [
            f"pylint.extensions.{module.name}"
            for module in pkgutil.iter_modules(pylint.extensions.__path__)
            if not module.name.startswith("_")
        ]
    )
    messages = list(linter.msgs_store.messages)
    known = {message.symbol for message in messages}
    known.update(name for message in messages for _, name in message.old_names)
    assert len(known) > 400
    assert known.isdisjoint(rule.name for rule in RULES)


def test_rules_are_in_the_order_of_their_codes() -> None:
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)


@every_rule
def test_identity(rule: type[Rule]) -> None:
    assert re.fullmatch(r"CEL[1-9][1-9]\d|CEL00\d", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.name)
    assert rule.__name__ == "".join(part.capitalize() for part in rule.name.split("-"))
    assert rule.severity in ("error", "warning", "advice")
    assert rule.preset in PRESETS
    assert FAMILIES[rule.family()] == rule.code[3]
    # What is said about comments depends on all that is said else: the engine asks those rules last.
    assert bool(list(checks_of(rule))) is (rule.family() != "suppressions"), "the rule asks for no fact"


@every_rule
def test_file(rule: type[Rule]) -> None:
    path = Path(inspect.getfile(rule))
    assert path.name == f"{rule.code.lower()}_{rule.name.replace('-', '_')}.py"
    assert path.parent.name == rule.family()
    assert (inspect.getmodule(rule).__doc__ or "") == f"{rule.code} {rule.name}."  # type: ignore[union-attr]


@every_rule
def test_news(rule: type[Rule]) -> None:
    assert f"* {rule.code} `{rule.name}`" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_one_rule_per_file_and_no_other_files() -> None:
    files = {path for path in (PACKAGE / "rules").rglob("*.py") if path.name != "__init__.py"}
    assert files == {Path(inspect.getfile(rule)) for rule in RULES}


@every_rule
def test_fixtures(rule: type[Rule]) -> None:
    own = cases(rule.code)
    bad = [case for case in own if any(entry.code == rule.code for entry in case.expectations)]
    good = [case for case in own if case not in bad and not any(t.code == rule.code for t in case.todos)]
    assert bad, "no fixture in which it fires"
    assert good, "no fixture in which it is silent"


def test_fixture_folders_belong_to_rules() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert folders == {rule.code for rule in RULES} | {"apps", "patterns", "tasks"}
    for folder in sorted(folders):
        for case in (FOLDER / folder).iterdir():
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", case.name), case
            assert case.name not in ("bad", "good"), f"{case}: a name is a reason"
            for marker in case.glob("pyproject*.toml"):
                assert marker.read_text().startswith("[tool.celery-lint]\nroot = true\n"), marker


@every_rule
def test_silence_has_a_reason(rule: type[Rule]) -> None:
    """Where nothing asks for a rule, a comment says why: its page quotes that."""
    for case in silent_cases(rule.code):
        assert any(reason.code == rule.code for reason in case.silences), f"{case.name} does not say why"


@in_one("case", cases(variants=False), lambda case: case.label)
def test_comments_of_fixtures(case: Case) -> None:
    """They speak of variants that are there, and a reason for silence stands where the rule is silent."""
    variants = {each.variant for each in cases(case.rule) if each.name == case.name}
    assert named_variants(case) <= variants
    for code, path, line, why in case.silences:
        assert code in CODES, why
        module = ast.parse((case.folder / path).read_bytes())
        inside = next(
            (range(line, (node.end_lineno or line) + 1) for node in ast.walk(module) if _starts(node, line)),
            range(line, line + 1),
        )
        loud = [e for e in case.expectations if (e.code, e.path) == (code, path) and e.line in inside]
        assert not loud, f"{path}:{line} is not silent"


def _starts(node: ast.AST, line: int) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.lineno == line


# ------------------------------------------------------------------------------------ the package

LONGEST = 400
MOST_FILES = 15
LONGEST_LOGIC = 80
LONGEST_FRONT_END = 40


def code_lines(path: Path) -> int:
    """The lines of a file that are neither empty nor comments nor the docstring of a class or module."""
    text = path.read_text(encoding="utf-8")
    documentation: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef)) and ast.get_docstring(node) is not None:
            documentation.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return sum(
        1
        for number, line in enumerate(text.splitlines(), 1)
        if number not in documentation and line.strip() and not line.strip().startswith("#")
    )


@every_source
def test_length(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    if name.startswith("rules/"):
        assert code_lines(path) <= LONGEST_LOGIC
    if name in ("frontends/flake8.py", "frontends/pylint.py"):
        assert code_lines(path) <= LONGEST_FRONT_END


def test_folders_can_be_looked_through() -> None:
    for folder in [path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__"]:
        room = folder.relative_to(PACKAGE).parts
        if room[:1] != ("runtime",) and (len(room) < 2 or room[0] != "rules"):
            assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder


@every_rule
def test_a_rule_asks_the_wing_of_its_own_family(rule: type[Rule]) -> None:
    """What a rule imports of the package: its wing, what there is, and what a rule is."""
    below = ("inventory", "libraries", "model", "options", "project", "rule")
    asked = {f"analysis.{rule.family()}", *below}
    for node in ast.walk(ast.parse(Path(inspect.getfile(rule)).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("celery_lint."):
            name = (node.module or "").removeprefix("celery_lint.")
            assert any(name == room or name.startswith(f"{room}.") for room in asked), name


@every_source
def test_names_and_header(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    module = ast.parse(text)
    assert ast.get_docstring(module), "a module says what it is"
    if not path.stem.startswith("cel"):  # a rule's file is called as the rule is
        assert not re.search(r"util|helper|manager|misc|common", path.stem)
    if len(module.body) > 1:
        assert "from __future__ import annotations" in text


# Nothing is looked up elsewhere, and what is linted is never imported.
FORBIDDEN = {"celery", "django", "kombu", "sqlalchemy"}
FORBIDDEN |= {"asyncio", "http", "requests", "socket", "ssl", "urllib"}
FORBIDDEN |= {"marshal", "pickle", "shelve"}
# It writes what a digest is made of, and never reads what somebody else may have written.
WRITES_ONLY = {"files/installation.py": "marshal"}


@in_one("path", [path for path in SOURCES if path.parent.name != "runtime"], lambda path: path.stem)
def test_imports_of_the_linter(path: Path) -> None:
    imported: set[str] = set()
    asked: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked.add(f"{node.value.id}.{node.attr}")
    written = WRITES_ONLY.get(path.relative_to(PACKAGE).as_posix(), "")
    own = {"asyncio"} if path.parent.name == "server" else set()  # only `celery-lint server` imports it
    assert imported & FORBIDDEN - own == {written} - {""}
    assert not written or {name for name in asked if name.startswith(f"{written}.")} == {f"{written}.dumps"}
    hosts = imported & {"flake8", "pylint", "astroid"}
    # pylint asks the package itself for its checkers, and one name is needed to say so.
    assert not hosts or path.parent.name == "frontends" or path == PACKAGE / "__init__.py"


def test_layers() -> None:
    """The import contracts of pyproject.toml."""
    pytest.importorskip("importlinter")
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = run([sys.executable, "-c", command, "--no-cache"], cwd=REPOSITORY)
    assert done.code == 0, done.out


def test_no_paths_of_a_machine() -> None:
    """No file of the project names a folder of the machine that it was written on (tests make some up)."""
    listed = run(["git", "ls-files", "-z"], cwd=REPOSITORY)
    if listed.code:
        pytest.skip("not a checkout")
    pattern = re.compile(rb"/(?:home|Users|root|tmp|work)/(?!me/|you/)\w+/")
    named = []
    for name in filter(None, listed.out.split("\0")):
        path = REPOSITORY / name
        if path.is_file() and not name.startswith("tests/") and pattern.search(path.read_bytes()):
            named.append(name)
    assert named == []
