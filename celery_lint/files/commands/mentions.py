"""Whether any text of a project speaks of beat, or of workers: launch files, scripts, documentation.

Who starts beat in a way that no reader of commands understands still has to name it. So a text that holds the
word is enough to know nothing, whatever it says about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.libraries.celery import CLOCKS
from celery_lint.source import LARGEST as LARGEST_SOURCE
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
#: How texts end that people read.
PROSE = (".adoc", ".md", ".mdx", ".org", ".rst", ".txt")
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

# A line of a table of cron, or the part of a command that writes one; its time, and what it runs.
_ENTRY = re.compile(
    rb"^[^#\n]*?(?<![^\s\"'`(])(?:@(?:annually|daily|hourly|midnight|monthly|reboot|weekly|yearly)"
    rb"|(?:[*\d][-\d*,/]*[ \t]+){4}(?:[*\d][-\d*,/]*|[A-Za-z]{3}))[ \t]+(.+)$",
    re.MULTILINE,
)
# Where the text of an entry ends that a shell writes: `echo "… certbot renew") | crontab -`.
_END = re.compile(rb"[\"'`][ \t]*(?:$|[|>;)]|&[ \t]*&)")
_PARTS = re.compile(rb"&&|[;|]")
# What looks like code of the project, and a table that lies elsewhere.
_OTHER = re.compile(rb"\.py\b|(?<!acme)\.sh\b|\b(?:celery|curl|docker|flask|manage|python\d*|wget)\b|\$")
_TABLE = re.compile(rb"crontab[ \t]+(?!-(?:l\b|[ \t]*(?:$|[\"'`)|;&])))\S", re.MULTILINE)
# What looks after the machine itself: certificates, logs, packages; and what is started around it.
_OF_MACHINE = frozenset(
    {
        b"acme.sh", b"apt", b"apt-get", b"certbot", b"certbot-auto", b"dehydrated", b"dnf", b"fstrim",
        b"lego", b"letsencrypt", b"logrotate", b"ntpdate", b"unattended-upgrade", b"updatedb", b"yum",
    }
)  # fmt: skip
_AROUND = frozenset({b"-t", b"nginx", b"reload", b"restart", b"root", b"service", b"sudo", b"systemctl"})


def text_of(root: str, path: str) -> str:
    """The text of a file of a workspace; nothing where it cannot be read."""
    try:
        data = read_bytes(f"{root}/{path}", LARGEST, within=root)
    except NotParsed:
        return ""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def everything(root: str, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """What these files say. Each must be one that a run with a cache looks after."""
    for path in paths:
        data = _data_of(root, path)
        if data:
            yield path, data


def _data_of(root: str, path: str) -> bytes:
    try:
        return read_bytes(f"{root}/{path}", LARGEST_SOURCE, within=root)
    except NotParsed:
        return b""


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
    return not path.lower().endswith(PROSE) and _BOTH.search(text) is not None


def is_pipeline(path: str) -> bool:
    """Whether a file says what is built, tested and deployed once somebody pushes."""
    return path.lower().startswith(_PIPELINES)


def speaks_of_beat(path: str, data: bytes) -> bool:
    """Whether a text may start beat, or something in place of it, or tell people to."""
    lowered = path.lower()
    prose = lowered.endswith(PROSE)
    if prose and not _PLANS.isdisjoint(re.split(r"[-_./ ]", lowered)):
        return False
    name = lowered.rpartition("/")[2].encode("utf-8", "surrogateescape")
    if _BEAT.search(data) or _BEAT.search(name) or _CLOCK_PACKAGES.search(data):
        return True
    if b"celery" in data.lower() and _EMBEDDED.search(data):
        return True
    if prose or is_pipeline(path):
        return False
    if _CLOCK.search(name):
        return True
    named = [found[0].lower() for found in _CLOCK.finditer(data)]
    return bool(named) and not (all(each.startswith(b"cron") for each in named) and _serves_machine(data))


def _serves_machine(data: bytes) -> bool:
    """Whether all that a text gives to cron looks after the machine: renews certificates, turns logs."""
    entries = [_END.split(found[1])[0] for found in _ENTRY.finditer(data)]
    return bool(entries) and not _TABLE.search(data) and all(_is_of_machine(entry) for entry in entries)


def _is_of_machine(entry: bytes) -> bool:
    if _OTHER.search(entry):
        return False
    parts = [[word.rpartition(b"/")[2] for word in part.split()] for part in _PARTS.split(entry)]
    known = [[word for word in part if word not in _AROUND][:1] for part in parts]
    return bool(known[0]) and all(part[0] in _OF_MACHINE for part in known if part)
