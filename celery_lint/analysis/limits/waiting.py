"""Whether a task waits for something outside its process, and so can hang."""

from __future__ import annotations

from celery_lint.inventory.code.graph import Calls
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Call, Module, Place
from celery_lint.project.known import Known

# Calls that wait for something outside the process, by the start of their dotted path.
_WAITING = (
    "requests.",
    "httpx.",
    "urllib.request.",
    "urllib3.",
    "aiohttp.",
    "http.client.",
    "socket.",
    "ssl.",
    "smtplib.",
    "imaplib.",
    "ftplib.",
    "paramiko.",
    "subprocess.",
    "os.system",
    "os.popen",
    "time.sleep",
    "asyncio.run",
    "asyncio.new_event_loop",
    "asyncio.get_event_loop",
    "asgiref.sync.async_to_sync",
    "anyio.run",
    "boto3.",
    "botocore.",
    "psycopg.",
    "psycopg2.",
    "pymysql.",
    "MySQLdb.",
    "sqlite3.connect",
    "pymongo.",
    "redis.",
    "elasticsearch.",
    "opensearchpy.",
    "kafka.",
    "pika.",
    "grpc.",
    "sqlalchemy.orm.Session(",
    "sqlalchemy.orm.sessionmaker()",
    "sqlalchemy.create_engine()",
    "sqlalchemy.ext.asyncio.",
    "django.db.connection",
    "django.db.transaction.atomic",
    "django.core.mail.",
    "django.core.management.call_command",
    "stripe.",
    "twilio.",
    "sendgrid.",
    "openai.",
    "anthropic.",
    "github.",
    "gitlab.",
    "slack_sdk.",
    "docker.",
    "kubernetes.",
    "google.cloud.",
    "azure.",
    "flask_mail.",
    "telegram.",
    "websockets.",
    "zeep.",
    "ldap3.",
)
_WAITING_PARTS = (".objects.", ".session.query", ".session.execute", ".session.commit", "db.session")


class Waiting:
    """What tasks wait for: network, databases, other programs, time."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(Calls)
        self.flows = known.project.flows

    def evidence(self, task: Task) -> Place | None:
        """Where a task waits for something outside its process."""
        if task.function is None:
            return None
        with self.project.asking("quiet"):
            for module, function in self.graph.closure(task.module, task.function):
                for call in self.flows.calls(module, function):
                    if self._waits(module, call):
                        return module.place(call.span)
        return None

    def _waits(self, module: Module, call: Call) -> bool:
        chain = call.chain
        if any(part in chain for part in _WAITING_PARTS):
            return True
        if chain.startswith(_WAITING):
            return True
        if chain[:1] in "%~":
            return False
        entity = self.project.resolve(module, chain)
        return entity.kind == "external" and entity.name.startswith(_WAITING)
