"""Sessions of requests that may have learned a timeout."""

from __future__ import annotations

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.libraries.network import HTTP_VERBS, REQUESTS_SESSIONS
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Place
from celery_lint.project.known import Known, once

# What makes a session, by its last component.
_SESSION_LEAVES = tuple(sorted({leaf_of_chain(session.removesuffix("()")) for session in REQUESTS_SESSIONS}))
# A request by what a function gives back: `session_of(user).get(url)`.
_OF_A_FACTORY = tuple(f"().{verb}" for verb in (*HTTP_VERBS, "send"))


class HttpSessions:
    """What the project does to its sessions, beside asking by them."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.project = known.project
        self.functions = known.project.functions

    def may_be_handed_to(self, site: Site) -> bool:
        """Whether a function may ask by a session that another gives it."""
        return site.function.mentions(*_OF_A_FACTORY) and self._hands_out_sessions

    @once
    def _hands_out_sessions(self) -> bool:
        """Whether a function makes a session of requests, and may give it back."""
        return any(
            "requests" in "".join(module.imports.values()) and function.has("return")
            for module, function in self.project.calling(
                "Session", "session", "OAuth1Session", "OAuth2Session"
            )
        )

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

    def made(self, site: Site, call: Call) -> Place | None:
        """Where the session is made by which a call asks, if that is one place of the project."""
        receiver = call.chain.rpartition(".")[0]
        session = self.project.resolve(site.module, receiver)
        if session.module is not None and session.value is not None:
            return session.module.place(session.value.span)
        maker = self.project.resolve(site.module, receiver.removesuffix("()"))
        function = maker.function() if receiver.endswith("()") else None
        if function is not None and maker.module is not None:
            return maker.module.place(function.span)
        making = [other for other in self.sites.calls(site) if f"{other.chain}()" == receiver]
        return site.module.place(making[0].span) if len(making) == 1 else None

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
