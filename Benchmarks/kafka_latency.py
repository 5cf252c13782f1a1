#!/usr/bin/env python3
"""Measures how long after a record came from the broker its block is in a client's hands.

    python3 Benchmarks/kafka_latency.py --orderer .build/release/orderer [--rival OTHER] \
        [--blocks 200] [--rounds 3] [--load 0]

Messages are sent ten at a time, as many as fill a block. The time begins when a gate in front of the
test broker has passed on the bytes of the last of them, and ends when a Deliver client has the block: so
it has in it reading the record, cutting, hashing, signing, writing and synchronizing the block, and
sending it. With --load, so many messages at a time go over another channel meanwhile. How long it takes
to write and synchronize as many bytes is printed for comparison. Needs the packages of
Tests/Interop/requirements.txt.
"""

import argparse
import contextlib
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Interop"))
from harness import Sender, envelope, org_user, seek  # noqa: E402
from kafka_channels import running  # noqa: E402

BATCH = 10


def synchronizing(size=24_000, count=100):
    """Milliseconds that it takes to append bytes to a file and have them on the disk; the median."""
    taken = []
    with tempfile.TemporaryFile() as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(bytes(size))
            file.flush()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


class Blocks(threading.Thread):
    """Notes when each block of a channel came."""

    def __init__(self, orderer, channel, user):
        super().__init__(daemon=True)
        self.orderer, self.request = orderer, seek(channel, user, 1, 2**64 - 1)
        self.came, self.arrived = [], threading.Semaphore(0)

    def run(self):
        with contextlib.suppress(grpc.RpcError), self.orderer.channel() as channel:
            for _ in channel.stream_stream(
                    "/orderer.AtomicBroadcast/Deliver", response_deserializer=None,
                    request_serializer=lambda message: message.SerializeToString())(iter([self.request])):
                self.came.append(time.perf_counter())
                self.arrived.release()


def measure(executable, flavor, count, load):
    """Milliseconds for each block."""
    user = org_user(1)
    with running(executable, flavor, ["quiet", "loud"]) as (orderer, gate):
        blocks = Blocks(orderer, "quiet", user)
        blocks.start()
        noise = envelope("loud", user, bytes(1024)).SerializeToString()
        stop = threading.Event()

        def endless():
            while not stop.is_set():
                yield noise
        if load:
            Sender(orderer, endless(), window=load).start()
        passed = {}
        current = b""

        def watch(data):
            if current and current in data:
                passed.setdefault(current, time.perf_counter())
        gate.watch = watch
        taken = []
        for number in range(count):
            mark = b"mark-%08d." % number
            messages = [envelope("quiet", user, bytes(1024)).SerializeToString()] * (BATCH - 1)
            messages.append(envelope("quiet", user, mark + bytes(1024)).SerializeToString())
            current = mark
            sender = Sender(orderer, messages, window=BATCH)
            sender.start()
            if not blocks.arrived.acquire(timeout=60):
                raise TimeoutError("no block has come")
            sender.join()
            if mark in passed:
                taken.append((blocks.came[-1] - passed[mark]) * 1000)
        stop.set()
        if len(taken) < count * 0.9:
            raise RuntimeError(f"only {len(taken)} of {count} records were seen at the gate")
        return taken


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orderer", required=True)
    parser.add_argument("--rival")
    parser.add_argument("--flavor", default="2.5", help="release whose orderer.yaml both understand")
    parser.add_argument("--blocks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", type=int, default=0)
    options = parser.parse_args()
    names = [options.orderer] + ([options.rival] if options.rival else [])
    medians = {name: [] for name in names}
    for turn in range(options.rounds):
        for name in names:
            taken = measure(name, options.flavor, options.blocks, options.load)
            medians[name].append(statistics.median(taken))
            print(f"round {turn + 1}  {pathlib.Path(name).parent.name}/{pathlib.Path(name).name}: "
                  f"median {statistics.median(taken):.2f} ms, "
                  f"nine of ten within {statistics.quantiles(taken, n=10)[-1]:.2f} ms; writing and "
                  f"synchronizing alone {synchronizing():.2f} ms", flush=True)
    if options.rival:
        ratios = [ours / theirs for ours, theirs in zip(medians[names[0]], medians[names[1]])]
        print(f"median, ours to the rival's, pair by pair: {statistics.median(ratios):.2f} "
              f"(from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
