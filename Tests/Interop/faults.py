"""Makes file operations of a running orderer fail, see faults.c."""

import contextlib
import errno
import mmap
import pathlib
import shutil
import struct
import subprocess
import time

import pytest

WRITE, SYNC, TRUNCATE, CREATE, RENAME, REMOVE, READ, OPEN, ACCEPT = (1 << bit for bit in range(9))
HALF = -1  # no error: half of the bytes are written, or read
KILL = -2  # the process is killed instead
COUNT = 0  # nothing happens
CONNECTION = "connection"  # what stands for the path where connections are accepted
CHANGES = WRITE | SYNC | TRUNCATE | CREATE | RENAME | REMOVE
RULES, RULE_SIZE, HEADER = 15, 256, 16
BLOCK_FILES = "*/chains/{}/blockfile_*"
INDEX = "*/ledger/index/*"
FAILED = "until a restart"  # what is said of a channel that has stopped
FIELDS = struct.Struct("=IIiiiI232s")


def compile_library(folder):
    """The library to preload; the test is skipped where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("clang") or beside_swift()
    if not compiler:
        pytest.skip("there is no C compiler (cc, clang) to make file operations fail with")
    library = pathlib.Path(folder) / "faults.so"
    subprocess.run([compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library,
                    pathlib.Path(__file__).with_name("faults.c"), "-ldl"], check=True)
    return library


def beside_swift():
    """The C compiler that comes with Swift."""
    swift = shutil.which("swift")
    return shutil.which("clang", path=pathlib.Path(swift).resolve().parent) if swift else None


class Rule:
    """Operations that fail from now on, until it is ended."""

    def __init__(self, memory, offset):
        self._memory, self._offset = memory, offset

    def _field(self, index):
        return struct.unpack_from("=I", self._memory, self._offset + 4 * index)[0]

    @property
    def hits(self):
        """How many operations have failed."""
        return self._field(5)

    def end(self):
        """Let everything through again."""
        struct.pack_into("=I", self._memory, self._offset, 0)


class Faults:
    """The rules for the processes that were started with `environment`."""

    def __init__(self, library, folder):
        path = pathlib.Path(folder) / "faults"
        path.write_bytes(bytes(HEADER + RULES * RULE_SIZE))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._used = 0
        self.environment = {"LD_PRELOAD": str(library), "HEDDLE_TEST_FAULTS": str(path)}

    @property
    def loaded(self):
        """Whether a process has the library."""
        return self._memory[0] == 1

    def fail(self, operations, pattern, error, skip=0, times=-1):
        """Begin to let operations fail: after `skip` calls, `times` times, on paths that match.

        The first of several rules counts. `error` is an errno, as a number or a name, HALF, KILL or COUNT.
        """
        assert self._used < RULES
        offset = HEADER + RULE_SIZE * self._used
        self._used += 1
        number = getattr(errno, error) if isinstance(error, str) else error
        FIELDS.pack_into(self._memory, offset, 0, operations, number, skip, times, 0,
                         str(pattern).encode())
        struct.pack_into("=I", self._memory, offset, 1)
        return Rule(self._memory, offset)

    @contextlib.contextmanager
    def failing(self, *arguments, **options):
        """As `fail`, for the time of the context."""
        rule = self.fail(*arguments, **options)
        yield rule
        rule.end()

    def clear(self):
        """End all rules."""
        for index in range(self._used):
            Rule(self._memory, HEADER + RULE_SIZE * index).end()
        self._used = 0


def goes_on(client):
    """Check that a channel orders and shows."""
    for _ in range(3):
        assert client.accepts()
    client.settle()


def stays_stopped(client):
    """Check that a channel takes nothing, not even when the fault is long gone, but shows its blocks."""
    for _ in range(4):
        time.sleep(0.5)
        status, info = client.submit()
        assert status == "SERVICE_UNAVAILABLE" and FAILED in info, (status, info)
        client.read(best_effort=True)
