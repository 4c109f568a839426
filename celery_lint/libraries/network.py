"""What opens connections and waits for the other side, by dotted path.

The clients of HTTP, mail, files and databases that have no event loop, and what listens until it is stopped.
"""

from __future__ import annotations

#: How a machine calls itself.
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
HTTP_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
#: The sessions of requests, which know no timeout of their own.
REQUESTS_SESSIONS = (
    "requests.Session()",
    "requests.session()",
    "requests.sessions.Session()",
    "requests.sessions.session()",
    "requests_oauthlib.OAuth1Session()",
    "requests_oauthlib.OAuth2Session()",
)
#: What makes a request by requests and hands on its ``timeout``, with the place of that parameter.
REQUEST_WRAPPERS = {"pywebpush.webpush": 6}
#: Calls that open a socket, with the place of their parameter ``timeout``, counted from 0. Without one they
#: fall back on the default of the socket module.
SOCKETS = {
    "urllib.request.urlopen": 2,
    "smtplib.SMTP": 3,
    "smtplib.SMTP_SSL": 3,
    "ftplib.FTP": 4,
    "ftplib.FTP_TLS": 4,
    "imaplib.IMAP4": 2,
    "imaplib.IMAP4_SSL": 2,
    "poplib.POP3": 2,
    "poplib.POP3_SSL": 2,
    "telnetlib.Telnet": 2,
    "http.client.HTTPConnection": 2,
    "http.client.HTTPSConnection": 2,
    "socket.create_connection": 1,
    "httplib2.Http": 1,
}
#: Clients of services that give their requests no timeout unless they are told one: what is called by these
#: names asks the service, with one of these methods at the end.
UNTIMED_SERVICES = ("twilio.rest.Client().", "sendgrid.SendGridAPIClient().", "google.genai.Client().")
ASKING_SERVICES = frozenset(
    {"create", "delete", "fetch", "get", "list", "patch", "post", "put", "send", "update"}
    | {"embed_content", "generate_content", "generate_images"}
)
#: What a client of Gemini, or one of its requests, gets that may have a timeout.
GENAI_OPTIONS = "http_options"
#: What a client of Twilio gets that may have a timeout, and what makes it.
TWILIO_BY_HAND = ("TwilioHttpClient", "http_client")
#: The pools of urllib3, whose requests take a timeout by keyword, or else that of the pool, or of sockets.
POOLS = ("urllib3.PoolManager", "urllib3.ProxyManager")
SOCKETS.update({f"{pool}().{verb}": 99 for pool in POOLS for verb in ("request", "urlopen")})
SOCKETS["urllib3.request"] = 99
#: Reads an address, a file or a text: the first by urllib, and has no parameter for a timeout (feedparser 6).
READS_FEEDS = "feedparser.parse"
SOCKETS[READS_FEEDS] = 99
#: Those of them that connect only when told to where they get no address.
CONNECTING_LATER = frozenset({"smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP"})
#: Drivers of databases, whose ``connect`` opens a connection and gives it back.
DATABASE_DRIVERS = (
    "psycopg",
    "psycopg.Connection",
    "psycopg2",
    "pymysql",
    "MySQLdb",
    "mysql.connector",
    "pyodbc",
    "oracledb",
    "cx_Oracle",
    "pymssql",
)
#: Calls that open a connection at once and give it back.
CONNECTS = (
    frozenset(f"{driver}.connect" for driver in DATABASE_DRIVERS)
    | CONNECTING_LATER
    | {"pika.BlockingConnection", "socket.create_connection", "imaplib.IMAP4", "imaplib.IMAP4_SSL"}
)
#: Calls that hold up their thread, wherever they are made.
BLOCKING = frozenset(
    [
        "time.sleep",
        "os.system",
        "urllib.request.urlopen",
        *(f"{library}.{verb}" for library in ("requests", "httpx") for verb in HTTP_VERBS),
        *(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output")),
    ]
)
#: What waits for the network, a database, another program or time begins with one of these.
WAITING = (
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
#: What comes to an end without being told: by a timeout of the library, or since it asks nobody.
ENDING_BY_THEMSELVES = (
    "aiogram.",
    "aiohttp.",
    "anthropic.",
    "asgiref.",
    "asyncio.",
    "anyio.",
    "azure.storage.",
    "boto3.",
    "botocore.",
    "elasticsearch.",
    "github.",
    "google.cloud.",  # the methods of its clients have 60 to 600 seconds
    "openai.",
    "opensearchpy.",
    "os.",
    "slack_sdk.",
    "socket.create_connection()",
    "socket.get",
    "sqlite3.",
    "ssl.",
    "stripe.",
    "subprocess.",  # but for PROCESSES: what they give back is there already
    "telegram.",
    "time.sleep",
    "urllib3.disable_warnings",
    "websockets.",
)
#: What asks a database, which hangs where a row is locked or the connection is lost, and seldom else; and
#: commands of Django, which nobody can see into.
STATEMENTS = (
    "django.db.",
    "django.core.management.",
    "MySQLdb.",
    "psycopg.",
    "psycopg2.",
    "pymongo.",
    "pymysql.",
    "redis.",
    "sqlalchemy.",
)
#: Other programs, for which nothing waits less than they take.
PROCESSES = frozenset(
    [
        f"subprocess.{name}"
        for name in ("run", "call", "check_call", "check_output", "getoutput", "getstatusoutput")
    ]
    + [f"subprocess.Popen().{name}" for name in ("communicate", "wait", "stdout.read", "stdout.readlines")]
    + ["os.system", "os.popen().read"]
)
#: What waits for another service, of libraries of whose others only the methods of what they make do.
WAITING_FUNCTIONS = frozenset(
    ["pika.BlockingConnection"]
    + [f"django.core.mail.{name}" for name in ("mail_admins", "mail_managers", "send_mail", "send_mass_mail")]
)
#: What makes a client or message whose methods wait for another service, and have no timeout of their own.
SERVICES = (
    "django.core.mail.EmailMessage",
    "django.core.mail.EmailMultiAlternatives",
    "docker.from_env",
    "docker.DockerClient",
    "flask_mail.Mail",
    "paramiko.SSHClient",
    "sendgrid.SendGridAPIClient",
    "twilio.rest.Client",
    "zeep.Client",
)
#: Asynchronous calls that ask a server on the internet, and wait much longer than for a database beside them.
FAR = ("aiohttp.", "anthropic.", "httpx.", "openai.")
#: What of a socket waits as long as its peer is silent. To connect ends by itself, after two minutes.
SOCKET_WAITS = frozenset({"accept", "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg"})
#: The backends of Django that send a mail nowhere: it is printed, kept, written to a file or forgotten.
MAILS_THAT_STAY = frozenset(
    f"django.core.mail.backends.{name}.EmailBackend" for name in ("console", "dummy", "filebased", "locmem")
)
#: What of a mail waits for its server: the rest only writes it.
MAIL_SENDING = frozenset({"connect", "open", "send", "send_message", "send_messages"})
#: What docker waits for as long as it takes; all else has a minute.
DOCKER_WAITS = frozenset({"build", "pull", "run", "wait"})
#: Parts of chains that do the same, whatever they stand on: the managers of Django, the session of Flask.
WAITING_PARTS = (".objects.", ".session.query", ".session.execute", ".session.commit", "db.session")
#: Methods that wait on whatever they are called: of sessions, cursors, models, clients and files elsewhere.
WAITING_METHODS = frozenset(
    {
        "bulk_create",
        "bulk_update",
        "commit",
        "download",
        "download_file",
        "execute",
        "executemany",
        "fetch",
        "fetchall",
        "fetchone",
        "flush",
        "get_object",
        "get_or_create",
        "post",
        "put_object",
        "query",
        "refresh_from_db",
        "request",
        "save",
        "scalar",
        "scalars",
        "send_mail",
        "send_message",
        "update_or_create",
        "upload",
        "upload_file",
    }
)

#: What gives messages as long as the connection lasts: how the dotted path begins, and how it ends.
SUBSCRIPTIONS: dict[str, str] = {
    "aio_pika.": ".iterator()",
    "aiokafka.AIOKafkaConsumer()": "",
    "aiomqtt.Client()": ".messages",
    "motor.motor_asyncio.AsyncIOMotorClient()": ".watch()",
    "nats.connect()": ".messages",
    "psycopg.AsyncConnection.connect()": ".notifies()",
    "pymongo.AsyncMongoClient()": ".watch()",
    "watchfiles.awatch()": "",
    "websockets.connect()": "",
    "websockets.asyncio.client.connect()": "",
}
#: The same by a name that says it, whatever has it.
LISTENING = frozenset({"listen"})
#: Methods of servers and clients that come back when these are closed.
SERVING = frozenset(
    {"run_forever", "run_until_disconnected", "serve_forever", "start_polling", "wait_for_termination"}
)
#: How an event is asked whether it has happened, and what makes it happen or undoes it.
ASKING_EVENTS = ".is_set()"
TURNING_EVENTS = ("set", "clear")
