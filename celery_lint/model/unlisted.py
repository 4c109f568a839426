"""What Python may import although no file of the workspace is it: ignored, generated and compiled modules."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from celery_lint.model.records import NamedTuple

# Words in the names of what is made when a project is built: `orders_pb2`, `_version`, `local_settings`.
_MADE = re.compile(
    r"(?:^|_)(?:autogen|codegen|gen|generated|grpc|local|pb|pb2|pb3|proto|protos|private|secret|secrets|stubs"
    r"|thrift|version)(?:_|$)",
    re.IGNORECASE,
)


class Unlisted(NamedTuple):
    """What is no Python file of the workspace: ``paths`` that are there, and ``patterns`` of what may be.

    A pattern is one that git ignores, with the folder that it holds for. ``folders`` are all that are there:
    one without `__init__.py` is a package, too. ``installs`` are the names in lists of what is installed;
    ``None`` where no list is there. ``strangers`` are names that commands start with and that nothing else of
    the project has.
    """

    paths: tuple[str, ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()
    folders: frozenset[str] = frozenset()
    installs: frozenset[str] | None = None
    strangers: frozenset[str] = frozenset()

    def may_install(self, package: str) -> bool:
        """Whether something that is installed may bring a package of this name: `PyJWT` brings `jwt`."""
        word = package.lower().replace("_", "-")
        return self.installs is None or any(word in name for name in self.installs)

    def may_hold(self, stem: str) -> bool:
        """Whether there may be a module or package of this path, which has no ending: ``shop/orders``."""
        return stem in self.folders or self.may_hide(stem)

    def may_hide(self, stem: str) -> bool:
        """The same of what comes before a module of this path: a folder without `__init__.py` does not."""
        if any(_MADE.search(part) for part in stem.split("/")):
            return True
        if any(
            path == stem or path.startswith((f"{stem}.", f"{stem}/")) or stem.startswith(f"{path}/")
            for path in self.paths
        ):
            return True
        return any(_ignores(folder, pattern, stem) for folder, pattern in self.patterns)


def _ignores(folder: str, pattern: str, stem: str) -> bool:
    """Whether a pattern of an ignore file may mean a module, or a folder that it is in."""
    if folder and not stem.startswith(f"{folder}/"):
        return False
    *above, leaf = stem[len(folder) + 1 if folder else 0 :].split("/")
    names = [*above, leaf, f"{leaf}.py"]
    anchored = pattern.strip("/")
    if "/" not in anchored and not pattern.startswith("/"):
        return any(fnmatchcase(name, anchored) for name in names)
    anchored = anchored.replace("**/", "*")
    paths = ["/".join([*above, name]) for name in (leaf, f"{leaf}.py")]
    paths += ["/".join(above[: count + 1]) for count in range(len(above))]
    return any(fnmatchcase(path, anchored) for path in paths)
