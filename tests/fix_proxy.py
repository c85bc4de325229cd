"""A proxy before a real PostgreSQL server that breaks the conversation where a test says."""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SO_ATTACH_FILTER = 26
_PATIENCE_SECONDS = 20.0
_READY = b"Z\x00\x00\x00\x05"  # the beginning of ReadyForQuery, before the state of the transaction


@dataclass(frozen=True, slots=True)
class Message:
    """What a client sent: its type (`Q` query, `P` parse, `d` data of a COPY; empty for the first), all its bytes."""

    kind: bytes
    raw: bytes


@dataclass(slots=True)
class Proxy:
    """Sees the client's messages on all connections, and does to the first unlucky one what it is told.

    Attributes:
        url: connection string of the way through the proxy.
        unlucky: says whether a message is the one, the last of `seen`; None lets all through.
        fate: what becomes of it: `half` (a half of it arrives), `deaf` (it is answered, and the answer is lost) or
            `frozen` (from then on the network swallows all packets).
        seen: the messages that came.
        broken: set when it has happened; all later connections are refused.
        answered: set when the server has answered a `deaf` client.
        thawed: set to let go of a `frozen` connection.
    """

    url: str
    unlucky: Callable[[Message], bool] | None = None
    fate: str = "half"
    seen: list[Message] = field(default_factory=list)
    broken: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    thawed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, unlucky: Callable[[Message], bool] | None, fate: str = "half") -> None:
        """Forget what was seen, and let connections through again."""
        self.unlucky, self.fate = unlucky, fate
        self.seen.clear()
        for event in (self.broken, self.answered, self.thawed):
            event.clear()

    def strikes(self, message: Message) -> bool:
        """Note a message, and say whether it is the one."""
        with self.lock:
            self.seen.append(message)
            if self.broken.is_set() or self.unlucky is None or not self.unlucky(message):
                return False
            self.broken.set()
            return True


@contextmanager
def proxy(server_url: str) -> Iterator[Proxy]:
    """A proxy on a port of 127.0.0.1 before the server of a connection string."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = make_conninfo(
            server_url, host="127.0.0.1", port=listener.getsockname()[1], sslmode="disable", gssencmode="disable"
        )
        state = Proxy(url)
        threading.Thread(target=_accept, args=(listener, state, server_url), daemon=True).start()
        yield state
        state.thawed.set()
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, state: Proxy, server_url: str) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            if state.broken.is_set():
                client.close()
                continue
            server = _connect(server_url)
            for side in (client, server):
                if side.family != socket.AF_UNIX:  # messages are small, and each waits for an answer
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for forward in (_forward_messages, _forward_answers):
                threading.Thread(target=forward, args=(state, client, server), daemon=True).start()


def _connect(server_url: str) -> socket.socket:
    parameters = conninfo_to_dict(server_url)
    host, port = str(parameters.get("host", "")), int(parameters.get("port") or 5432)
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


def _forward_messages(state: Proxy, client: socket.socket, server: socket.socket) -> None:
    """From client to server, message by message; the end of either is the end of both."""
    with client, server:
        with suppress(OSError, EOFError):
            message = Message(b"", _read_body(client, b""))
            while not state.strikes(message):
                server.sendall(message.raw)
                kind = _read(client, 1)
                message = Message(kind, _read_body(client, kind))
            _break(state, message, client, server)
        for side in (client, server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


def _forward_answers(state: Proxy, client: socket.socket, server: socket.socket) -> None:
    end = b""
    with suppress(OSError):
        while data := server.recv(65536):
            end = (end + data)[-6:]
            if not (state.broken.is_set() and state.fate in ("deaf", "frozen")):
                client.sendall(data)
            elif end[:-1] == _READY or data[:1] in (b"G", b"R"):  # done; or waiting for data, or for a password
                state.answered.set()
        client.shutdown(socket.SHUT_RDWR)


def _break(state: Proxy, message: Message, client: socket.socket, server: socket.socket) -> None:
    if state.fate == "frozen":
        _swallow_packets(client)
        state.thawed.wait(_PATIENCE_SECONDS)
        return
    server.sendall(message.raw[: len(message.raw) // 2] if state.fate == "half" else message.raw)
    if state.fate == "deaf" and message.kind != b"d":  # nobody answers data
        state.answered.wait(_PATIENCE_SECONDS)


def _swallow_packets(connection: socket.socket) -> None:
    """A filter in the kernel that accepts no packet: nothing is read, nothing acknowledged, as behind a dead router."""
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET | BPF_K, 0 bytes
    program = struct.pack("HP", 1, ctypes.addressof(instruction))
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _read_body(connection: socket.socket, start: bytes) -> bytes:
    """The rest of a message, whose first four bytes are the length of all but its type; with its type."""
    length = _read(connection, 4)
    return start + length + _read(connection, int.from_bytes(length) - 4)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
