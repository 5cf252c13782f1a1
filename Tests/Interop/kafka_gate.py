"""A gate in front of the test broker, which speaks neither TLS nor SASL/PLAIN.

To a client it is a broker: it ends TLS, with or without client certificates, and does SASL as brokers
do (PLAIN and SCRAM, the tokens within SaslAuthenticate or, as before Kafka 1.0, bare). Behind that,
bytes pass as they are, on request later than they came. The broker has to advertise the gate's
address. It also answers ApiVersions in the broker's place, in the form that clients of any age read.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import ssl
import struct
import threading

from kafka import free_port

SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 17, 18, 36
UNSUPPORTED_MECHANISM, ILLEGAL_STATE, UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 33, 34, 35, 58
MAXIMUM_FRAME = 128 << 20


class Refused(Exception):
    """A client is sent away; the argument is what it is told."""


def string(value):
    """Kafka's STRING."""
    return struct.pack(">h", len(value)) + value.encode()


class Scram:
    """The server's side of SCRAM (RFC 5802) for one exchange."""

    iterations = 4096

    def __init__(self, algorithm, users):
        self.algorithm, self.users = algorithm, users
        self.user = self.client_first = self.server_first = self.nonce = None
        self.salt = os.urandom(16)
        self.done = False

    def _mac(self, key, message):
        return hmac.new(key, message, self.algorithm).digest()

    def take(self, token):
        """The answer to a client's token."""
        if self.server_first is None:
            header, first, self.client_first = token.decode().split(",", 2)
            if header not in ("n", "y") or first:
                raise Refused("Authentication failed: channel binding is not supported")
            fields = dict(part.split("=", 1) for part in self.client_first.split(","))
            self.user = fields["n"].replace("=2C", ",").replace("=3D", "=")
            self.nonce = fields["r"] + base64.b64encode(os.urandom(18)).decode()
            salt = base64.b64encode(self.salt).decode()
            self.server_first = f"r={self.nonce},s={salt},i={self.iterations}"
            return self.server_first.encode()
        without_proof, _, proof = token.decode().rpartition(",p=")
        fields = dict(part.split("=", 1) for part in without_proof.split(","))
        password = self.users.get(self.user)
        if password is None or not fields["r"].endswith(self.nonce):
            raise Refused("Authentication failed during authentication due to invalid credentials "
                          "with SASL mechanism SCRAM")
        salted = hashlib.pbkdf2_hmac(self.algorithm, password.encode(), self.salt, self.iterations)
        client_key = self._mac(salted, b"Client Key")
        signed = f"{self.client_first},{self.server_first},{without_proof}".encode()
        signature = self._mac(hashlib.new(self.algorithm, client_key).digest(), signed)
        expected = bytes(left ^ right for left, right in zip(client_key, signature))
        if not hmac.compare_digest(expected, base64.b64decode(proof)):
            raise Refused("Authentication failed during authentication due to invalid credentials "
                          "with SASL mechanism SCRAM")
        self.done = True
        return b"v=" + base64.b64encode(self._mac(self._mac(salted, b"Server Key"), signed))


class Plain:
    """The server's side of SASL/PLAIN."""

    def __init__(self, users):
        self.users = users
        self.done = False

    def take(self, token):
        """The answer to a client's token."""
        parts = token.split(b"\0")
        if len(parts) != 3 or self.users.get(parts[1].decode()) != parts[2].decode():
            raise Refused("Authentication failed: Invalid username or password")
        self.done = True
        return b""


class Wire:
    """A client's connection, within TLS or not.

    asyncio's own TLS hangs up without a word where a broker sends an alert that tells the client why.
    """

    def __init__(self, reader, writer, context):
        self.reader, self.writer = reader, writer
        self.tls = None
        if context:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
            self.plain = b""

    async def _more(self):
        data = await self.reader.read(1 << 18)
        if not data:
            raise EOFError
        self.incoming.write(data)

    async def handshake(self):
        """Do TLS's handshake, if there is one."""
        while self.tls:
            try:
                self.tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                self.writer.write(self.outgoing.read())
                await self.writer.drain()
            await self._more()

    async def read(self):
        """What has come; empty at the end."""
        if not self.tls:
            return await self.reader.read(1 << 18)
        if self.plain:
            data, self.plain = self.plain, b""
            return data
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                if data := self.tls.read(1 << 18):
                    return data
                return b""
            await self._more()

    async def readexactly(self, count):
        """So many bytes."""
        if not self.tls:
            return await self.reader.readexactly(count)
        while len(self.plain) < count:
            ahead, self.plain = self.plain, b""
            data = await self.read()
            if not data:
                raise EOFError
            self.plain = ahead + data
        data, self.plain = self.plain[:count], self.plain[count:]
        return data

    def write(self, data):
        """Send bytes."""
        if self.tls:
            self.tls.write(data)
            data = self.outgoing.read()
        self.writer.write(data)

    async def drain(self):
        """Wait until there is room for more."""
        await self.writer.drain()


MECHANISMS = {"PLAIN": Plain, "SCRAM-SHA-256": lambda users: Scram("sha256", users),
              "SCRAM-SHA-512": lambda users: Scram("sha512", users)}


class Gate:
    """One gate. Its attributes may be changed while it runs; they count for new connections."""

    def __init__(self, host="127.0.0.1"):
        self.port = free_port()
        self.address = f"{host}:{self.port}"
        self.broker_port = None
        # An ssl.SSLContext; None for plain text.
        self.tls = None
        # Names of MECHANISMS; none for no SASL.
        self.mechanisms = []
        self.users = {}
        # Seconds by which the broker's answers are held back, as by replication.
        self.delay = 0
        # Connections of clients, and how often something came from the broker.
        self.open = set()
        self.reads = 0
        self.authenticated = 0
        # Called with what was just passed on from the broker.
        self.watch = None
        self.loop = asyncio.new_event_loop()
        self.server = None
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def start(self, broker_port):
        """Begin to listen in front of the broker."""
        self.broker_port = broker_port
        self._run(self._listen())
        return self

    def stop(self):
        """Close everything; it can be started again."""
        async def close():
            if self.server:
                self.server.close()
                self.server = None
        self._run(close())
        self.drop()

    def drop(self):
        """Close all connections."""
        async def close():
            for writer in list(self.open):
                writer.transport.abort()
        self._run(close())

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def _listen(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=4096)

    async def _serve(self, reader, writer):
        self.open.add(writer)
        upstream = None
        failures = (OSError, ssl.SSLError, EOFError, asyncio.IncompleteReadError, Refused, ValueError, KeyError)
        with contextlib.suppress(*failures):
            try:
                wire = Wire(reader, writer, self.tls)
                await wire.handshake()
                upstream = await asyncio.open_connection("127.0.0.1", self.broker_port)
                upstream[1].write(await self._admit(wire))
                await asyncio.gather(self._pass(wire, upstream[1]),
                                     self._pass_back(upstream[0], wire))
            finally:
                self.open.discard(writer)
                writer.transport.abort()
                if upstream:
                    upstream[1].transport.abort()

    async def _frame(self, reader):
        size = struct.unpack(">i", await reader.readexactly(4))[0]
        if not 0 <= size <= MAXIMUM_FRAME:
            raise Refused("a frame of a size that cannot be")
        return await reader.readexactly(size)

    async def _admit(self, wire):
        """Answer what comes before the first request to the broker; that request."""
        exchange, is_bare = None, False
        while True:
            frame = await self._frame(wire)
            if exchange and is_bare and not exchange.done:
                # Whoever is refused here finds the connection closed.
                answer = exchange.take(frame)
                wire.write(struct.pack(">i", len(answer)) + answer)
                continue
            key, version, correlation, length = struct.unpack_from(">hhih", frame)
            body = frame[10 + max(length, 0):]

            def reply(content):
                wire.write(struct.pack(">ii", 4 + len(content), correlation) + content)
            if key == API_VERSIONS:
                reply(await self._versions(version))
            elif key == SASL_HANDSHAKE:
                name = body[2:].decode()
                known = b"".join(string(name) for name in self.mechanisms)
                code = 0 if name in self.mechanisms else UNSUPPORTED_MECHANISM
                reply(struct.pack(">hi", code, len(self.mechanisms)) + known)
                if code:
                    raise Refused(name)
                exchange, is_bare = MECHANISMS[name](self.users), version == 0
            elif key == SASL_AUTHENTICATE and exchange:
                try:
                    token = exchange.take(body[4:])
                    code, text = 0, struct.pack(">h", -1)
                except Refused as refusal:
                    token, code, text = b"", AUTHENTICATION_FAILED, string(str(refusal))
                lifetime = struct.pack(">q", 0) if version else b""
                reply(struct.pack(">h", code) + text + struct.pack(">i", len(token)) + token
                      + lifetime)
                if code:
                    await wire.drain()
                    await asyncio.sleep(0.1)
                    raise Refused(text)
            elif self.mechanisms and not (exchange and exchange.done):
                raise Refused("a request before authentication")
            else:
                self.authenticated += bool(exchange)
                return struct.pack(">i", len(frame)) + frame

    async def _versions(self, version):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.broker_port)
        try:
            writer.write(struct.pack(">ihhih", 10, API_VERSIONS, 0, 1, -1))
            answer = await self._frame(reader)
        finally:
            writer.transport.abort()
        count = struct.unpack_from(">i", answer, 6)[0]
        keys = [struct.unpack_from(">hhh", answer, 10 + 6 * index) for index in range(count)]
        keys = [key for key in keys if key[0] not in (SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE)]
        keys += [(API_VERSIONS, 0, 2)]
        if self.mechanisms:
            keys += [(SASL_HANDSHAKE, 0, 1), (SASL_AUTHENTICATE, 0, 1)]
        code = UNSUPPORTED_VERSION if version > 2 else 0
        content = struct.pack(">hi", code, len(keys)) + b"".join(struct.pack(">hhh", *key) for key in keys)
        return content + (struct.pack(">i", 0) if version in (1, 2) else b"")

    async def _pass(self, wire, writer):
        while data := await wire.read():
            writer.write(data)
            await writer.drain()
        raise EOFError

    async def _pass_back(self, reader, wire):
        waiting = asyncio.Queue()

        async def send():
            while True:
                due, data = await waiting.get()
                if (pause := due - self.loop.time()) > 0:
                    await asyncio.sleep(pause)
                wire.write(data)
                if self.watch:
                    self.watch(data)
                await wire.drain()
        sender = asyncio.ensure_future(send())
        try:
            while data := await reader.read(1 << 18):
                self.reads += 1
                waiting.put_nowait((self.loop.time() + self.delay, data))
            raise EOFError
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
