#!/usr/bin/env python3
"""Measures what catching up by Deliver costs an orderer, in turn with a rival.

    python3 Benchmarks/deliver_catchup.py --orderer .build/release/orderer [--rival OTHER] \
        [--megabytes 240] [--readers 1,16] [--rounds 3] [--tip-readers 1000]

Both get a copy of one ledger with blocks of 500 messages of 2 KB. Each round starts each executable on
its copy and lets a number of readers fetch the whole channel at once; the first time from a process that has
just started, then again. CPU is the user and system time of the orderer process; the readers discard
what they get without decoding it. Machines differ and drift: quote the ratio. Needs the packages of
Tests/Interop/requirements.txt.
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

PER_BLOCK = 500
MESSAGE = 2_000
CHANNEL = "catchup"


def read_all(address, request, totals):
    """Fetch what is asked for without decoding it; adds the number of bytes to `totals`."""
    with grpc.insecure_channel(address, [
            ("grpc.max_receive_message_length", MESSAGE_LIMIT),
            ("grpc.use_local_subchannel_pool", 1)]) as channel:
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
    threads = [threading.Thread(target=read_all, args=(orderer.address, request, totals))
               for _ in range(readers)]
    cpu, began = orderer.cpu_seconds(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, spent = time.monotonic() - began, orderer.cpu_seconds() - cpu
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
    parser.add_argument("--readers", default="1,16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tip-readers", type=int, default=1000, help="0 leaves that part out")
    options = parser.parse_args()
    names = [options.orderer] + ([options.rival] if options.rival else [])
    with tempfile.TemporaryDirectory() as base:
        base = pathlib.Path(base)
        made, genesis = source(options.orderer, options.flavor)
        height = options.megabytes * 1_000_000 // (PER_BLOCK * MESSAGE) + 1
        write_channel(made / "ledger", genesis, CHANNEL, height,
                      lambda _: [os.urandom(MESSAGE) for _ in range(PER_BLOCK)])
        request = seek(CHANNEL, org_user(1), 0, height - 1).SerializeToString()
        for index in range(len(names)):
            (base / str(index)).mkdir()
            shutil.copytree(made / "ledger", base / str(index) / "ledger")
        for readers in map(int, options.readers.split(",")):
            results = {name: [] for name in names}
            for turn in range(options.rounds):
                for index, name in enumerate(names):
                    orderer = Orderer(name, base / str(index), flavor=options.flavor).start()
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
