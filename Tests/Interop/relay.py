"""A network between processes of this machine: who talks to whom is known, and can be cut, delayed and throttled.

Each process is reached by the others through a port of the relay. The dialling process is found through /proc, so all
others may use the same port. A rule is for an ordered pair: connections that the one process opens to the other.
"""

import asyncio
import dataclasses
import multiprocessing
import os
import socket
import struct
import threading

CHUNK = 1 << 16
# Bytes that a direction holds back while it is delayed; then the sender waits.
HELD = 4 << 20
# Bytes that a throttled direction sends at once.
BURST = 1 << 12
SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST = 4, 20, 1
OPEN, RESET, SILENT, DEAF, MUTE = "open", "reset", "silent", "deaf", "mute"


@dataclasses.dataclass
class Rule:
    """What becomes of the connections of a pair.

    RESET ends them and refuses new ones; SILENT lets nothing through, and goes on where it stopped; DEAF and MUTE do
    that to what the dialler receives or sends.
    """

    mode: str = OPEN
    delay: float = 0.0
    # Bytes a second; 0 without limit.
    rate: int = 0


def socket_inode(local, remote):
    """The inode of the socket of this machine with these two ends (address, port); 0 if it is gone.

    Asked of the kernel by netlink (sock_diag(7)): /proc/net/tcp is made of a large table each time.
    """
    ends = struct.pack("!HH", local[1], remote[1]) + b"".join(
        socket.inet_aton(end[0]) + bytes(12) for end in (local, remote))
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends + struct.pack(
        "=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as link:
        link.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, REQUEST, 1, 0) + request)
        answer = link.recv(4096)
    kind = struct.unpack_from("=H", answer, 4)[0]
    return struct.unpack_from("=I", answer, 16 + 68)[0] if kind == SOCK_DIAG_BY_FAMILY else 0


def has_socket(pid, inode):
    """Whether a process has this socket."""
    target = f"socket:[{inode}]"
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(entry.path) == target:
                    return True
            except OSError:
                pass
    except OSError:
        pass
    return False


class Connection:
    """One connection between two processes, as a pair of directions."""

    def __init__(self, relay, pair, near, far):
        self.relay, self.pair = relay, pair
        # (reader, writer) towards the dialler and towards the listener.
        self.near, self.far = near, far

    async def run(self):
        """Pass on what comes, until one side ends."""
        tasks = [asyncio.create_task(self._pass(self.near[0], self.far[1], MUTE)),
                 asyncio.create_task(self._pass(self.far[0], self.near[1], DEAF))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What was sent before arrives, as with any connection that is closed.
        for _, writer in (self.near, self.far):
            writer.close()

    def end(self):
        """End both sides at once, as a reset."""
        for _, writer in (self.near, self.far):
            writer.transport.abort()

    async def _pass(self, reader, writer, closed_by):
        """One direction: what was read waits for its time, and for the pair to be open."""
        queue, room = asyncio.Queue(), asyncio.Semaphore(HELD // CHUNK)
        sending = asyncio.create_task(self._send(queue, room, writer, closed_by))
        loop = asyncio.get_running_loop()
        try:
            while not sending.done():
                await room.acquire()
                data = await reader.read(CHUNK)
                queue.put_nowait((loop.time() + self.relay.rule(self.pair).delay, data))
                if not data:
                    await sending
        except OSError:
            self.end()
        finally:
            sending.cancel()

    async def _send(self, queue, room, writer, closed_by):
        loop = asyncio.get_running_loop()
        try:
            while True:
                due, data = await queue.get()
                if not data:
                    return
                await asyncio.sleep(max(0, due - loop.time()))
                while data:
                    await self.relay.passable(self.pair, closed_by)
                    rate = self.relay.rule(self.pair).rate
                    size = BURST if rate else len(data)
                    writer.write(data[:size])
                    await writer.drain()
                    if rate:
                        await asyncio.sleep(min(size, len(data)) / rate)
                    data = data[size:]
                room.release()
        except OSError:
            self.end()


class Diallers:
    """Children of one process, by the names of the folders that they work in."""

    def __init__(self, parent):
        self.parent, self.known = parent, {}

    def name_of(self, inode):
        """Which of them has a socket; None if it is nobody's."""
        found = self._among_known(inode)
        if found is None:
            self._look()
            found = self._among_known(inode)
        return found

    def _among_known(self, inode):
        return next((name for pid, name in self.known.items() if has_socket(pid, inode)), None)

    def _look(self):
        self.known = {}
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            try:
                with open(f"/proc/{entry.name}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
                if parent == self.parent:
                    self.known[int(entry.name)] = os.path.basename(os.readlink(f"/proc/{entry.name}/cwd"))
            except OSError:
                pass


class Ports(threading.Thread):
    """Ports behind which processes listen, in a thread of the relay's own process."""

    def __init__(self, parent):
        super().__init__(daemon=True)
        self.diallers = Diallers(parent)
        self._rules, self._connections = {}, set()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Condition()
        self.opened = self.strangers = 0
        self.start()

    def run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def listen(self, name, port):
        """The port through which the process of that name, which listens on `port`, is reached."""
        async def begin():
            async def accept(reader, writer):
                await self._accept(name, port, reader, writer)
            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            return server.sockets[0].getsockname()[1]
        return self._call(begin())

    def rule(self, pair):
        """The rule for (dialler, listener)."""
        return self._rules.get(pair, Rule())

    def set(self, pairs, rule):
        """From now on this rule is for all connections of these pairs."""
        async def change():
            for pair in pairs:
                self._rules[pair] = rule
            if rule.mode == RESET:
                for connection in [each for each in self._connections if each.pair in pairs]:
                    connection.end()
            async with self._changed:
                self._changed.notify_all()
        self._call(change())

    def counts(self):
        """Connections that were opened, and those of strangers among them."""
        return self.opened, self.strangers

    async def passable(self, pair, closed_by):
        """Wait until the pair lets this direction through."""
        if self.rule(pair).mode not in (SILENT, closed_by):
            return
        async with self._changed:
            await self._changed.wait_for(lambda: self.rule(pair).mode not in (SILENT, closed_by))

    def _dialler(self, writer):
        """The name of the process at the other end of a connection."""
        inode = socket_inode(writer.get_extra_info("peername"), writer.get_extra_info("sockname"))
        return self.diallers.name_of(inode) if inode else None

    async def _accept(self, name, port, reader, writer):
        dialler = self._dialler(writer)
        pair = (dialler, name)
        self.opened += 1
        if dialler is None:
            self.strangers += 1
        if dialler is None or self.rule(pair).mode == RESET:
            return writer.transport.abort()
        await self.passable(pair, SILENT)
        try:
            far = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return writer.transport.abort()
        connection = Connection(self, pair, (reader, writer), far)
        if self.rule(pair).mode == RESET:
            return connection.end()
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


def serve(parent, calls):
    """The relay's process: does what it is told, until nobody can tell it any more."""
    ports = Ports(parent)
    try:
        while True:
            name, arguments = calls.recv()
            calls.send(getattr(ports, name)(*arguments))
    except (EOFError, KeyboardInterrupt):
        pass


class Relay:
    """The relay, as a process of its own: what passes through it must not wait for what else this one does.

    Those who dial are children of this process, and named by the folders that they work in.
    """

    def __init__(self):
        context = multiprocessing.get_context("spawn")
        self._calls, far = context.Pipe()
        self._lock, self._rules = threading.Lock(), {}
        self._process = context.Process(target=serve, args=(os.getpid(), far), daemon=True)
        self._process.start()
        far.close()

    def _call(self, name, *arguments):
        with self._lock:
            self._calls.send((name, arguments))
            return self._calls.recv()

    def listen(self, name, port):
        """The port through which the process of that name, which listens on `port`, is reached."""
        return self._call("listen", name, port)

    def set(self, pairs, rule):
        """From now on this rule is for all connections of these pairs (dialler, listener)."""
        self._rules |= {pair: rule for pair in pairs}
        self._call("set", pairs, rule)

    @property
    def is_whole(self):
        """Whether no rule is in force."""
        return all(rule == Rule() for rule in self._rules.values())

    def heal(self):
        """Let everything through again."""
        self.set(list(self._rules), Rule())

    def counts(self):
        """Connections that were opened, and those of strangers among them."""
        return self._call("counts")

    def stop(self):
        """End all connections and the process."""
        self._calls.close()
        self._process.join(10)
