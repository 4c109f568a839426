"""Whether any text of a project speaks of beat, or of workers: launch files, scripts, documentation.

Who starts beat in a way that no reader of commands understands still has to name it. So a text that holds the
word is enough to know nothing, whatever it says about it.
"""

from __future__ import annotations

import re

from celery_lint.libraries.celery import CLOCKS
from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

LARGEST = 524_288  # bytes; what is larger nobody has written by hand

_SUFFIXES = frozenset(
    {
        "adoc", "bash", "bat", "cfg", "cmd", "cnf", "conf", "config", "cron", "crontab", "dockerfile", "env",
        "fish", "hcl", "ini", "j2", "jinja", "jinja2", "json", "json5", "jsonc", "md", "mdx", "mk", "nix",
        "nomad", "org", "plist", "ps1", "rst", "service", "sh", "target", "template", "tf", "timer", "tmpl",
        "toml", "tpl", "txt", "xml", "yaml", "yml", "zsh",
    }
)  # fmt: skip
_PREFIXES = (".env", "caddyfile", "containerfile", "dockerfile", "makefile", "procfile")
_MANAGERS = ("ecosystem", "pm2")  # of processes, configured by scripts of theirs
_NONE = ("-lock.json", "-lock.yaml", ".lock", "ignore")
_PROSE = (".adoc", ".md", ".mdx", ".org", ".rst", ".txt")
# What is written before or after the product is, and starts nothing.
_PLANS = frozenset(
    {
        "adr", "adrs", "changelog", "changes", "design", "designs", "history", "news", "plan", "planning",
        "plans", "prd", "proposal", "proposals", "rfc", "rfcs", "roadmap", "spec", "specs", "todo",
    }
)  # fmt: skip
# A command that starts workers, as people and programs write it.
_WORKER = re.compile(
    r"\bcelery\b[^\n]{0,200}?(?<!\S)(?:-A|--app|-P|-Q)(?!\w)"
    r"|\bcelery[\s\"',]{1,4}(?:worker|multi)[\s\"',]{1,4}[-s]"
)
_BOTH = re.compile(r"(?m)^(?![ \t]*(?:#|//|;)).*\bcelery\b.*\bworker\b")
_PIPELINES = (".circleci/", ".github/", ".gitlab/", ".gitlab-ci", "azure-pipelines", "bitbucket-pipelines")

# django-celery-beat and redbeat are packages that keep a schedule: beat must be started for them, too.
_BEAT = re.compile(
    rb"(?<!django.celery.)(?<![a-z0-9])(?:celery)?beat(?![a-z0-9]|[_-]?sched)",
    re.IGNORECASE,
)
_EMBEDDED = re.compile(rb"(?<![\w-])-[A-Za-z]{0,4}B[A-Za-z]{0,4}(?![\w-])")
# What else may send the tasks at their time.
_CLOCK = re.compile(
    rb"(?<![a-z])(?:cron(?:d|jobs?|tabs?)?(?![a-z])|ofelia|supercronic|schedulers?(?![a-z])|OnCalendar)",
    re.IGNORECASE,
)
# As lists of what is installed have them; the word "schedule" elsewhere says nothing.
_PACKAGES = "|".join(sorted(CLOCKS - {"schedule"})).replace("_", "[-_]").encode()
_CLOCK_PACKAGES = re.compile(
    rb"(?<![\w.])(?:" + _PACKAGES + rb")2?(?!\w)|^schedule[ \t]*(?=[=<>~!]|\r?$)",
    re.IGNORECASE | re.MULTILINE,
)


def text_of(root: str, path: str) -> str:
    """The text of a file of a workspace; nothing where it cannot be read."""
    try:
        data = read_bytes(f"{root}/{path}", LARGEST, within=root)
    except NotParsed:
        return ""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def is_text(path: str) -> bool:
    """Whether a file of this path, relative to the workspace, may tell people or programs what to start."""
    name = path.lower().rpartition("/")[2]
    if name.endswith(_NONE):
        return False
    bare = name.removeprefix(".")
    stem, _, suffix = bare.rpartition(".")
    if not stem or suffix in _SUFFIXES or name.startswith(_PREFIXES):
        return True
    return suffix in ("js", "cjs", "mjs", "ts") and any(manager in name for manager in _MANAGERS)


def speaks_of_workers(path: str, text: str) -> bool:
    """Whether a text may start workers, or tell people how to."""
    if "celery" not in text:
        return False
    if _WORKER.search(text):
        return True
    return not path.lower().endswith(_PROSE) and _BOTH.search(text) is not None


def is_pipeline(path: str) -> bool:
    """Whether a file says what is built, tested and deployed once somebody pushes."""
    return path.lower().startswith(_PIPELINES)


def speaks_of_beat(path: str, data: bytes) -> bool:
    """Whether a text may start beat, or something in place of it, or tell people to."""
    lowered = path.lower()
    prose = lowered.endswith(_PROSE)
    if prose and not _PLANS.isdisjoint(re.split(r"[-_./ ]", lowered)):
        return False
    name = lowered.rpartition("/")[2].encode("utf-8", "surrogateescape")
    if _BEAT.search(data) or _BEAT.search(name) or _CLOCK_PACKAGES.search(data):
        return True
    if b"celery" in data.lower() and _EMBEDDED.search(data):
        return True
    if prose or is_pipeline(path):
        return False
    return _CLOCK.search(data) is not None or _CLOCK.search(name) is not None
