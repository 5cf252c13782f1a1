#!/usr/bin/env python3
"""Measures many Kafka channels on one orderer, in turn with a rival.

    python3 Benchmarks/kafka_channels.py --orderer .build/release/orderer [--rival OTHER] \
        [--idle 500] [--busy 50] [--messages 20000] [--delay 0.005] [--rounds 3] \
        [--beside 0]

Idle: how much CPU, memory, how many threads and connections that many channels without traffic take.
Busy: transactions per second of the same messages, with as many in flight, over one channel and over
many; and with --beside, over one with so many idle ones beside it. The broker's answers come later by the delay, as they do where records are replicated. Quote
ratios of one run. Needs the packages of Tests/Interop/requirements.txt.
"""

import argparse
import contextlib
import os
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Interop"))
from harness import Sender, Tail, envelope, org_user, wait_for  # noqa: E402
from kafka import Broker, KafkaOrderer, create_channels, genesis  # noqa: E402
from kafka_gate import Gate  # noqa: E402

IN_FLIGHT = 1000


@contextlib.contextmanager
def running(executable, flavor, names, delay=0):
    """A started orderer with channels, and the gate that it talks to."""
    style = "v14" if flavor == "1.4" else "v20"
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        gate = Gate()
        broker = Broker(directory, gate.address).start()
        stack.callback(broker.stop)
        gate.start(broker.port)
        stack.callback(gate.stop)
        orderer = KafkaOrderer(executable, pathlib.Path(directory) / "orderer",
                               genesis(gate.address, style), flavor=flavor)
        stack.callback(orderer.stop, 9)
        orderer.start().wait_ready()
        create_channels(orderer, names, style)
        gate.delay = delay
        yield orderer, gate


def threads(orderer):
    """Threads of the process."""
    return len(os.listdir(f"/proc/{orderer.process.pid}/task"))


def idle(executable, flavor, count):
    """What channels without traffic take."""
    with running(executable, flavor, [f"idle{number}" for number in range(count)]) as (orderer, gate):
        time.sleep(15)
        cpu, began, reads = orderer.cpu_seconds(), time.monotonic(), gate.reads
        time.sleep(20)
        elapsed = time.monotonic() - began
        print(f"  idle: {100 * (orderer.cpu_seconds() - cpu) / elapsed:6.2f} % of a core, "
              f"{orderer.resident_megabytes():5.0f} MB, {threads(orderer)} threads, "
              f"{len(gate.open)} connections, {(gate.reads - reads) / elapsed:.0f} reads/s "
              "from the broker", flush=True)


def busy(executable, flavor, channels, messages, delay, beside=0):
    """Transactions per second, and CPU in microseconds for each."""
    names = [f"busy{number}" for number in range(channels)]
    user, per_channel = org_user(1), messages // channels
    streams = max(16 // channels, 1)
    batches = [(name, [envelope(name, user, bytes(1024)).SerializeToString()
                       for _ in range(per_channel // streams)])
               for name in names for _ in range(streams)]
    others = [f"idle{number}" for number in range(beside)]
    with running(executable, flavor, others + names, delay) as (orderer, _):
        tails = [Tail(orderer, name, user, start=1) for name in names]
        for tail in tails:
            tail.start()
        senders = [Sender(orderer, batch, window=max(IN_FLIGHT // len(batches), 1))
                   for _, batch in batches]
        cpu, began = orderer.cpu_seconds(), time.monotonic()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        taken = {name: 0 for name in names}
        for (name, _), sender in zip(batches, senders):
            taken[name] += sender.statuses.count(200)
        for name, tail in zip(names, tails):
            while taken[name] > 0:
                taken[name] -= len(tail.blocks.get(timeout=120).block.data.data)
        elapsed, spent = time.monotonic() - began, orderer.cpu_seconds() - cpu
        statuses = [status for sender in senders for status in sender.statuses]
        if refused := len(statuses) - statuses.count(200):
            print(f"  {refused} of {len(statuses)} messages were refused")
        total = statuses.count(200)
        return total / elapsed, spent / total * 1e6


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orderer", required=True)
    parser.add_argument("--rival")
    parser.add_argument("--flavor", default="2.5", help="release whose orderer.yaml both understand")
    parser.add_argument("--idle", type=int, default=500)
    parser.add_argument("--busy", type=int, default=50)
    parser.add_argument("--beside", type=int, default=0)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--delay", type=float, default=0.005)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    names = [options.orderer] + ([options.rival] if options.rival else [])
    if options.idle:
        for name in names:
            print(f"{pathlib.Path(name).parent.name}/{pathlib.Path(name).name}, "
                  f"{options.idle} channels", flush=True)
            idle(name, options.flavor, options.idle)
    for name in names if options.beside else []:
        for beside in (0, options.beside):
            rate, cpu = busy(name, options.flavor, 1, options.messages, options.delay, beside)
            print(f"{pathlib.Path(name).parent.name}/{pathlib.Path(name).name}: 1 channel beside {beside} "
                  f"{rate:6.0f} tx/s, {cpu:5.1f} us CPU per tx", flush=True)
    ratios = {name: [] for name in names}
    for turn in range(options.rounds if options.busy else 0):
        for name in names:
            one = busy(name, options.flavor, 1, options.messages, options.delay)
            many = busy(name, options.flavor, options.busy, options.messages, options.delay)
            ratios[name].append(many[0] / one[0])
            print(f"round {turn + 1}  {pathlib.Path(name).parent.name}/{pathlib.Path(name).name}: "
                  f"1 channel {one[0]:6.0f} tx/s, {one[1]:5.1f} us CPU per tx; {options.busy} channels "
                  f"{many[0]:6.0f} tx/s, {many[1]:5.1f} us", flush=True)
    for name, values in ratios.items():
        if values:
            print(f"{name}: rate over {options.busy} channels to that over one, median "
                  f"{statistics.median(values):.2f} (from {min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
