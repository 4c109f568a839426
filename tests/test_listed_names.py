"""Every name in a list of the linter is there for a reason: a program in which it decides.

One line of the table is one kind of program and the names that make it wrong. What a name means is written
out here and not taken from the list, so that a name that is removed there is missed here.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from amqp.basic_message import Message
from celery import Celery, Task
from celery.app import autoretry, defaults
from celery.app.amqp import AMQP
from celery.app.backends import BACKEND_ALIASES
from celery.canvas import _chord
from kombu import Producer

from celery_lint import engine
from celery_lint.files.commands.launch import worker_commands
from celery_lint.inventory.application.spelling import old_name
from celery_lint.libraries.celery import ENCODING_BACKENDS, TASK_OPTIONS
from celery_lint.libraries.messages import CHORD_OPTIONS, MESSAGE_OPTIONS, MESSAGE_PROPERTIES, RETRY_OPTIONS
from celery_lint.options import Configuration
from tests import asked_names

ALL = Configuration(preset="all", cache=False, pool=("prefork",))
HEAD = "import asyncio\nfrom celery import Celery, shared_task\n"


class Kind(NamedTuple):
    """Programs that a rule speaks of because of one name. ``#`` stands for the name in ``text``."""

    code: str
    text: str
    names: str


IN_TASK = "@shared_task\ndef task(x, y):\n    #\n"
IN_COROUTINE = "async def work(x):\n    #\n\n\n@shared_task\ndef task(x):\n    asyncio.run(work(x))\n"
KINDS = {
    "requests": Kind(
        "CEL526",
        IN_TASK.replace("#", "#('https://x')"),
        """
        requests.get requests.post requests.put requests.patch requests.delete requests.head requests.options
        requests.request requests.api.get requests.api.patch requests.api.delete requests.api.options
        requests.Session().get requests.Session().patch requests.Session().delete requests.Session().options
        requests.session().get requests.session().post requests.session().patch requests.session().delete
        requests.session().options requests.sessions.Session().patch requests.sessions.Session().delete
        requests.sessions.Session().options requests.sessions.session().patch
        requests.sessions.session().delete requests.sessions.session().options
        requests_oauthlib.OAuth1Session().get requests_oauthlib.OAuth1Session().post
        requests_oauthlib.OAuth1Session().put requests_oauthlib.OAuth1Session().patch
        requests_oauthlib.OAuth1Session().delete requests_oauthlib.OAuth1Session().head
        requests_oauthlib.OAuth1Session().options requests_oauthlib.OAuth1Session().send
        requests_oauthlib.OAuth1Session().request requests_oauthlib.OAuth2Session().get
        requests_oauthlib.OAuth2Session().post requests_oauthlib.OAuth2Session().put
        requests_oauthlib.OAuth2Session().patch requests_oauthlib.OAuth2Session().delete
        requests_oauthlib.OAuth2Session().head requests_oauthlib.OAuth2Session().options
        requests_oauthlib.OAuth2Session().send requests_oauthlib.OAuth2Session().request
        """,
    ),
    "httpx": Kind(
        "CEL526",
        IN_TASK.replace("#", "#('https://x', timeout=None)"),
        """
        httpx.get httpx.post httpx.put httpx.patch httpx.delete httpx.head httpx.options httpx.request
        httpx.stream httpx.Client().get httpx.Client().post httpx.Client().put httpx.Client().patch
        httpx.Client().delete httpx.Client().head httpx.Client().options httpx.Client().request
        httpx.Client().send httpx.Client().stream
        """,
    ),
    "sockets": Kind(
        "CEL526",
        IN_TASK.replace("#", "#('x')"),
        """
        smtplib.SMTP smtplib.SMTP_SSL ftplib.FTP ftplib.FTP_TLS imaplib.IMAP4 imaplib.IMAP4_SSL poplib.POP3
        poplib.POP3_SSL telnetlib.Telnet http.client.HTTPConnection http.client.HTTPSConnection
        urllib.request.urlopen
        """,
    ),
    "clients without a timeout": Kind(
        "CEL526",
        "app = Celery('a')\n\n\n@app.task\ndef task(x):\n    #(x)\n",
        """
        sendgrid.SendGridAPIClient().send sendgrid.SendGridAPIClient().client.mail.send.post
        sendgrid.SendGridAPIClient().client.contacts.put sendgrid.SendGridAPIClient().client.contacts.patch
        twilio.rest.Client().messages.create twilio.rest.Client().messages.list
        twilio.rest.Client().messages().fetch twilio.rest.Client().messages().update
        twilio.rest.Client().messages().delete sendgrid.SendGridAPIClient().client.contacts.get
        """,
    ),
    "what blocks": Kind(
        "CEL118",
        IN_COROUTINE.replace("#", "#(x)"),
        """
        time.sleep requests.get requests.post requests.put requests.patch requests.delete requests.head
        requests.options requests.request httpx.get httpx.post httpx.put httpx.patch httpx.delete httpx.head
        httpx.options httpx.request os.system subprocess.run subprocess.call subprocess.check_call
        subprocess.check_output urllib.request.urlopen
        """,
    ),
    "primitives": Kind(
        "CEL127",
        "lock = #()\n" + IN_COROUTINE.replace("#", "await asyncio.gather(use(x), use(x))")
        + "async def use(x):\n    async with lock:\n        await asyncio.sleep(1)\n",
        """
        asyncio.Lock asyncio.Semaphore asyncio.BoundedSemaphore asyncio.Condition asyncio.locks.Lock
        asyncio.locks.BoundedSemaphore asyncio.locks.Condition
        """,
    ),
    "queues": Kind(
        "CEL127",
        "box = #()\n" + IN_COROUTINE.replace("#", "await asyncio.gather(use(x), use(x))")
        + "async def use(x):\n    await box.get()\n",
        """
        asyncio.Queue asyncio.LifoQueue asyncio.PriorityQueue asyncio.queues.LifoQueue
        asyncio.queues.PriorityQueue
        """,
    ),
    "refused metadata": Kind(
        "CEL434",
        "@shared_task(bind=True)\ndef task(self, x):\n    self.update_state(state='A', meta={'x': #})\n",
        """
        complex(x) enumerate(x) filter(x,x) frozenset(x) map(x,x) object() range(x) reversed(x) set(x) zip(x)
        """,
    ),
    "effects": Kind(
        "CEL519",
        "@shared_task(bind=True, acks_late=True)\ndef task(self, x):\n    #(x)\n    x.more()\n",
        """
        django.core.mail.send_mail django.core.mail.mail_admins django.core.mail.send_mass_mail
        flask_mail.Mail().send sendgrid.SendGridAPIClient().send slack_sdk.WebClient().chat_postMessage
        smtplib.SMTP().send_message smtplib.SMTP_SSL().send_message twilio.rest.Client().messages.create
        """,
    ),
    "what waits": Kind(
        "CEL510",
        "app = Celery('a')\n\n\n@app.task\ndef task(x):\n    #(x)\n",
        """
        docker.from_env().containers.run flask_mail.Mail().send docker.from_env().images.pull
        docker.from_env().images.build docker.from_env().containers.get().wait
        gitlab.Gitlab().projects.list kubernetes.client.CoreV1Api().call ldap3.Connection().search
        os.popen().read os.system subprocess.check_call subprocess.getstatusoutput
        subprocess.Popen().communicate subprocess.Popen().stdout.readlines
        paramiko.SSHClient().connect zeep.Client().call pika.BlockingConnection
        django.core.mail.mail_admins django.core.mail.mail_managers django.core.mail.send_mass_mail
        """,
    ),
    "what waits and ends by itself": Kind(
        "CEL437",
        IN_TASK.replace("#", "try:\n        #(x)\n    except:\n        pass\n    #(y)"),
        """
        aiohttp.request azure.storage.get botocore.session.get elasticsearch.get github.Github
        opensearchpy.get slack_sdk.WebClient ssl.wrap stripe.Charge.create telegram.Bot websockets.connect
        """,
    ),
    "changes of the process": Kind(
        "CEL227",
        IN_TASK.replace("#", "#(x)"),
        """
        os.chdir socket.setdefaulttimeout random.seed django.utils.translation.activate
        django.utils.timezone.activate
        """,
    ),
    "exits": Kind("CEL225", IN_TASK.replace("#", "#(1)"), "os._exit sys.exit exit quit"),
    "signals": Kind(
        "CEL226",
        "import signal\n" + IN_TASK.replace("#", "signal.signal(signal.#, x)"),
        "SIGTERM SIGINT SIGHUP SIGQUIT",
    ),
    "clients": Kind(
        "CEL110",
        "client = #()\n" + IN_COROUTINE.replace("#", "await client.get(x)"),
        """
        httpx.AsyncClient aiohttp.ClientSession aiohttp.client.ClientSession redis.asyncio.Redis
        aioredis.create_redis_pool elasticsearch.AsyncElasticsearch motor.motor_asyncio.AsyncIOMotorClient
        psycopg_pool.AsyncConnectionPool redis.asyncio.BlockingConnectionPool telegram.Bot
        """,
    ),
    "queries of rows": Kind(
        "CEL230",
        "import sqlalchemy.orm\nmake = sqlalchemy.orm.sessionmaker()\n\n\n@shared_task\ndef task(rows):\n"
        "    with make() as db:\n        for row in rows:\n            try:\n                db.add(row)\n"
        "                db.execute(#(row))\n            except Exception:\n                print(row)\n"
        "        db.commit()\n",
        """
        sqlalchemy.select sqlalchemy.future.select sqlalchemy.sql.select sqlalchemy.sql.expression.select
        sqlmodel.select
        """,
    ),
    "clients that try again": Kind(
        "CEL110",
        "client = #(max_retries=0)\n" + IN_COROUTINE.replace("#", "await client.get(x)"),
        "openai.AsyncOpenAI openai.AsyncAzureOpenAI",
    ),
    "words for locks": Kind(
        "CEL528",
        "import redis\nclient = redis.Redis()\n\n\n@shared_task\ndef task(x):\n"
        "    if client.set('#', 1, nx=True):\n        x.work()\n",
        "lock mutex processing semaphore running",
    ),
    "kinds of tasks' limits": Kind(
        "CEL511",
        "app = Celery('a')\napp.conf.# = 20\napp.conf.task_time_limit = 10\n\n\n"
        "@app.task\ndef task(x):\n    pass\n",
        "task_soft_time_limit CELERYD_TASK_SOFT_TIME_LIMIT",
    ),
    "words for success": Kind(
        "CEL439",
        "@shared_task\ndef task(execution_id, tell):\n    tell(execution_id, '#')\n",
        "complete completed done finished ok succeeded success successful",
    ),
    "words for a beginning": Kind(
        "CEL439",
        "@shared_task\ndef task(execution_id, tell):\n    tell(execution_id, '#')\n"
        "    tell(execution_id, 'done')\n",
        "in_progress pending processing queued running start started starting",
    ),
    "async engines": Kind(
        "CEL110",
        "engine = #('postgresql+asyncpg://x')\n" + IN_COROUTINE.replace("#", "await use(x)")
        + "async def use(x):\n    async with engine.connect():\n        pass\n",
        """
        sqlalchemy.ext.asyncio.create_async_engine sqlalchemy.ext.asyncio.async_engine_from_config
        sqlalchemy.ext.asyncio.create_async_pool_from_url
        sqlalchemy.ext.asyncio.engine.create_async_engine
        sqlalchemy.ext.asyncio.engine.async_engine_from_config
        sqlalchemy.ext.asyncio.engine.create_async_pool_from_url
        """,
    ),
    "engines": Kind(
        "CEL235",
        IN_TASK.replace("#", "engine = #('postgresql://x')\n    engine.connect()"),
        """
        sqlalchemy.create_engine sqlalchemy.engine_from_config sqlalchemy.engine.create_engine
        sqlalchemy.engine.engine_from_config sqlalchemy.engine.create.create_engine
        sqlalchemy.engine.create.engine_from_config sqlmodel.create_engine sqlmodel.engine_from_config
        """,
    ),
    "objects that are made later": Kind(
        "CEL110",
        "from sqlalchemy.ext.asyncio import create_async_engine\nfrom lazy import #\n"
        "engine = #(lambda: create_async_engine('postgresql+asyncpg://x'))\n"
        + IN_COROUTINE.replace("#", "await use(x)")
        + "async def use(x):\n    async with engine.connect():\n        pass\n",
        "LocalProxy Proxy LazyObject LazyProxy PromiseProxy SimpleLazyObject",
    ),
    "early connections": Kind(
        "CEL215",
        "app = Celery('a')\nconnection = #('x')\n\n\n@app.task\ndef task(x):\n    connection.cursor()\n",
        """
        MySQLdb.connect cx_Oracle.connect mysql.connector.connect oracledb.connect pymssql.connect
        pymysql.connect pyodbc.connect psycopg2.connect imaplib.IMAP4 smtplib.SMTP_SSL
        """,
    ),
    "methods that wait": Kind(
        "CEL515",
        "from shop import store\n\n\n@shared_task(soft_time_limit=50, time_limit=60)\ndef task(rows):\n"
        "    for row in rows:\n        try:\n            store.#(row)\n        except Exception:\n"
        "            print(row)\n",
        """
        bulk_create bulk_update commit download download_file execute executemany fetch fetchall get_object
        get_or_create put_object query refresh_from_db save scalars send_mail send_message update_or_create
        upload upload_file
        """,
    ),
    "clients that are given an address": Kind(
        "CEL110",
        "client = #('x')\n" + IN_COROUTINE.replace("#", "await client.get(x)"),
        """
        aiomysql.create_pool asyncmy.create_pool aio_pika.connect_robust aioredis.StrictRedis
        grpc.aio.secure_channel
        langgraph.checkpoint.postgres.aio.AsyncPostgresSaver
        """,
    ),
    "barriers": Kind(
        "CEL127",
        "lock = #(2)\n"
        + IN_COROUTINE.replace("#", "await asyncio.gather(use(x), use(x))")
        + "\n\nasync def use(x):\n    await lock.wait()\n",
        "asyncio.Barrier asyncio.locks.Barrier asyncio.queues.Barrier",
    ),
    "runners": Kind(
        "CEL110",
        "from sqlalchemy.ext.asyncio import create_async_engine\n"
        "engine = create_async_engine('postgresql+asyncpg://x')\n\n\nasync def work(x):\n"
        "    async with engine.connect() as c:\n        await c.execute(x)\n\n\n@shared_task\ndef task(x):\n"
        "    #(work(x))\n",
        "anyio.run asyncio.run asyncio.runners.run trio.run uvloop.run",
    ),
    "new loops": Kind(
        "CEL129",
        "@shared_task\ndef task(x):\n    loop = #()\n    loop.run_until_complete(work(x))\n\n\n"
        "async def work(x):\n    return x\n",
        "asyncio.events.new_event_loop asyncio.new_event_loop uvloop.Loop uvloop.new_event_loop",
    ),
    "what connects an engine": Kind(
        "CEL235",
        "import sqlalchemy\n\n\n"
        + IN_TASK.replace("#", "engine = sqlalchemy.create_engine('postgresql://x')\n    engine.#()"),
        "begin connect raw_connection run_callable",
    ),
    "what adds to a list": Kind(
        "CEL228",
        "KEPT = []\n\n\n@shared_task\ndef task(x):\n    KEPT.#(x)\n",
        "append extend insert",
    ),
    "what adds to a queue": Kind(
        "CEL228",
        "import collections\nKEPT = collections.deque()\n\n\n@shared_task\ndef task(x):\n    KEPT.#(x)\n",
        "append appendleft",
    ),
    "containers": Kind(
        "CEL228",
        "KEPT = #()\n\n\n@shared_task\ndef task(x):\n    KEPT[x] = x.work()\n",
        "collections.OrderedDict weakref.WeakValueDictionary",
    ),
    "what only makes a thread ready": Kind(
        "CEL224",
        "import threading\n\n\n@shared_task\ndef task(x):\n    thread = threading.Thread(target=x)\n"
        "    thread.#(x)\n    thread.start()\n",
        "setDaemon setName",
    ),
    "pools of engines": Kind(
        "CEL235",
        "import sqlalchemy\nfrom sqlalchemy import #\n\n\n"
        + IN_TASK.replace(
            "#", "engine = sqlalchemy.create_engine('postgresql://x', poolclass=#)\n    engine.connect()"
        ),
        "AsyncAdaptedQueuePool QueuePool",
    ),
    "applications that are there": Kind(
        "CEL511",
        "app = #\napp.conf.task_soft_time_limit = 20\napp.conf.task_time_limit = 10\n\n\n"
        "@app.task\ndef task(x):\n    pass\n",
        """
        celery._state.get_current_app() celery.app.app_or_default() celery.current_app._get_current_object()
        """,
    ),
    "what asks for a key": Kind(
        "CEL527",
        "import redis\nclient = redis.Redis()\n\n\n@shared_task\ndef task(x):\n    if client.#('lock'):\n"
        "        return\n    client.set('lock', 1)\n    x.work()\n",
        "exists get has_key",
    ),
    "what is no option of retry": Kind(
        "CEL421",
        "@shared_task(bind=True)\ndef task(self, x):\n    try:\n        x.work()\n"
        "    except ValueError as error:\n        raise self.retry(exc=error, #=3)\n",
        "delay interval max_attempts retries retry_countdown retry_delay",
    ),
    "what waits for a result": Kind(
        "CEL121",
        "@shared_task\ndef other(x):\n    x.work()\n\n\nasync def view(x):\n    return other.delay(x).#()\n",
        "get join join_native wait",
    ),
    "options with another's name": Kind(
        "CEL310",
        "@shared_task(#=3)\ndef task(x):\n    x.work()\n",
        "autoretry hard_time_limit interval_max task_rate_limit",
    ),
    "what opens a transaction": Kind(
        "CEL623",
        "from shop.models import Order\n\n\n@shared_task\ndef task(x):\n    Order.objects.get(pk=x)\n\n\n"
        "def view(x):\n    with #(using=None):\n        order = Order.objects.create(x=x)\n"
        "        task.delay(order.pk)\n",
        "django.db.transaction.atomic django.db.transaction.Atomic",
    ),
    "managers": Kind(
        "CEL623",
        "from django.db import transaction\nfrom django.contrib.auth.models import User\n\n\n"
        "@shared_task\ndef task(x):\n    User.#.get(pk=x)\n\n\n@transaction.atomic\ndef view(x):\n"
        "    user = User.#.create(x=x)\n    task.delay(user.pk)\n",
        "objects _base_manager _default_manager",
    ),
    "what writes without waiting": Kind(
        "CEL623",
        "from django.db import transaction\nfrom shop.models import Order\n\n\n@shared_task\ndef task(x):\n"
        "    Order.objects.get(pk=x)\n\n\n@transaction.atomic\ndef view(x):\n"
        "    order = Order.objects.#(x=x)\n    task.delay(order.pk)\n",
        """
        abulk_create abulk_update acreate adelete aget_or_create aupdate aupdate_or_create
        """,
    ),
    "what writes related rows without waiting": Kind(
        "CEL623",
        "from django.db import transaction\nfrom shop.models import Order\n\n\n@shared_task\ndef task(x):\n"
        "    Order.objects.get(pk=x)\n\n\n@transaction.atomic\ndef view(x):\n"
        "    order = Order.objects.get(pk=x)\n    order.items.#(x)\n    task.delay(order.pk)\n",
        "aadd aclear aremove aset",
    ),
    "what opens a connection": Kind(
        "CEL215",
        "c = #('x')\n\n\n@shared_task\ndef task(x):\n    c.cursor(x)\n",
        "psycopg.Connection.connect psycopg2.connect",
    ),
}  # fmt: skip


# Here a name keeps a rule silent.
SILENT = {
    "put back": Kind(
        "CEL227",
        "import locale, os, random\nfrom django.utils import timezone, translation\n\n\n@shared_task\n"
        "def task(x):\n    {before}(x)\n    try:\n        x.work()\n    finally:\n        #(x)\n",
        """
        os.chdir/os.chdir os.chdir/os.fchdir random.seed/random.setstate
        translation.activate/translation.deactivate translation.activate/translation.deactivate_all
        timezone.activate/timezone.deactivate
        """,
    ),
    "put back with its second argument": Kind(
        "CEL227",
        "import locale\n\n\n@shared_task\ndef task(x):\n    locale.setlocale(locale.LC_ALL, x)\n    try:\n"
        "        x.work()\n    finally:\n        #(locale.LC_ALL)\n",
        "/locale.resetlocale /locale.setlocale",
    ),
    "arguments of retry": Kind(
        "CEL421",
        "@shared_task(bind=True)\ndef task(self, x):\n    raise self.retry(#=x)\n",
        """
        /add_to_parent /compression /confirm_timeout /correlation_id /countdown /declare
        /delivery_mode /exchange /exchange_type /expiration /expires /group_id /immediate /kwargs
        /link_error /mandatory /max_retries /parent_id /priority /publisher /queue
        /replaced_task_nesting /reply_to /retry_policy /root_id /routing_key /serializer /shadow
        /stamped_headers /throw
        """,
    ),
    "serializers": Kind(
        "CEL328",
        "@shared_task(serializer='#')\ndef task(x):\n    x.work()\n",
        "/msgpack /application/x-msgpack /application/x-python-serialize",
    ),
    "what the encoder is taught": Kind(
        "CEL619",
        "from kombu.utils.json import #\n\n\nclass Order:\n    pass\n\n\n#(Order, 'order', str, str)\n\n\n"
        "@shared_task\ndef task(x):\n    x.work()\n\n\ndef view():\n    task.delay(Order())\n",
        "/register_type",
    ),
    "calls that never fail": Kind(
        "CEL427",
        "import time\n\n\n@shared_task\ndef task(x):\n    try:\n        begun = #()\n"
        "        x.work(begun)\n    except Exception:\n        x.note()\n    return begun\n",
        "/time.perf_counter /time.monotonic /time.time",
    ),
    "compressions": Kind(
        "CEL328",
        "@shared_task(compression='#')\ndef task(x):\n    x.work()\n",
        """
        /brotli /bzip /bzip2 /lzma /xz /zlib /zstandard /application/x-brotli /application/x-bz2
        /application/x-lzma
        """,
    ),
    "a lock that ends": Kind(
        "CEL528",
        "import redis\nclient = redis.Redis()\n\n\n@shared_task\ndef task(x):\n"
        "    if client.set('lock', 1, nx=True, #=60):\n        x.work()\n",
        "/ex /px /exat /pxat",
    ),
    "a lock that gets an end": Kind(
        "CEL528",
        "import redis\nclient = redis.Redis()\n\n\n@shared_task\ndef task(x):\n"
        "    if client.setnx('lock', 1):\n        client.#('lock', 60)\n        x.work()\n",
        "/expire /pexpire /expireat /pexpireat",
    ),
}


def program(kind: Kind, name: str) -> str:
    """A module that imports what the name needs, and uses it."""
    module = name.partition("(")[0].rpartition(".")[0]
    imports = ""
    while module:
        imports += f"import {module}\n"
        module = module.rpartition(".")[0]
    return HEAD + imports + kind.text.replace("#", name)


CASES = [(kind, name) for kind in KINDS for name in KINDS[kind].names.split()]


@pytest.mark.parametrize("kind, name", CASES)
def test_a_name_decides(kind: str, name: str) -> None:
    text = program(KINDS[kind], name)
    report = engine.check_text(None, text, ALL)
    assert not report.unparsed, text
    assert KINDS[kind].code in {found.code for found in report.diagnostics}, text
    # And it is the name that does: without it, or spelled otherwise, the rule is silent.
    other = text.replace(name, f"nobody.{name}" if "." in name else f"{name}z")
    assert KINDS[kind].code not in {found.code for found in engine.check_text(None, other, ALL).diagnostics}


SILENCED = [(kind, name) for kind in SILENT for name in SILENT[kind].names.split()]


@pytest.mark.parametrize("kind, name", SILENCED)
def test_a_name_silences(kind: str, name: str) -> None:
    code, text, _ = SILENT[kind]
    before, _, after = name.partition("/")
    text = HEAD + text.replace("{before}", before)
    found = {d.code for d in engine.check_text(None, text.replace("#", after), ALL).diagnostics}
    assert code not in found
    found = {d.code for d in engine.check_text(None, text.replace("#", f"{after}_"), ALL).diagnostics}
    assert code in found


@pytest.mark.parametrize("name", ["awsathena", "bigquery", "duckdb", "sqlite"])
def test_databases_without_a_server(name: str) -> None:
    """Nobody counts their connections."""
    text = f"import sqlalchemy\n{HEAD}" + IN_TASK.replace(
        "#", "engine = sqlalchemy.create_engine('#://x')\n    engine.connect()"
    )
    found = {d.code for d in engine.check_text(None, text.replace("#", name), ALL).diagnostics}
    assert "CEL235" not in found
    found = {d.code for d in engine.check_text(None, text.replace("#", "oracle"), ALL).diagnostics}
    assert "CEL235" in found


@pytest.mark.parametrize("library", ["eventlet", "gevent"])
def test_timeouts_of_green_threads(library: str) -> None:
    text = f"import requests, {library}\n{HEAD}" + IN_TASK.replace(
        "#", f"with {library}.Timeout(5):\n        requests.get(x)"
    )
    assert "CEL526" not in {d.code for d in engine.check_text(None, text, ALL).diagnostics}
    other = text.replace(".Timeout", ".Other")
    assert "CEL526" in {d.code for d in engine.check_text(None, other, ALL).diagnostics}


ENDING = """
aiogram.Bot().send aiohttp.request anthropic.Anthropic().create anyio.run asgiref.sync.Other().run
asyncio.Queue().get azure.storage.Client().get boto3.client().send botocore.client().send
elasticsearch.Elasticsearch().get github.Github().get google.cloud.storage.Client().get
google.cloud.vision.Client().detect openai.OpenAI().create opensearchpy.OpenSearch().get
os.popen().close slack_sdk.WebClient().send socket.gethostname socket.create_connection().recv
sqlite3.connect ssl.wrap().read stripe.Client().create telegram.Bot().send time.sleep urllib3.disable_warnings
websockets.connect().recv
"""
STATEMENTS = """
MySQLdb.connect().query django.core.management.call_command django.db.connection.cursor().execute
psycopg.connect().execute psycopg2.connect().cursor().execute pymongo.MongoClient().find
pymysql.connect().query redis.Redis().get sqlalchemy.create_engine().connect
"""
GETTING_READY = """
django.core.mail.EmailMessage().attach django.core.mail.EmailMessage().attach_alternative
paramiko.SSHClient().set_missing_host_key_policy paramiko.SSHClient().close flask_mail.Mail().init_app
"""


@pytest.mark.parametrize("name", [*ENDING.split(), *STATEMENTS.split(), *GETTING_READY.split()])
def test_what_is_no_reason_for_a_time_limit(name: str) -> None:
    """Where another client is asked for the same it may take forever."""
    kind = Kind("", "app = Celery('a')\n" + IN_TASK.replace("#", f"{name}(x)"), "")
    found = {d.code for d in engine.check_text(None, program(kind, name), ALL).diagnostics}
    assert "CEL510" not in found
    other = "import zeep\n" + program(kind, name).replace(f"{name}(x)", "zeep.Client().call(x)")
    assert "CEL510" in {d.code for d in engine.check_text(None, other, ALL).diagnostics}


@pytest.mark.parametrize("name", ["from_envvar", "from_file", "from_prefixed_env", "from_pyfile"])
def test_what_reads_settings_from_a_file(name: str) -> None:
    """Then a setting that is off in the code may be on where the project is installed."""
    text = (
        f"import requests\nfrom flask import config\n{HEAD}MAILED = False\nconfig.#('X')\n\n\n@shared_task\n"
        "def task(x):\n    if config['MAILED']:\n        requests.get(x)\n"
    )
    codes = {found.code for found in engine.check_text(None, text.replace("#", name), ALL).diagnostics}
    assert "CEL526" in codes
    codes = {found.code for found in engine.check_text(None, text.replace("#", "show"), ALL).diagnostics}
    assert "CEL526" not in codes


@pytest.mark.parametrize(
    "annotations, silent",
    [
        ("{'*': {'max_retries': 3}}", True),
        ("{'shop.task': {'max_retries': 3}}", True),
        ("{'shop.other': {'max_retries': 3}}", False),
        ("{'*': {'rate_limit': 3}}", False),
        ("{'shop.task': {'rate_limit': 3}}", False),
        ("{'*': {'rate_limit': 3, **x}}", True),
        ("{'*': x}", True),
        ("{**x}", True),
        ("x", True),
    ],
)
def test_annotations_of_tasks(annotations: str, silent: bool) -> None:
    """What `task_annotations` says of all tasks or of this one decides, and nothing else."""
    text = (
        f"{HEAD}app = Celery('a')\napp.conf.task_annotations = {annotations}\n\n\n"
        "@app.task(name='shop.task', bind=True, max_retries=None)\ndef task(self, x):\n"
        "    if self.request.retries < self.max_retries:\n        x.work()\n"
    )
    codes = {found.code for found in engine.check_text(None, text, ALL).diagnostics}
    assert ("CEL419" not in codes) is silent, codes


@pytest.mark.parametrize(
    "line, decides",
    [
        ("if got: x.work()", True),
        ("while not got: x.work()", True),
        ("return got", True),
        ("assert got", True),
        ("x.note(got)", False),
    ],
)
def test_what_decides_by_a_lock(line: str, decides: bool) -> None:
    text = (
        f"import redis\n{HEAD}client = redis.Redis()\n\n\n@shared_task\ndef task(x):\n"
        f"    got = client.set('lock', 1, nx=True)\n    {line}\n"
    )
    codes = {found.code for found in engine.check_text(None, text, ALL).diagnostics}
    assert ("CEL528" in codes) is decides, codes


@pytest.mark.parametrize(
    "line, decides",
    [
        ("assert client.set('lock', 1, nx=True)", True),
        ("x.note(client.set('lock', 1, nx=True))", False),
    ],
)
def test_what_decides_by_a_lock_at_once(line: str, decides: bool) -> None:
    head = f"import redis\n{HEAD}client = redis.Redis()\n"
    text = f"{head}\n\n@shared_task\ndef task(x):\n    {line}\n    x.work()\n"
    codes = {found.code for found in engine.check_text(None, text, ALL).diagnostics}
    assert ("CEL528" in codes) is decides, codes


@pytest.mark.parametrize("letter", "AIOPQSXbcflns")
def test_short_options_of_workers(letter: str) -> None:
    """Each takes the next word for its value, so that this is no argument, which a worker does not take."""
    command = f"celery worker -{letter} value -P gevent\n"
    found = worker_commands("Procfile", f"w: {command}".encode())
    assert [worker.pool for worker in found] == ["gevent"]
    other = command.replace(f"-{letter} value", "-z value")
    assert worker_commands("Procfile", f"w: {other}".encode()) == []


SPEAKERS = "awk cat cp echo egrep grep kill killall mv pgrep pip pkill printf ps rm sed"


@pytest.mark.parametrize("speaker", SPEAKERS.split())
def test_programs_that_speak_of_workers(speaker: str) -> None:
    assert worker_commands("run.sh", f"{speaker} celery worker -P gevent\n".encode()) == []
    assert worker_commands("run.sh", f"{speaker}_ celery worker -P gevent\n".encode()) != []


OLD_NAMES = """
enable_utc result_accept_content result_cache_max result_expires task_compression task_eager_propagates
task_protocol task_publish_retry task_publish_retry_policy task_send_sent_event worker_direct
worker_disable_rate_limits worker_enable_remote_control worker_lost_wait worker_redirect_stdouts
worker_redirect_stdouts_level worker_send_task_events
"""


@pytest.mark.parametrize("name", OLD_NAMES.split())
def test_older_names_of_settings(name: str) -> None:
    """They are those by which Celery itself knows the setting."""
    assert old_name(name) == defaults._TO_OLD_KEY[name]


@pytest.mark.parametrize(
    "prefix, rest",
    [("task_", "acks_late"), ("worker_", "concurrency"), ("beat_", "schedule"), ("broker_", "url")],
)
def test_older_prefixes_of_settings(prefix: str, rest: str) -> None:
    assert old_name(prefix + rest) == defaults._TO_OLD_KEY[prefix + rest]


def test_options_of_messages_are_those_of_celery_and_kombu() -> None:
    """What the installed ones take, and no name besides: the rest is another's."""
    taking = (Task.apply_async, Celery.send_task, AMQP.as_task_v2, Task.retry, Producer.publish)
    taken = {name for function in taking for name in inspect.signature(function).parameters}
    properties = {name for name, _ in Message.PROPERTIES}
    inner = {"self", "options", "properties", "callbacks", "errbacks", "create_sent_event"}
    assert taken - inner <= MESSAGE_OPTIONS | RETRY_OPTIONS
    assert {name for name in MESSAGE_PROPERTIES if name.islower()} - {"ordering_key"} <= properties
    assert properties <= MESSAGE_OPTIONS | MESSAGE_PROPERTIES
    assert MESSAGE_OPTIONS - taken == {"correlation_id", "exchange_type", "queue"}


def test_options_of_chords_are_those_that_their_run_takes() -> None:
    own = {"self", "header", "body", "partial_args", "task_id", "kwargs", "header_delay", "options"}
    assert {*inspect.signature(_chord.run).parameters} - own == CHORD_OPTIONS


def test_backends_that_encode_are_those_of_celery_and_one_of_django() -> None:
    assert {*BACKEND_ALIASES} - {"disabled"} == ENCODING_BACKENDS - {"django-db"}


def test_options_of_tasks_are_those_of_celery() -> None:
    """Attributes of its tasks, parameters of what makes them, and what retries automatically asks for."""
    made = inspect.signature(Celery._task_from_fun).parameters
    retried = re.findall(r"options.get\(\s*'(\w+)'", inspect.getsource(autoretry))
    assert {*retried} <= TASK_OPTIONS
    assert {*dir(Task), *made, *retried} >= TASK_OPTIONS


# ------------------------------------------------------------------------------------ every name

#: What says nothing about a program: names of files and folders have tests of their own in `tests/files`.
# The table of settings is held against Celery itself.
SETTINGS = ("libraries.celery_settings", "inventory.application.spelling")
ELSEWHERE = (
    *SETTINGS,
    "digests",
    "files.",
    "import_path",
    "model.",
    "options",
    "paths",
    "rule",
    "selection",
    "source",
)
DEBTS = Path(__file__).parent / "names_without_a_test.txt"


def _mentions() -> list[frozenset[str]]:
    """The words of each fixture and of each test, but for the programs that are generated."""
    tests = Path(__file__).parent
    files = [path for path in (tests.parent / "fixtures").rglob("*") if path.is_file()]
    files += [
        path for path in tests.rglob("*.py") if path.parent.name not in ("proofs", "robustness", "runtime")
    ]
    return [frozenset(re.findall(r"\w+", path.read_text("utf-8", "replace"))) for path in files]


def missing() -> set[str]:
    """The names in lists that no fixture and no test mentions together with the library that they are of."""
    mentions = _mentions()
    everywhere = frozenset[str]().union(*mentions)
    found = set()
    for collection in asked_names.collections():
        module = collection.module.removeprefix("celery_lint.")
        if module.startswith(ELSEWHERE):
            continue
        for value in collection.values:
            words = re.findall(r"\w+", value)
            needed = {words[-1], words[0]} if "." in value.strip(".") else {*words[-1:]}
            needed.discard("builtins")
            if not needed <= everywhere or not any(needed <= words_ for words_ in mentions):
                found.add(".".join(words))
    return found


def test_every_name_has_a_test() -> None:
    """A name that is new in a list brings a fixture. Those that had none stand in a file."""
    debts, without = set(DEBTS.read_text(encoding="utf-8").splitlines()), missing()
    assert sorted(without - debts) == [], "no fixture and no test mentions these"
    assert sorted(debts - without) == [], f"these have one: take them out of {DEBTS.name}"
