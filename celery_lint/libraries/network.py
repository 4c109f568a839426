"""What opens connections and waits for the other side, by dotted path.

The clients of HTTP, mail, files and databases that have no event loop.
"""

from __future__ import annotations

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
