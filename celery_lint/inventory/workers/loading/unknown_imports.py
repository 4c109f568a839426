"""Imports of modules that only the run knows: all of a package, a file, a computed name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.inventory.workers.loading.imported import IMPORTING_BY_NAME, NAMES_OF_IMPORTING, in_text
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

#: What loads a file by its path, whatever its name is.
BY_PATH = (
    "spec_from_file_location", "SourceFileLoader", "run_path", "load_source", "exec_module", "load_module",
)  # fmt: skip
#: What may import a module that no import and no text names.
UNKNOWN_IMPORTS = NAMES_OF_IMPORTING.union(BY_PATH)
#: Those that import what the metadata of a distribution names.
OF_DISTRIBUTIONS = frozenset(
    {"entry_points", "iter_entry_points", "load_entry_point", "load_setuptools_entrypoints"}
)

_IN_TEXT = in_text((*IMPORTING_BY_NAME, *BY_PATH))

# What is told a path: the position of that among the arguments, and its name.
_PATHS = {
    "spec_from_file_location": (1, "location"),
    "SourceFileLoader": (1, "path"),
    "load_source": (1, "pathname"),
}
# These make a module of what the others have found.
_OF_A_SPECIFICATION = frozenset({"exec_module", "load_module"})
# What gives the module back, and does nothing else.
_GIVING = frozenset({"__import__", "import_module", "import_string"})
# What takes something out of modules by names, as routers are that a loop imports first.
_TAKING = ("getattr", "sys.modules", "vars", "__dict__", "globals", "include", "register")
_JOINING = frozenset({"join", "joinpath", "Path", "abspath", "str"})


class UnknownImport(NamedTuple):
    """An import that no text names.

    ``files`` are the names of the files that it may load, without their folders; ``None`` for any.
    ``is_bare``: it is only tried whether there is such a module.
    """

    files: frozenset[str] | None
    is_bare: bool


class UnknownImports:
    """What code imports that no text of the project names."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.unparsed = known.of(UnparsedTexts)

    def may_reach(self, path: str, with_bare: bool = True) -> bool:
        """Whether some code of the product may import a file so.

        Not ``with_bare``: and do something with the module.
        """
        name = f"{leaf_of(path)}.py"
        return self.unparsed.speak(_IN_TEXT.search) or any(
            (each.files is None or name in each.files) and (with_bare or not each.is_bare)
            for each in self.all
        )

    @once
    def all(self) -> frozenset[UnknownImport]:
        """All of the product."""
        return frozenset(
            found
            for module, function in self.project.calling(*IMPORTING_BY_NAME, *BY_PATH)
            for found in self._of(module, function)
        )

    def _of(self, module: Module, function: Function) -> Iterator[UnknownImport]:
        calls = self.functions.calls(module, function)
        specified = any(call.leaf() in _PATHS for call in calls)
        for call in calls:
            leaf = call.leaf()
            if leaf not in UNKNOWN_IMPORTS or call.chain.endswith("()"):
                continue  # what an import gives is called: the import comes before
            if leaf in _PATHS:
                yield UnknownImport(self._files(module, calls, call.argument(*_PATHS[leaf])), False)
            elif leaf in _OF_A_SPECIFICATION and specified:
                continue
            elif not call.argument(0).text and not self._is_listed(module, function, call):
                bare = leaf in _GIVING and call.is_statement and call.in_try
                yield UnknownImport(None, bare and function.name != "" and not _takes(function))

    def _files(self, module: Module, calls: list[Call], given: Argument) -> frozenset[str] | None:
        """The names of the files that an expression may be the path of, if all of them are known."""
        texts: list[str] = []
        if given.text:
            texts = [given.text]
        elif given.kind == "call":
            texts = [_last_text(calls[given.number])]
        elif given.kind == "name" and given.chain.endswith("()"):
            texts = [_last_text(call) for call in calls if f"{call.chain}()" == given.chain]
        elif given.kind == "name" and given.chain[:1] == ":":
            values = module.bindings.get(given.chain[1:], ())
            texts = [self._last_text_of(module, value) for value in values]
        names = frozenset(text.replace("\\", "/").rpartition("/")[2] for text in texts)
        return names if names and "" not in names else None

    def _last_text_of(self, module: Module, value: Value) -> str:
        if value.kind == "call" and value.chain.rpartition(".")[2] in _JOINING and value.items:
            value = value.items[-1]
        return self.project.text(module, value) or ""

    def _is_listed(self, module: Module, function: Function, call: Call) -> bool:
        """Whether it imports one after another what a list of the module names by texts.

        ``for path in HANDLERS: import_string(path)(message)``
        """
        name = call.argument(0).chain.removeprefix("%")
        steps = self.functions.of(module, function).steps
        bound = [step for step in steps if name in step.stores] if name.isidentifier() else []
        if not bound or function.takes(name) or not all(step.kind == "for" for step in bound):
            return False
        return all(
            len(step.stores) == 1
            and len(step.loads) == 1
            and len(values := module.bindings.get(step.loads[0], ())) == 1
            and values[0].kind == "sequence"
            and all(isinstance(item.data, str) for item in values[0].items)
            for step in bound
        )


def _takes(function: Function) -> bool:
    """Whether a function may take something out of what it has imported."""
    return function.mentions(*_TAKING) or function.states(*_TAKING)


def _last_text(call: Call) -> str:
    """The last part of a path that a call puts together, if it is written down."""
    given: Iterable[Argument] = call.takes[-1:] if call.leaf() in _JOINING else ()
    return next((each.text for each in given), "")
