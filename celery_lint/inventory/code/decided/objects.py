"""What objects are made with and keep, which decides tests of their methods: ``Client(debug=False)``."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.decided.given import Given, given_to
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Function, Module
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known
from celery_lint.project.set_attributes import SetAttributes


class Objects:
    """The attributes of an object that its class sets once, from what it was made with.

    ``self.use_grpc = use_grpc`` in ``__init__``: a method of an object that was made with a constant, or with
    the default, is given that constant, by the chain that its tests ask for: ``:Client().use_grpc``. And so
    is what this method calls of its own object.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.set_attributes = known.of(SetAttributes)

    def given(self, home: Module, caller: Function, call: Call, function: Function, known: Given) -> Given:
        """What the object of a method that a call runs is certain to keep.

        ``known`` is what the caller is given itself.
        """
        owner = call.chain.rpartition(".")[0]
        if not function.owner or not owner or function.name == "__init__":
            return ()
        before, now = f":{caller.owner}().", f":{function.owner}()."
        itself = caller.owner and owner == before[:-1]
        if itself and any(name.startswith(before) for name, _ in known):
            if any(other.chain == owner[:-2] for other in self.functions.calls(home, caller)):
                return ()  # or of another object of its class
            kept = [(now + name[len(before) :], value) for name, value in known if name.startswith(before)]
            return tuple([(name, value) for name, value in kept if before == now or "().__" not in name])
        if itself:
            return ()
        sets = [self._kept(class_, *made, now) for class_, made in self._made(home, caller, owner, known)]
        return tuple([each for each in sets[0] if all(each in others for others in sets)]) if sets else ()

    def _made(
        self, home: Module, caller: Function, owner: str, known: Given
    ) -> Iterator[tuple[Entity, tuple[Call, Given]]]:
        """The calls that may have made an object, each with its class and what is known where it is made."""
        if owner.endswith("()"):  # here: `Client(host).send()`
            where, making, chain, values = home, caller, owner[:-2], known
        else:
            found = self._kept_under(home, caller, owner)
            if found is None:
                return
            where, making, chain = found
            values = ()
        if any(parameter.annotation == chain for parameter in making.parameters):
            return  # or it is one that the function is given
        class_ = self.project.resolve(where, chain)
        if class_.kind == "class" and class_.module is not None:
            for call in self.functions.calls(where, making):
                if call.chain == chain:
                    yield class_, (call, values)

    def _kept_under(self, home: Module, caller: Function, owner: str) -> tuple[Module, Function, str] | None:
        """Where an object is made that ``self.client`` or a module's name stands for, and by which chain."""
        first, _, name = owner.rpartition(".")
        if caller.owner and first == f":{caller.owner}()":
            class_ = home.classes.get(caller.owner)
            values = class_.attributes.get(name, ()) if class_ is not None else ()
            where, making = home, home.functions.get(f"{caller.owner}.__init__")
        else:
            entity = self.project.resolve(home, owner)
            if entity.kind != "instance" or entity.origin is None:
                return None
            path, name = entity.origin
            where = self.project.modules[path]
            values, making = where.bindings.get(name, ()), where.functions.get("")
        if len(values) != 1 or values[0].kind != "call" or making is None:
            return None
        return None if name in self.set_attributes.names else (where, making, values[0].chain)

    def _kept(self, entity: Entity, call: Call, known: Given, begin: str) -> Given:
        """What an object of this class that this call makes keeps of what it is given."""
        made = self.project.attribute(entity, "__init__")
        init, home = made.function(), made.module
        if init is None or home is None or not init.owner:
            return ()
        owner, own = home.classes.get(init.owner), entity.class_()
        if owner is None or own is None:
            return ()
        parameters = {
            name: values[0].chain[1:]
            for name, values in owner.attributes.items()
            if len(values) == 1 and values[0].chain[:1] == "%" and self._stays(name, owner, own)
        }
        asked = {name: each for name, each in parameters.items() if self._is_asked(home, owner, name, begin)}
        if not asked:
            return ()
        given = dict(given_to(call, init, self.functions.of(home, init), known, set(asked.values())))
        return tuple([(begin + name, given[each]) for name, each in asked.items() if each in given])

    def _stays(self, name: str, owner: Class, own: Class) -> bool:
        """Whether nobody but the one assignment in ``__init__`` says what an attribute is."""
        if name in self.set_attributes.names or name in owner.methods:
            return False
        return own is owner or (name not in own.attributes and name not in own.methods)

    def _is_asked(self, home: Module, owner: Class, name: str, begin: str) -> bool:
        """Whether a test of a method asks for an attribute: nothing else is worth to be told apart."""
        methods = (home.functions.get(f"{owner.qualname}.{method}") for method in owner.methods)
        return any(each is not None and each.has("if") and each.states(begin + name) for each in methods)
