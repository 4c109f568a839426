"""Clients of services whose requests have no timeout unless somebody gives the client one."""

from __future__ import annotations

from typing import Literal

from celery_lint.libraries.network import ASKING_SERVICES, TWILIO_BY_HAND, UNTIMED_SERVICES
from celery_lint.model.calls import Call
from celery_lint.project.known import Known, once

Client = Literal["twilio", "sendgrid"]


class Services:
    """The clients of services that a project has, and whether it gives them timeouts."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    def untimed(self, name: str, call: Call) -> Client | None:
        """Whose client makes a request here for which nothing may give a timeout."""
        if not name.startswith(UNTIMED_SERVICES) or call.leaf() not in ASKING_SERVICES:
            return None
        if call.keyword("timeout"):
            return None
        if name.startswith("twilio."):
            return None if self._twilio_is_told else "twilio"
        return None if self._sendgrid_is_told else "sendgrid"

    @once
    def _twilio_is_told(self) -> bool:
        """Whether the product makes what sends the requests of a client of Twilio."""
        return any(self.project.holding(*TWILIO_BY_HAND))

    @once
    def _sendgrid_is_told(self) -> bool:
        """Whether the product sets the timeout of anything: ``client.client.timeout = 10``."""
        return any(a.key == "timeout" for m in self.project.product_modules() for a in m.assignments)
