"""Files that somebody wrote to do harm: by their names, their contents, their kinds, their places."""

from __future__ import annotations

import random

from scripts.hunt.trials import Files, Link, Pipe

TASK = b"""\
import asyncio
from celery import shared_task

@shared_task
def task(key):
    asyncio.run(load(key))

async def load(key): ...
"""
NAMES = (
    b"tasks.py", b"--help.py", b"-", b"a b.py", b"\xff\xfe.py", b"new\nline.py", b"tab\t.py", b"\x1b[2J.py",
    "\u202egnp.py".encode(), "täsk.py".encode(), "日本.py".encode(), b"a" * 250 + b".py", b"con.py", b"'.py",
    b'".py', b"`id`.py", b"$(id).py", b"%s.py", b"{0}.py", b"::stop-commands::x.py", b"##vso[task].py",
    b"*.py", b"a\\b.py", b"celery.py", b"hashlib.py", b"json.py", b"re.py", b"celery_lint.py",
    b"__init__.py", b"setup.py", b".py", b"sitecustomize.py", b"conftest.py", b"difflib.py", b"tomllib.py",
)  # fmt: skip
"""Names of Python files, some of them those of modules that the linter imports."""
FOLDERS = (
    b"", b"", b"web/", b"a b/", b"\xff/", b".git/", b".git/info/", b".hg/", b"node_modules/",
    b".github/workflows/", b".celery_lint_cache/", b"build/", b"new\nline/", b"src/web/", b"deep/" * 60,
    b"HEAD/", b"objects/", b"tests/",
)  # fmt: skip
OTHERS = (
    b"Procfile", b"compose.yml", b"docker-compose.yaml", b"Dockerfile", b"worker.sh", b"celery.service",
    b"supervisord.conf", b"Makefile", b"run", b"pyproject.toml", b"setup.cfg", b".gitignore",
    b".gitattributes", b".git", b".git/HEAD", b".git/config", b".git/index", b".git/commondir",
    b".git/info/exclude", b"requirements.txt", b".celery_lint_cache/manifest.json",
    b".celery_lint_cache/facts.json", b".celery_lint_cache/lock", b".celery_lint_cache/CACHEDIR.TAG",
    b".celery_lint_cache", b"poetry.lock", b"package.json", b"HEAD", b"config",
)  # fmt: skip
"""Other files that the linter looks at, or might."""
TEXTS = (
    b"", b"\0", b"\n" * 10_000, b" " * 4_000 + b"x\n", b"\xff" * 400, b"\xef\xbb\xbf",
    b"x = '\xe2\x80\xae'\n", b"# coding: latin-99\n" + TASK, b"# coding: utf-7\n" + TASK,
    TASK.replace(b"\n", b"\r"), b"\f" + TASK, TASK + b"# noqa: " + b"A1" * 2_000,
    TASK.replace(b"run(load", b"run  (  load"), TASK.decode().encode("utf-16"),
    TASK + b"x = " + b"(" * 300 + b")" * 300, TASK + b"x = " + b"-" * 20_000 + b"1", TASK + b"\0",
    TASK + b"x = " + b"+".join([b"1"] * 3_000),
    TASK + b"from . import *\nfrom .. import *\nfrom .tasks import *\n",
    TASK.replace(b"task(key)", b"t\xc3\xa4sk(key)"), b"async asyncio import x " * 2_000,
    b"from tasks import task\n" * 500, b"celery worker\na:\n" + b" " * 1_500 + b"x\n",
    b"celery worker\n" + b"- " * 1_500, b"celery: &a [*a, *a]\n" * 50,
    b"celery -A app worker -P gevent -c " + b"9" * 5_000, b"worker: celery worker -P $(id) -Q `id`\n" * 20,
    b"worker: celery -A '" + b"a" * 9_000,
    b"ENTRYPOINT [" + b'"celery",' * 400 + b'"worker"]\nCMD ["worker"]\n' * 40,
    b"[tool.celery-lint]\nroot = true\n", b"[tool.celery-lint]\npool = ['\x1b[2J']\n",
    b"[tool.celery-lint]\n\"\\u001b\" = 1\n", b"[tool.celery-lint]\ncache-dir = '/'\n",
    b"[tool.celery-lint]\ncache-dir = '../..'\n", b"[tool.celery-lint\n",
    b"[celery-lint]\npreset = all\nexclude = *a*a*a*a*a*a*a*a*b\n", b"[tool.celery-lint]\nselect = 1\n",
    b"gitdir: /nowhere\n", b"gitdir: ../../..\n", b"ref: refs/heads/main\n",
    b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = touch hunted\n\tworktree = /\n",
    b"*\n!*.py\n", b"Signature: 8a477f597d28d172789f06886806bc55\n", b"[1, {}, []]", b"[" * 2_000, b"{}",
    TASK + b"x = 1\n" * 900_000,  # more than is read
)  # fmt: skip
LINKS = (
    "/etc/passwd",
    "/dev/zero",
    "/dev/null",
    "/",
    ".",
    "..",
    "tasks.py",
    "nowhere",
    "../../secret.py",
    "/proc/self/mem",
)


def files(dice: random.Random) -> Files:
    """A workspace with a dozen of them, and one task that is in order."""
    found: Files = {b"pyproject.toml": b"[tool.celery-lint]\nroot = true\n", b"shop/tasks.py": TASK}
    for _ in range(dice.randint(1, 14)):
        path = dice.choice(FOLDERS) + dice.choice(NAMES if dice.random() < 0.6 else OTHERS)
        if path == b"pyproject.toml" and dice.random() < 0.7:  # else nearly every one would be refused
            continue
        match dice.randrange(8):
            case 0:
                found[path] = Link(dice.choice(LINKS))
            case 1 if dice.random() < 0.5:
                found[path] = Pipe()
            case 2:
                found[path] = dice.randbytes(dice.randrange(1, 3_000))
            case 3:
                found[path] = _spliced(dice)
            case _:
                found[path] = dice.choice(TEXTS)
    return found


def _spliced(dice: random.Random) -> bytes:
    one, other = dice.choice(TEXTS), dice.choice(TEXTS)
    return one[: dice.randrange(len(one) + 1)] + other[dice.randrange(len(other) + 1) :]
