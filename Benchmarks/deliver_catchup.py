#!/usr/bin/env python3
"""Measures what catching up by Deliver costs an orderer, in turn with a rival.

    python3 Benchmarks/deliver_catchup.py --orderer .build/release/orderer [--rival OTHER] \
        [--megabytes 240] [--per-block 500] [--message 2000] [--readers 1,16] [--rounds 3] [--tls] \
        [--written-by EXECUTABLE] [--tip-readers 1000]

Both get a copy of one ledger, by default with blocks of 500 messages of 2 KB. Each is started on its copy
once to index it, with `--written-by` by that executable: what the Go orderer has indexed comes without
checksums. Then each round starts each executable and lets a number of readers fetch the whole channel at
once; the first time from a process that has just started, then again. With `--written-by` each round
has a copy of its own. CPU is the time that the threads of the orderer process have run; the readers
discard what they get without decoding it. Machines differ and drift: quote the ratio. Needs the packages
of Tests/Interop/requirements.txt.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Interop"))
from harness import MESSAGE_LIMIT, Orderer, envelope, org_user, seek, wait_for  # noqa: E402
from made_ledger import source, write_channel  # noqa: E402

CHANNEL = "catchup"


def copier(size):
    """A function that copies a file in pieces of `size` bytes.

    Orderers write a block at a time, and how the kernel keeps a file in memory depends on how it was
    written; a file copied in the usual way costs twice as much to read.
    """
    def copy(source, target):
        with open(source, "rb") as old, open(target, "wb", buffering=0) as new:
            while piece := old.read(size):
                new.write(piece)
    return copy


def cpu_seconds(orderer):
    """Time that the threads of the process have run; finer than its user and system time."""
    total = 0
    for path in pathlib.Path(f"/proc/{orderer.process.pid}/task").glob("*/schedstat"):
        try:
            total += int(path.read_text().split()[0])
        except OSError:  # The thread has ended.
            pass
    return total / 1e9


def read_all(orderer, request, totals):
    """Fetch what is asked for without decoding it; adds the number of bytes to `totals`."""
    with orderer.channel() as channel:
        call = channel.stream_stream("/orderer.AtomicBroadcast/Deliver", request_serializer=None,
                                     response_deserializer=None)(iter([request]))
        total = 0
        for response in call:
            total += len(response)
            if len(response) < 10:
                break
        totals.append(total)


def catch_up(orderer, request, readers):
    """(CPU seconds per GB, MB per second, resident MB)."""
    totals = []
    threads = [threading.Thread(target=read_all, args=(orderer, request, totals))
               for _ in range(readers)]
    cpu, began = cpu_seconds(orderer), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, spent = time.monotonic() - began, cpu_seconds(orderer) - cpu
    assert len(totals) == readers
    return spent / sum(totals) * 1e9, sum(totals) / elapsed / 1e6, orderer.resident_megabytes()


def tip_readers(executable, flavor, count):
    """Resident MB before and after `count` readers wait at the tip and one block comes."""
    with tempfile.TemporaryDirectory() as directory:
        orderer = Orderer(executable, directory, flavor=flavor).start()
        channel, user = orderer.create_channel("v14" if flavor == "1.4" else "v20"), org_user(1)
        request = seek(channel, user, 1, 2**64 - 1).SerializeToString()
        before, got = orderer.resident_megabytes(), []
        connections = [grpc.insecure_channel(orderer.address, [
            ("grpc.max_receive_message_length", MESSAGE_LIMIT),
            ("grpc.use_local_subchannel_pool", 1)]) for _ in range(10)]

        def read(connection):
            call = connection.stream_stream(
                "/orderer.AtomicBroadcast/Deliver", request_serializer=None,
                response_deserializer=None)(iter([request]))
            try:
                for response in call:
                    got.append(len(response))
            except grpc.RpcError:
                pass
        threads = [threading.Thread(target=read, args=(connections[index % 10],), daemon=True)
                   for index in range(count)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        waiting, cpu = orderer.resident_megabytes(), orderer.cpu_seconds()
        for _ in range(10):
            assert orderer.broadcast(envelope(channel, user, bytes(100_000))) == ["SUCCESS"]
        wait_for(lambda: len(got) >= count, "all have the block")
        result = before, waiting, orderer.resident_megabytes(), orderer.cpu_seconds() - cpu
        orderer.stop(9)
        for connection in connections:
            connection.close()
        return result


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orderer", required=True)
    parser.add_argument("--rival")
    parser.add_argument("--flavor", default="2.5", help="release whose orderer.yaml both understand")
    parser.add_argument("--megabytes", type=int, default=240)
    parser.add_argument("--per-block", type=int, default=500, help="messages")
    parser.add_argument("--message", type=int, default=2000, help="bytes")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--written-by", metavar="EXECUTABLE")
    parser.add_argument("--readers", default="1,16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tip-readers", type=int, default=1000, help="0 leaves that part out")
    options = parser.parse_args()
    names = [options.orderer] + ([options.rival] if options.rival else [])
    with tempfile.TemporaryDirectory() as base:
        base = pathlib.Path(base)
        settings = {"General.TLS.Enabled": options.tls}
        made, genesis = source(options.orderer, options.flavor)
        height = options.megabytes * 1_000_000 // (options.per_block * options.message) + 1
        write_channel(made / "ledger", genesis, CHANNEL, height,
                      lambda _: [os.urandom(options.message) for _ in range(options.per_block)])
        request = seek(CHANNEL, org_user(1), 0, height - 1).SerializeToString()

        def fresh(index, name):
            """A folder with the ledger, indexed."""
            directory = base / str(index)
            shutil.rmtree(directory, ignore_errors=True)
            shutil.copytree(made / "ledger", directory / "ledger",
                            copy_function=copier(options.per_block * options.message))
            orderer = Orderer(options.written_by or name, directory, flavor=options.flavor).start()
            wait_for(lambda: orderer.height(CHANNEL, org_user(1)) == height, "the channel is there")
            orderer.stop()

        for index, name in enumerate(names):
            fresh(index, name)
        for readers in map(int, options.readers.split(",")):
            results = {name: [] for name in names}
            for turn in range(options.rounds):
                for index, name in enumerate(names):
                    if options.written_by:
                        fresh(index, name)
                    orderer = Orderer(name, base / str(index), flavor=options.flavor,
                                      options=settings).start()
                    try:
                        first = catch_up(orderer, request, readers)
                        again = catch_up(orderer, request, readers)
                    finally:
                        orderer.stop()
                    results[name].append((first[0], again[0]))
                    print(f"{readers} readers, round {turn + 1}  {name}: after the start "
                          f"{first[0]:.2f} s CPU per GB, {first[1]:.0f} MB/s; again {again[0]:.2f} s, "
                          f"{again[1]:.0f} MB/s, {again[2]:.0f} MB resident", flush=True)
            if options.rival:
                ours, theirs = results.values()
                for part, what in enumerate(("after the start", "again")):
                    print(f"{readers} readers, {what}, ours to the rival's: median "
                          f"{statistics.median(a[part] / b[part] for a, b in zip(ours, theirs)):.2f}")
    if options.tip_readers:
        for name in names:
            before, waiting, after, cpu = tip_readers(name, options.flavor, options.tip_readers)
            print(f"{options.tip_readers} readers at the tip  {name}: {before:.0f} MB resident before, "
                  f"{waiting:.0f} MB waiting, {after:.0f} MB after a block of 1 MB, "
                  f"{cpu:.2f} s CPU for that block")


if __name__ == "__main__":
    main()
