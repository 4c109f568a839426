"""Sessions of requests that may have learned a timeout."""

from __future__ import annotations

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.libraries.network import HTTP_VERBS, REQUESTS_SESSIONS
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.project.known import Known

# What makes a session, by its last component.
_SESSION_LEAVES = tuple(sorted({leaf_of_chain(session.removesuffix("()")) for session in REQUESTS_SESSIONS}))


class HttpSessions:
    """What the project does to its sessions, beside asking by them."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.project = known.project
        self.functions = known.project.functions

    def taught(self, site: Site, call: Call) -> bool:
        """Whether a session may have learned a timeout: by an adapter of its own, or a changed method."""
        session = self.project.resolve(site.module, call.chain.rpartition(".")[0])
        if session.kind != "external":
            return True
        home = session.origin[0] if session.origin is not None else self._maker(site, call)
        if home is None:
            return True
        module = self.project.modules.get(home, site.module)
        if any(a.key in (*HTTP_VERBS, "send") and not a.subscript for a in module.assignments):
            return True
        return any(
            other.leaf() == "mount" and not self._plain_adapter(module.path, function.qualname, other)
            for function in module.functions.calling(".mount")
            for other in self.functions.calls(module, function)
        )

    def _maker(self, site: Site, call: Call) -> str | None:
        """The module that makes the session of a call; ``None`` if a function hands on that of another."""
        session = call.chain.rpartition(".")[0]
        maker = self.project.resolve(site.module, session.removesuffix("()"))
        function = maker.function() if session.endswith("()") and maker.kind == "function" else None
        if function is None or maker.module is None:
            return site.module.path
        return maker.module.path if function.may_call(*_SESSION_LEAVES) else None

    def _plain_adapter(self, path: str, qualname: str, mount: Call) -> bool:
        """Whether an adapter is the one of requests, which has no timeout."""
        module = self.project.modules[path]
        given = mount.argument(1, "adapter")
        chain = given.chain.removesuffix("()")
        if given.kind == "call":
            chain = self.functions.calls(module, module.functions[qualname])[given.number].chain
        return self.sites.name(module, chain) in ("requests.adapters.HTTPAdapter", "requests.HTTPAdapter")
