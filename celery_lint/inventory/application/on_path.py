"""The folders of a project that its workers have on ``sys.path`` besides the one that they are started in.

A folder of applications is often a package, and on the path all the same: settings, the module of the
application or a launch file put it there. The worker then imports ``user.tasks`` where the files alone say
``apps.user.tasks``, and the names of tasks begin with what it imports. It is believed where the project says
so itself: what runs in a worker names the folder, and imports or ``INSTALLED_APPS`` name modules that exist
nowhere but below it. What is imported below the folder by the longer name, too, keeps that one, unless Django
has it installed by the shorter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from celery_lint.inventory.application.installed import INSTALLED_APPS
from celery_lint.model.commands import Deployment
from celery_lint.model.facts import Module, Value
from celery_lint.model.folders import ABSOLUTE, ANYWHERE, Folder
from celery_lint.model.purpose import is_product_path
from celery_lint.project.imports import LIBRARIES, Imports

# What is in the path of modules that a worker runs; scripts put folders on the path for themselves.
_RUN = ("celery", "config", "settings", "worker")
_RUN_NAMES = frozenset({"__init__.py", "manage.py"})
_NOT_RUN = frozenset({"asgi.py", "wsgi.py"})
_ASIDE = frozenset({"alembic", "bin", "docs", "scripts", "tools"})
_DEEPEST = 8


def folders_on_path(
    modules: Iterable[Module], imports: Imports, deployment: Deployment
) -> dict[str, frozenset[str]]:
    """These folders, each with what has the longer name below it, as ``modules`` tell."""
    modules = list(modules)
    told = [folder for module in modules if module.on_path and _is_run(module) for folder in module.on_path]
    told += deployment.python_path
    if not told:  # as nearly everywhere
        return {}
    product = [module for module in modules if is_product_path(module.path)]
    meant = sorted({path for folder in told for path in _meant(folder, product, imports)} - {""})
    if not meant:
        return {}
    names = _Names(product, deployment)
    found = {path: names.longer(path, imports, meant) for path in meant}
    return {path: longer for path, longer in found.items() if longer is not None}


def _is_run(module: Module) -> bool:
    """Whether a worker may run a module when it starts."""
    folder, _, name = module.path.lower().rpartition("/")
    if not is_product_path(module.path) or name in _NOT_RUN or not _ASIDE.isdisjoint(folder.split("/")):
        return False
    if name in _RUN_NAMES or any(word in module.path.lower() for word in _RUN):
        return True
    return INSTALLED_APPS in module.bindings or any(
        value.chain == "celery.Celery" for values in module.bindings.values() for value in values
    )


def _meant(folder: Folder, modules: list[Module], imports: Imports) -> Iterator[str]:
    """The folders of the project that may be meant."""
    if folder.base == "":
        yield from (folder.path,) if folder.path in imports.folders else ()
    elif folder.base == ABSOLUTE:  # of the machine: its end is a folder of the project
        yield from (path for path in imports.folders if path and folder.path.endswith(f"/{path}"))
    else:
        for end in _ends(folder, modules):
            yield from (path for path in imports.folders if path == end or path.endswith(f"/{end}"))


def _ends(folder: Folder, modules: list[Module]) -> Iterator[str]:
    """What the path of a folder ends with: ``settings.APPS_DIR`` is what settings bind to this name."""
    if folder.base != ANYWHERE:
        for module in modules:
            for value in module.bindings.get(folder.base, ()):
                parts = [*_texts(value), *([folder.path] if folder.path else [])]
                joined = Folder(ANYWHERE).below("/".join(parts)) if parts else None
                yield from (joined.path,) if joined is not None and joined.path else ()
    if folder.path:
        yield folder.path


def _texts(value: Value, depth: int = 0) -> Iterator[str]:
    """The texts in an expression."""
    if value.kind == "constant":
        yield from (value.data,) if isinstance(value.data, str) else ()
    elif depth < _DEEPEST:
        for item in value.items:
            yield from _texts(item, depth + 1)


class _Names:
    """The names by which a project asks for its own modules."""

    def __init__(self, modules: list[Module], deployment: Deployment) -> None:
        self._imported = {name for module in modules for name in _imported(module)}
        self._reaching = {each for module in modules for each in _reaching(module)}
        commands = (*deployment.commands, *deployment.others)
        self._imported.update(command.app.partition(":")[0] for command in commands if command.app)
        self._installed = {name for module in modules for name in _installed(module)}

    def longer(self, folder: str, imports: Imports, meant: list[str]) -> frozenset[str] | None:
        """What is below a folder and has the longer name; ``None`` where nothing has the shorter."""
        below = imports.below(folder)
        own = {top for top in below if _is_own(top, folder, imports, meant)}
        parts = folder.split("/")
        prefixes = tuple(".".join(parts[start:]) + "." for start in range(len(parts)))
        short, long = _sorted_out(self._imported, folder, own, prefixes, imports)
        installed, installed_long = _sorted_out(self._installed, folder, own, prefixes, imports)
        if not short and not installed:
            return None
        above = tuple("/".join(parts[:end]) for end in range(1, len(parts) + 1))
        start = f"{folder}/"
        long.update(
            path[len(start) :].removesuffix(".py").partition("/")[0]
            for reached, path in self._reaching
            if reached in above and path.startswith(start)
        )
        short |= installed
        long |= installed_long
        certain = installed - installed_long
        as_well = below - own if long <= short else below - short
        return frozenset((long | as_well) - certain)


def _sorted_out(
    names: Iterable[str], folder: str, own: set[str], prefixes: tuple[str, ...], imports: Imports
) -> tuple[set[str], set[str]]:
    """What is below a folder, as names ask for it: from the folder on, and by the name of the folder."""
    short: set[str] = set()
    long: set[str] = set()
    for name in names:
        top, _, rest = name.partition(".")
        if top in own and imports.has(f"{folder}/{top}", rest.partition(".")[0]):
            short.add(top)
            continue  # a folder may hold a package of its own name
        for prefix in prefixes:
            if f"{name}.".startswith(prefix):
                long.add(name[len(prefix) :].partition(".")[0])
    return short, long


def _is_own(top: str, folder: str, imports: Imports, meant: list[str]) -> bool:
    """Whether a name can mean nothing but what is below this folder."""
    if top in LIBRARIES or top in sys.stdlib_module_names:
        return False
    others = [parent for parent in imports.holders(top) if parent != folder]
    return all(parent in imports.packages and parent not in meant for parent in others)


def _imported(module: Module) -> Iterator[str]:
    """The absolute names that a module imports, also where it writes them from its own folder on."""
    for name in module.all_imports:
        rest = name.lstrip(".")
        level = len(name) - len(rest)
        if not level and name[:1] != ":":
            yield name
        elif level > 1:
            folders = module.path.split("/")[:-level]
            yield ".".join([*folders, rest])


def _reaching(module: Module) -> Iterator[tuple[str, str]]:
    """The folder of a package above its own that a module imports from, which is part of its name then."""
    for name in module.all_imports:
        level = len(name) - len(name.lstrip("."))
        if level > 1:
            yield "/".join(module.path.split("/")[:-level]), module.path


def _installed(module: Module) -> Iterator[str]:
    """What a module lists as applications of Django, or says of one."""
    for value in module.bindings.get(INSTALLED_APPS, ()):
        yield from _listed(value, module.bindings, 0)
    for class_ in module.classes.values():
        if any(base.endswith("AppConfig") for base in class_.bases):
            for value in class_.attributes.get("name", ()):
                yield from _texts(value)


def _listed(value: Value, bindings: Mapping[str, tuple[Value, ...]], depth: int) -> Iterator[str]:
    """The texts of lists, through sums and names of the same module."""
    if depth > _DEEPEST:
        return
    if value.kind == "name" and value.chain[:1] == ":" and value.chain[1:] != INSTALLED_APPS:
        for each in bindings.get(value.chain[1:], ()):
            yield from _listed(each, bindings, depth + 1)
    elif value.kind == "constant" and isinstance(value.data, str):
        yield value.data
    elif value.kind in ("sequence", "either", "arithmetic") or value.chain in ("~list", "~tuple"):
        for item in value.items:
            yield from _listed(item, bindings, depth + 1)
