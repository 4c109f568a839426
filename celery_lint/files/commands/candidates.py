"""Which files may say how the workers of a project start, by their paths."""

from __future__ import annotations

import re

# What stands in these folders is no deployment of the project.
_OTHER_FOLDERS = frozenset(
    {
        ".circleci", ".github", ".gitlab", "ci", "doc", "docs", "documentation", "example", "examples",
        "e2e", "fixtures", "locale", "sample", "samples", "static", "test", "testing", "tests", "testdata",
    }
)  # fmt: skip
_OTHER_WORDS = frozenset({"ci", "e2e", "example", "sample", "test", "testing", "tests", "travis"})
_TESTING = frozenset({"e2e", "test", "tests"})
_SUFFIXES = frozenset({"bash", "conf", "dockerfile", "ini", "mk", "service", "sh", "yaml", "yml"})
_NAMES = frozenset({"gnumakefile", "justfile", "makefile", "package.json"})
# What platforms call the descriptions of containers that they take as JSON.
_JSON = ("task-def", "taskdef", "task_def", "container", "dockerrun", "app.json", "ecs")
_PREFIXES = ("containerfile", "dockerfile", "procfile")
TEMPLATES = (".j2", ".jinja", ".jinja2", ".template", ".tmpl", ".tpl")
_SCRIPTS = ("celery", "entrypoint", "launch", "run", "start", "worker")
# Platforms that read how a service starts from a file of their name. A project that has several services
# has a file for each: `railway.worker.toml`, `fly-beat.toml`, `worker.railway.json`.
_PLATFORMS = frozenset({"fly", "nixpacks", "railpack", "railway"})


def is_candidate(path: str) -> bool:
    """Whether a file of this path, relative to the workspace, may say how the project's workers start."""
    folder, _, name = path.lower().rpartition("/")
    for ending in TEMPLATES:
        name = name.removesuffix(ending)
    stem, _, suffix = name.rpartition(".")
    known = suffix in _SUFFIXES or name in _NAMES or name.startswith(_PREFIXES)
    known = known or (suffix == "json" and name.startswith(_JSON))
    known = known or (suffix in ("json", "toml") and is_of_platform(name))
    if not known and (stem or not any(word in name for word in _SCRIPTS)):
        return False
    for part in folder.split("/"):
        if part in _OTHER_FOLDERS or not _TESTING.isdisjoint(re.split(r"[-._]", part)):
            return False
    return _OTHER_WORDS.isdisjoint(re.split(r"[-._]", name))


def is_of_platform(name: str) -> bool:
    """Whether a file of this name tells a platform how one service or all of them start."""
    return not _PLATFORMS.isdisjoint(re.split(r"[-._]", name.lower())[:-1])
