"""What files that cannot be parsed may do all the same: their words say that.

A file may be written for another Python than the one that looks at it, or for none. Nobody knows what it
does then, but whom it imports, sends or calls it has to name. So it is asked as files are that nobody has
read: by the words that whoever does something must write. Where it says them, nobody knows; all others go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from celery_lint.files.filter import FirstPass, Pair, words_in
from celery_lint.model.purpose import is_product_path
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# The class, or what makes an application and is called so: `make_celery(flask_app)`.
_APPLICATION = re.compile(rb"[Cc]elery\w*\(|\w\(Celery\)|\bimport\b[^\n]{0,300}?\bCelery\b")
# What gives tasks names that nobody can tell; and what follows a name that is put together.
_NAMING = frozenset({"gen_task_name", "register_task"})
_PUT_TOGETHER = re.compile(
    rb"\bname[ \t]*=(?!=|[ \t]*[rRuU]?[\"'])|\bname[ \t]*=[^\n,)]{0,200}(?:%|\.format\(|\+)"
)


class UnparsedTexts:
    """The files that cannot be parsed, as texts. Of tests, examples and migrations none is asked anything."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self._words: dict[str, set[bytes] | None] = {}

    # ------------------------------------------------------------------ all of them

    def hold(self, pairs: Iterable[Pair]) -> bool:
        """Whether one of them says one of these words, each with the one that must stand beside it."""
        return bool(self.product) and any(self.says(path, pair) for pair in pairs for path in self.product)

    def may_import(self, path: str) -> bool:
        """Whether one of them names a module as an import must, or a text that others import by."""
        return any(self._names(own, path) for own in self.product)

    def speak(self, speaks: Callable[[bytes], object]) -> bool:
        """Whether the text of one of them is such."""
        return any(self.speaks(path, speaks) for path in self.product)

    @once
    def make_applications(self) -> bool:
        """Whether one of them may make an application of Celery."""
        return self.speak(_APPLICATION.search)

    def may_name_task(self, name: str) -> bool:
        """Whether one of them may define a task of this name, or say how tasks are named."""
        words = re.findall(r"\w+", name.rpartition(".")[2])
        return self._make_names or any(self.says(path, words) for path in self.defining)

    @once
    def defining(self) -> list[str]:
        """Those that may define a task."""
        first = FirstPass(self.project.configuration.task_decorators) if self.product else None
        return [path for path in self.product if first is None or self.speaks(path, first.defines)]

    @once
    def _make_names(self) -> bool:
        """Whether one of them says how tasks are named, or puts the name of one together."""
        return self.hold((word, "") for word in _NAMING) or any(
            self.speaks(path, _PUT_TOGETHER.search) for path in self.defining
        )

    @once
    def product(self) -> list[str]:
        """Their paths."""
        return sorted(filter(is_product_path, self.project.unparsed))

    # ------------------------------------------------------------------ one of them

    def says(self, path: str, words: Collection[str]) -> bool:
        """Whether it says all of these words; an empty one is said by all."""
        said = self._said(path)
        return said is None or all(not w.isascii() or not w or w.encode() in said for w in words)

    def speaks(self, path: str, speaks: Callable[[bytes], object]) -> bool:
        """Whether its text is such; one that cannot be read may say anything."""
        text = self.project.unparsed[path]
        return not text or bool(speaks(text))

    def targets(self, path: str) -> Iterator[str]:
        """The files of the project that it may import, as far as it names them."""
        return (other for other in self.imports.files if other != path and self._names(path, other))

    def _names(self, path: str, other: str) -> bool:
        """Whether it says the name of a module, and that of its package unless both lie side by side."""
        stem, folder = leaf_of(other), other.rpartition("/")[0]
        if other.endswith("/__init__.py"):
            folder = folder.rpartition("/")[0]
        is_near = path.startswith(f"{folder}/") or folder not in self.imports.packages
        return self.says(path, (stem, "" if is_near else folder.rpartition("/")[2]))

    def _said(self, path: str) -> set[bytes] | None:
        """All its words; ``None`` if it cannot be read at all."""
        if path not in self._words:
            text = self.project.unparsed[path]
            self._words[path] = words_in(text) if text else None
        return self._words[path]
