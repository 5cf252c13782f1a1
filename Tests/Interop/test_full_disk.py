"""A full file system costs nothing that was acknowledged, and the node resumes by itself.

The file system is a small tmpfs, so the test needs the right to mount; it is skipped without.
"""

import os
import subprocess
import threading
import time

import pytest
from channelclient import ChannelClient
from fabric_protos.orderer import ab_pb2
from harness import envelope, org_user, wait_for

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


def test_full_disk(make_orderer, small_disk):
    """While the disk is full submissions are refused with the reason, and reading goes on."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    client, ballast = ChannelClient(orderer, orderer.create_channel()), Ballast(small_disk)
    # The ends of the pages left decide whether a block or its index entry is what fails.
    for leave in (0, 4096, 8192, 3 * 4096, 100_000):
        ballast.fill(leave)
        reason = client.until_refused()
        assert "no space left" in reason, reason
        seen = client.read()
        assert seen == client.accepted[:len(seen)]
        assert orderer.process.poll() is None
        ballast.drop()
        wait_for(client.accepts, "the node resumes by itself", timeout=30)
        client.settle()
    assert orderer.stop() == 0
    orderer.start()
    client.settle()
    assert "damaged" not in orderer.log


def test_stop_on_a_full_disk(make_orderer, small_disk):
    """A node that waits for room can be stopped, and starts on its folder when there is room."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    client, ballast = ChannelClient(orderer, orderer.create_channel()), Ballast(small_disk)
    ballast.fill()
    client.until_refused()
    began = time.monotonic()
    orderer.stop()
    assert time.monotonic() - began < 20
    ballast.drop()
    orderer.start()
    client.is_sound()
    assert client.accepts()


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
    client = ChannelClient(orderer, channel)
    wait_for(lambda: len(client.read()) == accepted, "all accepted messages are in blocks")


def test_size_limit(make_orderer, small_disk):
    """A limit of the files' sizes stops the channel's writing, not its reading."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    channel = orderer.create_channel()
    client = ChannelClient(orderer, channel)
    assert client.accepts()
    client.settle()
    size = (small_disk / "ledger/chains" / channel / "blockfile_000000").stat().st_size
    subprocess.run(["prlimit", f"--fsize={size}:unlimited", "--pid", str(orderer.process.pid)],
                   check=True)
    before = client.read()
    reason = client.until_refused()
    assert "File too large" in reason
    assert client.read() == before
    subprocess.run(["prlimit", "--fsize=unlimited", "--pid", str(orderer.process.pid)], check=True)
    client.settle()
