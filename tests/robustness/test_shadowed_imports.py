"""A folder that holds a file with the name of any module is linted, and none of them is executed."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

from tests import processes, samples
from tests.asked_names import PACKAGE

# Executed, each leaves a mark and then stands for the real module, so that nothing else fails.
SHADOW = """\
import sys
with open({mark!r}, "a") as file:
    file.write(__name__ + "\\n")
path, sys.path = sys.path, [folder for folder in sys.path if folder.strip("./") and folder != {folder!r}]
del sys.modules[__name__]
import importlib
real = importlib.import_module(__name__)
sys.path = path
sys.modules[__name__] = real
"""
TASKS = """\
import asyncio
from celery import shared_task

é = "\\N{BULLET}"


async def work(): ...


@shared_task
def first():
    asyncio.run(work())  # noqa: asyncio-run-in-task


@shared_task
async def second(): ...
"""
FILES = {
    "pyproject.toml": '[tool.celery-lint]\nroot = true\nper-file-ignores = {"a*.py" = ["CEL110"]}\n',
    "tasks.py": TASKS,
    "euc.py": "# coding: euc-jp\n" + TASKS,
    "zipped.py": "# coding: zlib\nfrom celery import shared_task\n",
    "idna.py": "# coding: idna\nfrom celery import shared_task\n",
    "punycode.py": "# coding: punycode\nfrom celery import shared_task\n",
    "registry.py": (
        "from tasks import first\nTASKS = {'key': first}\ndef run(key): TASKS[key].delay()\nrun('kye')\n"
    ),
    "Procfile": "worker: celery -A app worker -P gevent\n",
}
# What codecs, the parser and the standard library import by themselves.
_BY_OTHERS = """
    _codecs_cn _codecs_hk _codecs_jp _codecs_kr _codecs_tw _multibytecodec binascii bz2 quopri stringprep
    unicodedata zlib
"""
BY_OTHERS = set(_BY_OTHERS.split())
NAMES_OF_FILES = {name.removesuffix(".py") for name in FILES}


@cache
def imported_names() -> set[str]:
    """The modules of the standard library that the linter imports anywhere, by its own statements."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if "runtime" in path.relative_to(PACKAGE).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return {name for name in found if name in sys.stdlib_module_names or name == "tomli"} - {"__future__"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which every such module has a namesake."""
    around = tmp_path_factory.mktemp("shadowed")
    folder = samples.write(around / "work", FILES)
    for name in sorted((imported_names() | BY_OTHERS) - NAMES_OF_FILES):
        text = SHADOW.format(mark=str(around / "marks"), folder=str(folder))
        (folder / f"{name}.py").write_text(text)
    (folder / "encodings").mkdir()
    (folder / "encodings" / "euc_jp.py").write_text(SHADOW.format(mark=str(around / "marks"), folder=""))
    return folder


@pytest.fixture
def folder(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That project, of which nothing is known and in which nothing has been executed yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    marks(project)
    return project


def marks(folder: Path) -> set[str]:
    """What has been executed since the last question."""
    file = folder.parent / "marks"
    found = set(file.read_text().split()) if file.exists() else set()
    file.unlink(missing_ok=True)
    return found


def launcher(folder: Path, method: str) -> str:
    """A program outside of the project that runs flake8 with another way to start its processes."""
    path = folder.parent / "elsewhere" / f"{method}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "import multiprocessing, sys\nfrom flake8.main.cli import main\n"
        "if __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({method!r})\n    sys.exit(main())\n"
    )
    return str(path)


BIN = Path(sys.executable).parent
# What flake8 and pylint themselves survive.
CHECKED = ["tasks.py", "euc.py", "registry.py", "idna.py", "punycode.py"]


def test_the_shadows_work(folder: Path) -> None:
    """A mark is left where Python itself would execute one of them."""
    processes.run([sys.executable, "-c", "import difflib, euc"], cwd=folder)
    assert "difflib" in marks(folder)
    assert {"re", "hashlib", "fnmatch", "tomllib", "subprocess", "json"} <= imported_names()


def imported_by(script: Path) -> set[str]:
    """What the script of an installed command imports before it comes to us: pip writes `import re` there."""
    lines = script.read_text(encoding="utf-8", errors="replace").splitlines()
    return {line.split()[1] for line in lines if line.startswith("import ")}


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_pylint(folder: Path, jobs: str) -> None:
    files = [*CHECKED, "zipped.py"]
    command = [str(BIN / "pylint"), jobs, "--disable=all", "--enable=async-def-task"]
    processes.run([*command[:-1], "--enable=unused-import", *files], cwd=folder)
    without = marks(folder)
    done = processes.run([*command, "--load-plugins=celery_lint", *files], cwd=folder)
    assert "async-def-task" in done.out, done
    assert marks(folder) <= without


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_flake8(folder: Path, jobs: str) -> None:
    program = [str(BIN / "flake8"), jobs, "--isolated", "--select=CEL", *CHECKED]
    done = processes.run(program, cwd=folder)
    assert "CEL111" in done.out, done
    assert marks(folder) == set()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_flake8_in_other_processes(folder: Path, method: str) -> None:
    """Python itself imports from the working directory of such a process, so that is another one here."""
    program = [sys.executable, launcher(folder, method), "-j2", "--isolated", "--select=CEL"]
    files = [str(folder / name) for name in CHECKED]
    done = processes.run([*program, *files], cwd=folder.parent / "elsewhere")
    assert "CEL111" in done.out, done
    assert marks(folder) == set()


COMMANDS = (
    "check .",
    "check --no-cache --output-format concise .",
    "check --output-format json .",
    "check --stdin-filename tasks.py -",
    "check --stdin-filename euc.py -",
    "check --slect CEL111 .",
    "project .",
    "rule CEL110",
    "rule CEL11x",
    "clean .",
)
# Each way to start it, and each of its commands in one of them: what is started is the same.
STARTED = [
    *(("command", arguments) for arguments in COMMANDS),
    *((program, arguments) for program in ("module", "path") for arguments in COMMANDS[:5:2]),
]


@pytest.mark.parametrize("program, command", STARTED)
def test_the_command(folder: Path, program: str, command: str) -> None:
    arguments = command.split()
    text = FILES[arguments[2]] if arguments[-1] == "-" else None
    environment = {"PYTHONPATH": f"{folder}:{PACKAGE.parent}"} if program == "path" else {}
    start = [sys.executable, "-m", "celery_lint"] if program == "module" else [str(BIN / "celery-lint")]
    by_python = set()
    if program != "command":  # what `-m` itself imports, from where it stands
        processes.run([sys.executable, "-m", "__hello__"], cwd=folder, environment=environment)
        by_python = marks(folder)
    if program != "module":
        by_python |= imported_by(BIN / "celery-lint")
    done = processes.run([*start, *arguments], cwd=folder, stdin=text, environment=environment)
    assert done.code in (0, 1, 2)
    assert "internal error" not in done.err
    assert marks(folder) - by_python == set()
