"""A wire to a server that can be cut: connections end, and nobody is let in until it is mended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_PORTS = {"postgresql": 5432, "mysql": 3306, "redis": 6379}


class Wire:
    """A port of this machine that leads to a server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @classmethod
    @contextmanager
    def to(cls, url: str) -> Iterator[Wire]:
        """A wire to the server of a URL."""
        address = urlsplit(url)
        wire = cls(address.hostname or "127.0.0.1", address.port or _PORTS[address.scheme])
        try:
            yield wire
        finally:
            wire._listener.close()
            wire.cut()

    def through(self, url: str) -> str:
        """The URL by way of this wire."""
        address = urlsplit(url)
        user, at, _ = address.netloc.rpartition("@")
        return urlunsplit(address._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    def cut(self) -> None:
        """End all connections and let no new one in."""
        with self._lock:
            self._is_cut = True
            ended, self._open = self._open, set()
        for end in ended:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def mend(self) -> None:
        """Let connections in again."""
        self._is_cut = False

    def _accept(self) -> None:
        with suppress(OSError):  # until the listener is closed
            while True:
                client, _ = self._listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        if self._is_cut:
            client.close()
            return
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        with self._lock:
            self._open |= {client, server}
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}
        source.close()
