#!/usr/bin/env python3
"""Measures what a transaction costs an orderer, in turn with a rival.

    python3 Benchmarks/broadcast_load.py --orderer .build/release/orderer [--rival OTHER] \
        [--messages 20000] [--rounds 3] [--consensus solo|kafka|etcdraft] [--rest 10]

Both executables get the same pre-signed envelopes of 1 KiB of data over 16 Broadcast streams with 64
messages in flight each, with one Deliver reader at the tip; the channel has two organizations. CPU is
the user and system time of the orderer process over the run; memory is resident: before the load, the
most there was, and after as many seconds of rest as `--rest` says. Machines differ and drift: quote the
ratio. Needs the packages of Tests/Interop/requirements.txt; with --consensus kafka, each run has a test
broker of its own; with etcdraft, one node orders the channel, over TLS.
"""

import argparse
import contextlib
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Interop"))
from harness import Orderer, Sender, Tail, envelope, org_user, wait_for  # noqa: E402

STREAMS = 16


@contextlib.contextmanager
def running(executable, flavor, consensus):
    """A started orderer, and the name of a channel on it."""
    style = "v14" if flavor == "1.4" else "v20"
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        if consensus == "kafka":
            from kafka import Broker, KafkaOrderer, genesis
            broker = Broker(directory).start()
            stack.callback(broker.stop)
            orderer = KafkaOrderer(executable, pathlib.Path(directory) / "orderer",
                                   genesis(broker.address, style), flavor=flavor)
            stack.callback(orderer.stop)
            orderer.start().wait_ready()
        elif consensus == "etcdraft":
            from raftorderer import RaftOrderer
            orderer = RaftOrderer(executable, directory)
            stack.callback(orderer.stop)
            orderer.start()
        else:
            orderer = Orderer(executable, directory, flavor=flavor)
            stack.callback(orderer.stop)
            orderer.start()
        if consensus == "etcdraft":
            channel, block = orderer.genesis()
            orderer.join(block)
        else:
            channel = orderer.create_channel(style)
        wait_for(lambda: orderer.height(channel, org_user(1)), "the channel is there")
        yield orderer, channel


def measure(executable, flavor, consensus, batches, user, rest):
    """(CPU in microseconds, transactions per second, MB before, at most, after a rest) of one run."""
    with running(executable, flavor, consensus) as (orderer, channel):
        before = orderer.resident_megabytes()
        tail = Tail(orderer, channel, user, start=1)
        tail.start()
        senders = [Sender(orderer, batch) for batch in batches]
        total = sum(len(batch) for batch in batches)
        cpu, began = orderer.cpu_seconds(), time.monotonic()
        for sender in senders:
            sender.start()
        found = 0
        while found < total:
            found += len(tail.blocks.get(timeout=120).block.data.data)
        elapsed, spent = time.monotonic() - began, orderer.cpu_seconds() - cpu
        for sender in senders:
            sender.join()
            assert set(sender.statuses) == {200}, sender.error
        time.sleep(rest)
        return (spent / total * 1e6, total / elapsed, before, orderer.peak_megabytes(),
                orderer.resident_megabytes())


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orderer", required=True)
    parser.add_argument("--rival")
    parser.add_argument("--flavor", default="2.5", help="release whose orderer.yaml both understand")
    parser.add_argument("--consensus", default="solo", choices=["solo", "kafka", "etcdraft"])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rest", type=float, default=0)
    options = parser.parse_args()
    user = org_user(1)
    with running(options.orderer, options.flavor, options.consensus) as (_, channel):
        pass
    batches = [[envelope(channel, user, bytes(1024)).SerializeToString()
                for _ in range(options.messages // STREAMS)] for _ in range(STREAMS)]
    names = [options.orderer] + ([options.rival] if options.rival else [])
    results = {name: [] for name in names}
    for turn in range(options.rounds):
        for name in names:
            results[name].append(measure(
                name, options.flavor, options.consensus, batches, user, options.rest))
            cpu, rate, before, peak, after = results[name][-1]
            print(f"round {turn + 1}  {pathlib.Path(name).parent.name}/{pathlib.Path(name).name}: "
                  f"{cpu:6.1f} us CPU per tx, {rate:7.0f} tx/s, {before:.0f} MB before, {peak:.0f} MB "
                  f"at most, {after:.0f} MB after", flush=True)
    if options.rival:
        ratios = [ours[0] / theirs[0] for ours, theirs in zip(*results.values())]
        print(f"CPU per transaction, ours to the rival's, pair by pair: median "
              f"{statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
