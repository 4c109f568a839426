"""The statements that configure applications: who is given what, and what is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from celery_lint.inventory.application.applications import Application, Applications, is_current
from celery_lint.inventory.application.spelling import OLD_NAMES
from celery_lint.libraries.celery import ARGUMENTS_OF_APPLICATIONS
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.words import held
from celery_lint.project.known import Known

_CONF = ".conf"
# What a handler calls the configuration that it is given, and what sends it: a worker, before it starts.
_GIVEN_CONF = "%conf"
_CONFIGURING = "celery.signals.celeryd_init."
_AT_THE_MARGIN = 1


class Given(NamedTuple):
    """One setting that an application is given by hand, under the name that the code spells."""

    key: str
    module: Module
    place: Place
    value: Value

    @property
    def is_conditional(self) -> bool:
        """Whether a condition of its module decides if it is set."""
        return self.module.decides(self.place.span.line)


class Load(NamedTuple):
    """A whole object that an application takes settings from. ``namespace`` is ``?`` if nobody can tell.

    Without one it has that of the application: ``config_from_object`` keeps ``Celery(namespace="CELERY")``.
    """

    module: Module
    value: Value
    namespace: str | None


class Statements:
    """What is done to one application: settings by hand, mappings added to them, objects that are loaded."""

    def __init__(self) -> None:
        self.given: list[Given] = []
        self.updates: list[tuple[Module, Value]] = []
        self.loads: list[Load] = []
        self.defaults: list[tuple[Module, Value]] = []
        #: What the application itself is told: it holds for each object that is loaded without another.
        self.namespace: str | None = None
        #: Something adds to the configuration that no expression shows.
        self.hidden = False

    def take(self, other: Statements) -> None:
        """What is done to another application is done to this one, too."""
        self.given += other.given
        self.updates += other.updates
        self.loads += other.loads
        self.defaults += other.defaults
        self.namespace = self.namespace or other.namespace
        self.hidden = self.hidden or other.hidden

    def namespaces(self) -> list[str | None]:
        """All that names may stand below, ``?`` included, in the order in which something says so."""
        return list(dict.fromkeys((self.namespace, *(load.namespace for load in self.loads))))

    def spread_namespace(self) -> None:
        """Let what is loaded without a namespace have the application's own."""
        self.loads = [load._replace(namespace=load.namespace or self.namespace) for load in self.loads]


class Configuring:
    """The statements that configure the applications of the product.

    ``unbound`` holds what is done to applications that no module-level name keeps.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.unbound = Statements()
        self._by_application = {a.origin: Statements() for a in self.applications.by_origin.values()}
        self._makers = {
            a.origin: frozenset(
                (module.path, maker.qualname) for module, maker in self.applications.makers(a)
            )
            for a in self.applications.by_origin.values()
        }
        for application in self.applications.by_origin.values():
            self._constructed(self._by_application[application.origin], application.module, application.value)
        for module in self.project.product_modules():
            self._read(module)
        for application in self.applications.product:
            if self._is_lost(application):
                self.of(application).take(self.unbound)
        for statements in (*self._by_application.values(), self.unbound):
            statements.spread_namespace()

    def _is_lost(self, application: Application) -> bool:
        """Whether an application comes from where nobody can follow it, and nothing is known of it."""
        statements = self.of(application)
        if statements.loads or statements.given or statements.updates or statements.hidden:
            return False
        callee = self.project.resolve(application.module, application.value.chain)
        return (
            self.applications.class_of(self.project.call(callee, None)) is None or callee.kind == "function"
        )

    def of(self, application: Application) -> Statements:
        """What is done to an application."""
        return self._by_application[application.origin]

    # ------------------------------------------------------------------ statements

    def _read(self, module: Module) -> None:
        last = _last_lines(module)
        for assignment in module.assignments:
            if assignment.key == "namespace":
                entity = self.project.resolve(module, assignment.target)
                application = self.applications.get(entity.origin)
                if application is not None:
                    self.of(application).namespace = self._namespace(module, assignment.value)
                continue
            named = assignment.key in SETTINGS or assignment.key in OLD_NAMES
            if named or assignment.target.endswith(_CONF):
                given = Given(assignment.key, module, module.place(assignment.value.span), assignment.value)
                if assignment.key_span.line < last.get(
                    (assignment.target, assignment.key, assignment.function), 0
                ):
                    continue  # overwritten further down
                for statements in self._configured(module, assignment.function, assignment.target):
                    statements.given.append(given)
                    statements.hidden = statements.hidden or not given.key  # only the run knows which
        for function in module.functions.telling():
            for _, value in function.values:
                chain, _, leaf = value.chain.rpartition(".")
                if leaf == "config_from_object":
                    for statements in self._owners(module, function.qualname, chain):
                        self._loaded(statements, module, value)
                elif leaf in ("update", "add_defaults") and (leaf != "update" or "conf" in _last(chain)):
                    self._updated(module, function.qualname, chain, value)
                elif leaf == "Celery" and function.name:
                    for statements in self._owners(module, function.qualname, f"{value.chain}()"):
                        self._constructed(statements, module, value)
            if function.mentions("config_from_envvar", "config_from_cmdline", ".conf.setdefault"):
                self._hidden_or_default(module, function.qualname)

    def _updated(self, module: Module, function: str, chain: str, value: Value) -> None:
        """``app.conf.update(...)`` and ``app.conf.add_defaults(...)``."""
        if value.chain.endswith(".update"):
            lines = _last_lines(module)
            over = {
                key for key, _ in value.keywords if value.span.line < lines.get((chain, key, function), 0)
            }
            for statements in self._configured(module, function, chain):
                self._mapped(statements, module, value, over)
        else:
            for statements in self._owners(module, function, chain.removesuffix(_CONF)):
                statements.defaults += [(module, item) for item in value.items]

    def _mapped(
        self, statements: Statements, module: Module, value: Value, over: Collection[str] = ()
    ) -> None:
        """The keywords of a call as settings, and the mappings that it is given beside them.

        Without those that are set ``over`` again further down.
        """
        for key, item in value.keywords:
            if key in ("*", "**"):
                statements.updates.append((module, item))
            elif key != "()" and key not in over:
                statements.given.append(Given(key, module, module.place(item.span), item))
        statements.updates += [(module, item) for item in value.items]

    def _loaded(self, statements: Statements, module: Module, value: Value) -> None:
        given = value.first() or value.keyword("obj")
        namespace = value.keyword("namespace") or (value.items[3] if len(value.items) > 3 else None)
        if given is None or value.open_ended():
            statements.hidden = True
        else:
            statements.loads.append(Load(module, given, self._namespace(module, namespace)))

    def _namespace(self, module: Module, value: Value | None) -> str | None:
        """What is said of a namespace: nothing, its name, or ``?`` where nobody can tell."""
        if value is None or (value.kind == "constant" and value.data is None):
            return None
        text = self.project.text(module, value)
        return "?" if text is None else text

    def _constructed(self, statements: Statements, module: Module, value: Value) -> None:
        """What the constructor, or the function that calls it, is given by keywords."""
        for key, item in value.keywords:
            if key == "config_source":
                statements.loads.append(Load(module, item, None))
            elif key == "namespace":
                statements.namespace = self._namespace(module, item)
            elif key in ("changes", "**"):
                statements.updates.append((module, item))
            elif key not in ("()", "*"):
                name = ARGUMENTS_OF_APPLICATIONS[key][0] if key in ARGUMENTS_OF_APPLICATIONS else key
                if name:
                    statements.given.append(Given(name, module, module.place(item.span), item))

    def _hidden_or_default(self, module: Module, function: str) -> None:
        for call in self.project.functions.calls(module, module.functions[function]):
            chain, _, leaf = call.chain.rpartition(".")
            if leaf in ("config_from_envvar", "config_from_cmdline"):
                for statements in self._owners(module, function, chain):
                    statements.hidden = True
            elif leaf == "setdefault" and chain.endswith(_CONF) and call.argument(0).text:
                unknown = Value("unknown", call.span)
                given = Given(call.argument(0).text, module, module.place(call.span), unknown)
                for statements in self._owners(module, function, chain.removesuffix(_CONF)):
                    statements.given.append(given)

    # ------------------------------------------------------------------ whose they are

    def _configured(self, module: Module, function: str, chain: str) -> Iterator[Statements]:
        """Whose configuration a chain is: ``app.conf``, a name of the module, or each worker's."""
        if chain.endswith(_CONF):
            yield from self._owners(module, function, chain.removesuffix(_CONF))
        elif chain == _GIVEN_CONF:
            inner = module.functions.get(function)
            if inner is not None and any(d.chain.startswith(_CONFIGURING) for d in inner.decorators):
                yield from (*self._by_application.values(), self.unbound)
        elif chain[:1] not in "%~":
            entity = self.project.resolve(module, chain)
            if entity.kind == "external" and entity.name.endswith(f"(){_CONF}"):
                application = self.applications.get(entity.origin)
                yield self.of(application) if application is not None else self.unbound

    def _owners(self, module: Module, function: str, chain: str) -> Iterator[Statements]:
        """The applications that a receiver may be: one, all where nobody can tell, or one without a name."""
        entity = self.project.resolve(module, chain)
        application = self.applications.get(entity.origin)
        if application is not None:
            yield self._by_application[application.origin]
            return
        if entity.kind == "unknown" or is_current(entity.name):
            yield from self._by_application.values()
            yield self.unbound
            return
        if self.applications.class_of(entity) is None:
            return
        outermost = function.partition("/")[0]
        made_here = [
            self._by_application[origin]
            for origin, makers in self._makers.items()
            if (module.path, outermost) in makers
        ]
        if entity.kind == "instance" and entity.module is not None:  # `self.conf` in a class of applications
            made_here += [
                self._by_application[application.origin]
                for application in self.applications.by_origin.values()
                if self.applications.derives_from(application, entity)
            ]
        if not made_here and self._is_given(module, function, chain):
            yield from self._by_application.values()
        yield from made_here or [self.unbound]

    def _is_given(self, module: Module, function: str, chain: str) -> bool:
        """Whether a function gets its application from a caller: any may be meant by the class it names."""
        inner = module.functions.get(function)
        made = chain.removesuffix("()")
        return inner is not None and any(parameter.annotation == made for parameter in inner.parameters)


def _last(chain: str) -> str:
    return chain.rpartition(".")[2].lower()


def _last_lines(module: Module) -> dict[tuple[str, str, str], int]:
    """The last line at which a module sets an attribute whatever any condition says, by what it sets.

    Each with the function that it stands in, which is none.
    """
    found: dict[tuple[str, str, str], int] = {}

    def note(target: str, key: str, line: int, value: Value) -> None:
        if not any(each.chain.endswith(f".{key}") for each in held(value)):  # made of what it was
            found[target, key, ""] = max(line, found.get((target, key, ""), 0))

    for assignment in module.assignments:
        target, key, subscript, span, value, function = assignment
        if subscript:  # of which the span is that of the key
            always = target.endswith(_CONF) and not module.decides(span.line)
        else:
            always = span.column == _AT_THE_MARGIN
        if always and not function:
            note(target, key, span.line, value)
    top = module.functions.get("")
    for _, made in top.values if top is not None else ():
        target, _, leaf = made.chain.rpartition(".")
        if leaf == "update" and target.endswith(_CONF) and made.span.column == _AT_THE_MARGIN:
            for key, item in made.keywords:
                note(target, key, made.span.line, item)
    return found
