"""A full file system costs nothing that was acknowledged, and the node resumes by itself.

The file system is a small tmpfs, so the test needs the right to mount; it is skipped without.
"""

import os
import random
import shutil
import subprocess
import threading
import time

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
from harness import envelope, org_user, payload_data, wait_for
from ledgerfiles import check_chain

SIZE = 24 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", folder],
        capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


class Ballast:
    """A file that takes the room of a file system, all but some bytes."""

    def __init__(self, folder):
        self.path = folder / "ballast"

    def fill(self, leave=0):
        """Take all room and give `leave` bytes back."""
        with open(self.path, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
            os.truncate(self.path, max(0, file.tell() - leave))

    def drop(self):
        """Give the room back."""
        self.path.unlink()


def submit(orderer, message):
    """(status name, information) of one message."""
    with orderer.channel() as channel:
        call = ab_pb2_grpc.AtomicBroadcastStub(channel).Broadcast(iter([message]), timeout=30)
        for response in call:
            return common_pb2.Status.Name(response.status), response.info
    return None, ""


def until_refused(orderer, channel, user, accepted):
    """Submit until the node refuses; the reason. Collects what was accepted."""
    for _ in range(2000):
        data = b"%d:" % len(accepted) + random.randbytes(2000)
        status, info = submit(orderer, envelope(channel, user, data))
        if status == "SERVICE_UNAVAILABLE":
            return info
        assert status == "SUCCESS", (status, info)
        accepted.append(data)
    raise AssertionError("the node never refused")


def delivered(orderer, channel, user):
    """All transactions of a channel, after a check of its chain."""
    height = orderer.height(channel, user)
    blocks, status = orderer.deliver(channel, user, 0, height - 1)
    assert status == "SUCCESS" and len(blocks) == height
    check_chain(blocks)
    return [payload_data(data) for block in blocks[1:] for data in block.data.data]


def test_full_disk(make_orderer, small_disk):
    """While the disk is full submissions are refused with the reason, and reading goes on."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    channel, user = orderer.create_channel(), org_user(1)
    accepted, ballast = [], Ballast(small_disk)
    # The ends of the pages left decide whether a block or its index entry is what fails.
    for leave in (0, 4096, 8192, 3 * 4096, 100_000):
        ballast.fill(leave)
        reason = until_refused(orderer, channel, user, accepted)
        assert "no space left" in reason, reason
        seen = delivered(orderer, channel, user)
        assert seen == accepted[:len(seen)]
        assert orderer.process.poll() is None
        ballast.drop()
        data = b"%d:after" % len(accepted)

        def accepts(data=data):
            return submit(orderer, envelope(channel, user, data))[0] == "SUCCESS"
        wait_for(accepts, "the node resumes by itself", timeout=15)
        accepted.append(data)
        wait_for(lambda: len(delivered(orderer, channel, user)) == len(accepted),
                 "all accepted messages are in blocks")
        assert delivered(orderer, channel, user) == accepted
    assert orderer.stop() == 0
    orderer.start()
    assert delivered(orderer, channel, user) == accepted
    assert "damaged" not in orderer.log


def test_stop_on_a_full_disk(make_orderer, small_disk):
    """A node that waits for room can be stopped, and starts on its folder when there is room."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    channel, user = orderer.create_channel(), org_user(1)
    accepted, ballast = [], Ballast(small_disk)
    ballast.fill()
    until_refused(orderer, channel, user, accepted)
    began = time.monotonic()
    orderer.stop()
    assert time.monotonic() - began < 20
    ballast.drop()
    orderer.start()
    seen = delivered(orderer, channel, user)
    assert seen == accepted[:len(seen)]
    assert submit(orderer, envelope(channel, user, b"again"))[0] == "SUCCESS"


def test_full_disk_under_load(make_orderer, small_disk):
    """Streams that wait for room in the queue are told, instead of being left waiting."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    channel, user = orderer.create_channel(), org_user(1)
    ballast = Ballast(small_disk)
    ballast.fill(2 << 20)
    messages = [envelope(channel, user, b"%d:" % index + bytes(200)).SerializeToString()
                for index in range(200)]
    statuses = []

    def load():
        with orderer.channel() as connection:
            call = connection.stream_stream(
                "/orderer.AtomicBroadcast/Broadcast", request_serializer=None,
                response_deserializer=ab_pb2.BroadcastResponse.FromString)(
                    iter(messages * 100), timeout=60)
            statuses.append([response.status for response in call])
    threads = [threading.Thread(target=load, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(statuses) == 8 and all(each[-1] == 503 for each in statuses)
    accepted = sum(each.count(200) for each in statuses)
    ballast.drop()
    wait_for(lambda: len(delivered(orderer, channel, user)) == accepted,
             "all accepted messages are in blocks")


def test_read_only_file_system(make_orderer, small_disk):
    """A file system that turns read-only stops the channel's writing, not its reading."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    channel, user = orderer.create_channel(), org_user(1)
    assert submit(orderer, envelope(channel, user, b"0"))[0] == "SUCCESS"
    wait_for(lambda: delivered(orderer, channel, user) == [b"0"], "the block is written")
    # A file of a mount that is being written to keeps it from becoming read-only, so the limit of a
    # file's size stands in for it: the write fails with EFBIG before anything is written.
    size = (small_disk / "ledger/chains" / channel / "blockfile_000000").stat().st_size
    subprocess.run(["prlimit", f"--fsize={size}:unlimited", "--pid", str(orderer.process.pid)],
                   check=True)
    accepted = [b"0"]
    reason = until_refused(orderer, channel, user, accepted)
    assert "File too large" in reason
    assert delivered(orderer, channel, user) == [b"0"]
    subprocess.run(["prlimit", "--fsize=unlimited", "--pid", str(orderer.process.pid)], check=True)
    wait_for(lambda: delivered(orderer, channel, user) == accepted, "the node resumes")


FAILING_CALLS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int fails(const char *trigger) { return access(getenv(trigger), F_OK) == 0; }
int fdatasync(int file) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  if (fails("FAIL_SYNC_IF")) { errno = EIO; return -1; }
  return real(file);
}
ssize_t write(int file, const void *bytes, size_t count) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length > 0) {
    path[length] = 0;
    if (strstr(path, "/index/") && fails("FAIL_INDEX_IF")) {
      if (count > 8) real(file, bytes, count / 2);
      errno = ENOSPC;
      return -1;
    }
  }
  return real(file, bytes, count);
}
"""


@pytest.fixture
def troubled(make_orderer, tmp_path, monkeypatch):
    """A running orderer, and the files that make fdatasync, and writes to the index, fail."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        pytest.skip("there is no C compiler to make system calls fail with")
    library, sync, index = tmp_path / "failing.so", tmp_path / "sync", tmp_path / "write"
    (tmp_path / "failing.c").write_text(FAILING_CALLS)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "failing.c", "-ldl"],
                   check=True)
    orderer = make_orderer()
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("FAIL_SYNC_IF", str(sync))
        patch.setenv("FAIL_INDEX_IF", str(index))
        orderer.start()
    return orderer, sync, index


def test_failed_synchronization(troubled):
    """After a failed fsync a channel stops for good: its block is not shown, and the reason is told."""
    orderer, trigger, _ = troubled
    channel, user = orderer.create_channel(), org_user(1)
    assert submit(orderer, envelope(channel, user, b"0"))[0] == "SUCCESS"
    wait_for(lambda: delivered(orderer, channel, user) == [b"0"], "the block is written")
    trigger.touch()
    accepted = [b"0"]
    reason = until_refused(orderer, channel, user, accepted)
    assert "could not synchronize" in reason and "until a restart" in reason
    trigger.unlink()
    # A success the next time would prove nothing, so it is not tried again.
    for _ in range(3):
        time.sleep(0.5)
        assert submit(orderer, envelope(channel, user, b"1"))[0] == "SERVICE_UNAVAILABLE"
    orderer.stop()
    orderer.start()
    assert delivered(orderer, channel, user) == [b"0"]
    assert submit(orderer, envelope(channel, user, b"2"))[0] == "SUCCESS"
    wait_for(lambda: delivered(orderer, channel, user) == [b"0", b"2"], "it goes on")


def test_failing_index(troubled):
    """Blocks go on while the index cannot be written, and are in it once it can."""
    orderer, _, trigger = troubled
    channel, user = orderer.create_channel(), org_user(1)
    sent = []
    for turn in range(3):
        for phase in (trigger.touch, trigger.unlink):
            phase()
            for _ in range(3):
                sent.append(b"%d" % len(sent))
                assert submit(orderer, envelope(channel, user, sent[-1]))[0] == "SUCCESS"
                wait_for(lambda: delivered(orderer, channel, user) == sent, f"turn {turn}")
    assert "could not be entered into the index" in orderer.log
    # Go's orderer would believe the index, so it has to be complete without a repair.
    orderer.process.kill()
    orderer.process.wait()
    before = len(orderer.log)
    orderer.start()
    assert delivered(orderer, channel, user) == sent
    assert "Indexed" not in orderer.log[before:] and "damaged" not in orderer.log
