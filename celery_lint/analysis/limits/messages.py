"""Messages that leave by a server or a service: mails of Django; Twilio, SendGrid and Gemini.

By which backend a mail goes and to which server, and whether anything ends the wait for these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.loaded import Loaded
from celery_lint.inventory.code.sites import Site
from celery_lint.libraries.django import SENDING_MAILS
from celery_lint.libraries.network import (
    ASKING_SERVICES,
    GENAI_OPTIONS,
    LOCAL_HOSTS,
    MAILS_THAT_STAY,
    TWILIO_BY_HAND,
    UNTIMED_SERVICES,
)
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.words import held
from celery_lint.project.known import Known, once

_BACKEND, _SERVER, _TIMEOUT = "EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_TIMEOUT"
_SMTP = ".smtp."
# Names of servers that are this machine.
_NO_OTHER = LOCAL_HOSTS | {""}
# What makes a connection to a server by hand, with a timeout of its own or by another backend.
_BY_HAND = ("get_connection", "EmailBackend")
# Which argument of what makes or sends a mail is its connection.
_MESSAGES = {"EmailMessage": 5, "EmailMultiAlternatives": 5}
_CONNECTIONS = {"mail_admins": 3, "mail_managers": 3, "send_mail": 7, "send_mass_mail": 4}
# What reads a variable that may be missing.
_OPTIONAL = frozenset({"get", "getenv"})


Client = Literal["twilio", "sendgrid", "genai"]
# The words that they begin with.
_WORDS = ("twilio.", "sendgrid.", "google.genai.")
# Of these the methods of others are no requests: `genai.Client().chats.create()` only makes an object.
_ASKING_GENAI = frozenset({"embed_content", "generate_content", "generate_images"})


class Mails:
    """What becomes of the mails that Django is told to send."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.loaded = known.of(Loaded)

    def words(self) -> set[Pair]:
        """The settings that other files may give, where something seems to wait without an end."""
        if self.endless_server is None or not any(self._senders()):
            return set()
        return {(_TIMEOUT, ""), (_BACKEND, ""), *((word, "") for word in _BY_HAND)}

    def end(self, name: str) -> bool:
        """Whether what is called by this name may have a timeout that is written down elsewhere, or stays."""
        if not name.startswith("django.core.mail."):
            return False
        return self._have_a_timeout or (_SMTP not in name and (self._stay or self._go_elsewhere))

    def is_endless(self, name: str, call: Call) -> bool:
        """Whether a call sends a mail and waits for a server, however long that is silent."""
        place = _CONNECTIONS.get(call.leaf())
        if name not in SENDING_MAILS or (place is not None and call.argument(place, "connection")):
            return False
        return not call.is_open_ended and self.endless_server is not None

    @once
    def endless_server(self) -> Place | None:
        """What names the server of mails, if it is certainly asked, on another machine, without a timeout."""
        servers = [
            module.place(value.span) for module, value in self._servers() if self._is_elsewhere(module, value)
        ]
        if not servers or self._have_a_timeout or self._have_connections:
            return None
        others = [
            (module, value)
            for module, value in self._configured(_BACKEND)
            if self.project.text(module, value) not in MAILS_THAT_STAY
        ]
        if not all(_says_smtp(self.project.constant(module, value) or value) for module, value in others):
            return None
        if not others and any(self._configured(_BACKEND)):
            said = self.loaded.in_django(_BACKEND)
            return min(servers) if any(said) and not self._stay else None
        return min(servers)

    def _servers(self) -> Iterator[tuple[Module, Value]]:
        """What Django is told of the server."""
        for found in self.loaded.in_django(_SERVER):
            yield from [(given.module, given.value) for given in found]

    def _is_elsewhere(self, module: Module, value: Value) -> bool:
        """Whether a server is certainly named, and is not this machine, by default neither."""
        text = self.project.text(module, value)
        if text is not None:
            return text not in _NO_OTHER
        known = self.project.value_entity(module, value)
        told = known.value if known.kind == "value" and known.value is not None else value
        constants = [each.data for each in held(told) if each.kind == "constant"]
        if any(each is None or each in _NO_OTHER for each in constants):
            return False
        if told.kind == "name":
            return told.chain.endswith("[]")  # a variable that must be there
        if told.kind == "call":
            return leaf_of_chain(told.chain) not in _OPTIONAL or len(constants) > 1
        return told.kind == "either" and bool(constants)

    @once
    def _have_connections(self) -> bool:
        """Whether mails may go by connections that are made by hand, or timeouts are given to all sockets."""
        if any(self.project.holding(*_BY_HAND, "setdefaulttimeout")):
            return True
        for module in self.project.product_modules():
            bound = (module.bindings, *(class_.attributes for class_ in module.classes.values()))
            if any(
                leaf_of_chain(each.chain) in _BY_HAND
                for values in bound
                for several in values.values()
                for value in several
                for each in held(value)
                if each.kind == "call"
            ):
                return True
        senders = list(self._senders())
        if any(item.key == "connection" for module in senders for item in module.assignments):
            return True
        return any(
            bool(call.argument(_MESSAGES[call.leaf()], "connection")) or call.is_open_ended
            for module, function in self.project.functions.calling(senders, *_MESSAGES)
            for call in self.project.functions.calls(module, function)
            if call.leaf() in _MESSAGES
        )

    def _senders(self) -> Iterator[Module]:
        for module in self.project.product_modules():
            if any(target.startswith("django.core.mail") for target in module.imports.values()):
                yield module

    @once
    def _have_a_timeout(self) -> bool:
        return any(self._configured(_TIMEOUT))

    @once
    def _stay(self) -> bool:
        """Whether all settings of Django say that mails are printed, kept or forgotten.

        What only some say, or what stands below ``if DEBUG:``, is for somebody who develops: elsewhere they
        go to a server.
        """
        said = self.loaded.in_django(_BACKEND)
        found = [given for each in said for given in each]
        values = [(given.module, given.value) for given in found] + list(self._configured(_BACKEND))
        return (
            bool(found)
            and all(said)
            and all(self.project.text(*value) in MAILS_THAT_STAY for value in values)
            and not any(given.module.sets_apart(given.value.span.line) for given in found)
        )

    @once
    def _go_elsewhere(self) -> bool:
        """Whether mails leave by a task, or a service with a timeout of its own.

        A backend that only the run knows is that of Django where it is the default, or something names a
        server.
        """
        unknown = "smtp" if any(self._configured(_SERVER)) else ""
        backends = [
            self.project.text(module, value) or ("smtp" if _says_smtp(value) else unknown)
            for module, value in self._configured(_BACKEND)
        ]
        own = [name for name in backends if name.startswith("django.core.mail.")]
        return len(own) < len(backends) and not any("smtp" in name for name in backends)

    def _configured(self, name: str) -> Iterator[tuple[Module, Value]]:
        """What modules and classes of the product give a setting of Django."""
        for module in self.project.product_modules():
            for values in (module.bindings, *(class_.attributes for class_ in module.classes.values())):
                yield from [(module, value) for value in values.get(name, ())]


class Services:
    """The clients of services that a project has, and whether it gives them timeouts."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    def may_be_asked(self, site: Site) -> bool:
        """Whether a function, or what its module keeps, may hold a client of them."""
        if site.function.mentions(*_WORDS):
            return True
        return any(f"{target}.".startswith(_WORDS) for target in site.module.imports.values())

    def untimed(self, name: str, call: Call) -> Client | None:
        """Whose client makes a request here for which nothing may give a timeout."""
        if not name.startswith(UNTIMED_SERVICES) or call.leaf() not in ASKING_SERVICES:
            return None
        if call.keyword("timeout"):
            return None
        if name.startswith("google."):
            return "genai" if call.leaf() in _ASKING_GENAI and not self._genai_is_told else None
        if name.startswith("twilio."):
            return None if self._twilio_is_told else "twilio"
        return None if self._sendgrid_is_told else "sendgrid"

    @once
    def _twilio_is_told(self) -> bool:
        """Whether the product makes what sends the requests of a client of Twilio."""
        return any(self.project.holding(*TWILIO_BY_HAND))

    @once
    def _genai_is_told(self) -> bool:
        """Whether anything of the product speaks of options for the requests of Gemini."""
        return any(self.project.holding(GENAI_OPTIONS)) or any(self.project.stating(GENAI_OPTIONS))

    @once
    def _sendgrid_is_told(self) -> bool:
        """Whether a module that knows them sets the timeout of anything: ``client.client.timeout = 10``."""
        return any(
            item.key == "timeout"
            for module in self.project.product_modules()
            if any(f"{target}.".startswith("sendgrid.") for target in module.imports.values())
            for item in module.assignments
        )


def _says_smtp(value: Value) -> bool:
    """Whether an expression holds the name of Django's backend, such as the default of a variable."""
    return any(isinstance(each.data, str) and _SMTP in each.data for each in held(value))
