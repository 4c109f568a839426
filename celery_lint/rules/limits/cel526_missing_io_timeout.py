"""CEL526 missing-io-timeout."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.io_timeouts import EndlessWait, IoTimeouts
from celery_lint.libraries.network import READS_FEEDS
from celery_lint.rule import Cause, Finding, Rule, on


class MissingIoTimeout(Rule):
    """A network call that a task makes has no timeout.

    ## Why it matters

    `requests`, `urlopen`, `smtplib` and others wait for an answer as long as it takes. A peer that accepts
    the connection and then says nothing keeps the task, and the slot of the worker that runs it. A time limit
    ends that much later, and the whole task with it; a timeout ends the call, and the task can try again.

    ## Example

    ```python
    import requests
    from celery import shared_task


    @shared_task(soft_time_limit=840, time_limit=900)
    def fetch(url):
        return requests.get(url).text
    ```

    ## Use instead

    ```python
    import requests
    from celery import shared_task


    @shared_task(soft_time_limit=840, time_limit=900)
    def fetch(url):
        return requests.get(url, timeout=(5, 30)).text
    ```

    ## Limits

    Looks into tasks that somebody may send and the functions that they call, in threads too that they wait
    for (`executor.map`, `submit` in a `with`, `asyncio.to_thread`). It knows `requests` and its sessions,
    `urlopen`, `smtplib`, `ftplib`, `imaplib`, `poplib`, `http.client`, `httplib2`, `urllib3`,
    `pywebpush.webpush` and `socket.create_connection`, and `httpx` where it is told `timeout=None`. Mails of
    Django (`send_mail`, `EmailMessage` and their like) count where the settings name another machine as
    `EMAIL_HOST`, no backend but that of SMTP sends them, no time limit ends the task and nothing sets
    `EMAIL_TIMEOUT`; they are told once. So are the clients of Twilio, SendGrid and Gemini (`google.genai`),
    where no time limit ends the task and nothing gives them a timeout. `feedparser.parse` counts where it is
    given an address by name or text. What asks by one session of `requests` is told once, too: an
    adapter mends it all. So is what one statement asks, and what asks one peer from one function or from the
    methods of one class: the same host or variable, also where only the beginning of the address is known
    (`f"{self.base}/{key}"`), or an address by one method of one object (`shop.url("orders")`), unless that
    picks it by what it is given (`return self.urls[name]`).
    It looks three calls deep, from a task or from the coroutine in which a task does its work, and follows
    constants: `send("mail")` never comes to what `send` does `if channel == Channel.PUSH`.
    Clients with a default of their own (`httpx`, `aiohttp`, `boto3`, `stripe`, `firebase_admin`) are fine,
    and drivers of databases are left alone. Silent where a `**mapping` may hold the timeout, where the
    session has an adapter or a method of the project's own, where the code itself names this machine as the
    peer, and inside an alarm or a `with` block whose name speaks of a timeout, and where a time limit of at
    most two minutes, soft or hard, is sure to end all tasks that come to the call, in pools that enforce it.
    `socket.setdefaulttimeout` is enough for the standard library, but `requests` does not ask for it.

    ## References

    * <https://requests.readthedocs.io/en/latest/user/advanced/#timeouts>
    * <https://docs.djangoproject.com/en/stable/ref/settings/#email-timeout>
    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html>
    """

    code = "CEL526"
    name = "missing-io-timeout"
    severity = "warning"
    preset = "recommended"
    fixable = "unsafe"
    message = "`{call}` has no timeout: task `{task}` hangs if the peer never answers"
    help = "give it a `timeout`, such as `timeout=10` (seconds)"
    variants = {
        "off": (
            "`{call}` waits forever: task `{task}` hangs if the peer never answers",
            "write a number of seconds, such as `timeout=10`, instead of `None`",
        ),
        "limited": (
            "`{call}` has no timeout: a silent peer blocks task `{task}` for {limit} s",
            "give it a `timeout`, such as `timeout=10` (seconds)",
        ),
        "session": (
            "`{call}` has no timeout: task `{task}` hangs if the peer never answers",
            "mount an adapter with a timeout on the session, or give each request `timeout=10` (seconds)",
        ),
        "session limited": (
            "`{call}` has no timeout: a silent peer blocks task `{task}` for {limit} s",
            "mount an adapter with a timeout on the session, or give each request `timeout=10` (seconds)",
        ),
        "mail": (
            "`{call}` has no timeout: task `{task}` hangs if the mail server never answers",
            "set `EMAIL_TIMEOUT = 10` (seconds) in the settings of Django: it has none by default",
        ),
        "twilio": (
            "`{call}` has no timeout: task `{task}` hangs if the peer never answers",
            "make the client with `http_client=TwilioHttpClient(timeout=10)` (seconds)",
        ),
        "sendgrid": (
            "`{call}` has no timeout: task `{task}` hangs if the peer never answers",
            "give the `SendGridAPIClient` one: `client.client.timeout = 10` (seconds)",
        ),
        "genai": (
            "`{call}` has no timeout: task `{task}` hangs if the peer never answers",
            "make the client with `http_options=types.HttpOptions(timeout=60_000)` (milliseconds)",
        ),
        "feed": (
            "`{call}` has no timeout: task `{task}` hangs if the peer never answers",
            "parse what `httpx.get(url, timeout=10).content` gives, or call `socket.setdefaulttimeout(10)`",
        ),
        "feed limited": (
            "`{call}` has no timeout: a silent peer blocks task `{task}` for {limit} s",
            "parse what `httpx.get(url, timeout=10).content` gives, or call `socket.setdefaulttimeout(10)`",
        ),
        "off limited": (
            "`{call}` waits as long as its peer: only its limit of {limit} s ends task `{task}`",
            "write a number of seconds, such as `timeout=10`, instead of `None`",
        ),
    }
    proof = "tests/proofs/test_deliveries.py::test_a_silent_peer_keeps_the_process"

    @on(IoTimeouts.endless)
    def check(self, wait: EndlessWait) -> Iterator[Finding]:
        """Report the call itself."""
        values = {"call": wait.name, "task": wait.site.tasks[0].label}
        variant, fix = ("off", None) if wait.off else ("session" if wait.session else "", ("timeout=10",))
        if wait.name == READS_FEEDS:
            variant, fix = "feed", None
        if wait.limit is not None:
            variant, values["limit"] = f"{variant} limited".strip(), f"{wait.limit:g}"
        related = wait.site.related()
        if wait.client:
            variant, fix = wait.client, None
        if wait.session is not None:
            related = (*related, (wait.session, "the session is made here"))
        if wait.server is not None:
            related = (*related, (wait.server, "this is the server of all mails"))
        cause = Cause(wait.cause) if wait.cause is not None else None
        yield Finding(wait.place, values, related, variant, fix, cause)
