"""`orderer benchmark` measures what happened, and ends with a status that says whether all went well."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness import FIXTURES, rivals, wait_for
from kafka import Broker

ORG1 = FIXTURES / "crypto/org1.test"
NODE = FIXTURES / "crypto/orderer.test/nodes/node1/tls"


PAIR = ("--messages", 200, "--warm-up", 20, "--rounds", 2, "--streams", 4, "--block-messages", 10)


def benchmark(executable, folder, *arguments, status=0):
    """(report, standard output, standard error) of a run with temporary files in a folder."""
    folder.mkdir(exist_ok=True)
    report = folder / "report.json"
    done = subprocess.run(
        [executable, "benchmark", *map(str, arguments), *(["--json", report] if not status else [])],
        capture_output=True, text=True, timeout=600, check=False,
        env=os.environ | {"TMPDIR": str(folder)})
    assert done.returncode == status, (done.stdout, done.stderr)
    left = [path.name for path in folder.iterdir() if path != report]
    assert not left, left
    return json.loads(report.read_text()) if not status else None, done.stdout, done.stderr


def check(run, messages=None):
    """All that was sent is acknowledged and delivered, and what is measured belongs together."""
    assert run["sent"] == run["acknowledged"] == run["delivered"] > 0
    assert messages in (None, run["sent"])
    assert not run["missing"] + run["duplicates"] + run["unanswered"] + run["failures"]
    assert run["acknowledgeLatency"]["count"] == run["deliverLatency"]["count"] == run["sent"]
    for latency in (run["acknowledgeLatency"], run["deliverLatency"]):
        assert 0 < latency["median"] <= latency["p99"] <= latency["maximum"]
    assert run["server"]["cpuSeconds"] > 0 and run["client"]["cpuSeconds"] > 0
    assert run["server"]["residentMegabytes"] <= run["server"]["peakMegabytes"]
    assert 0 < run["maximumBacklog"] <= run["sent"]


def test_without_arguments(executable, tmp_path):
    """A node of its own is measured in three ways, and nothing is left of it."""
    report, text, _ = benchmark(executable, tmp_path / "files", "--seconds", 2)
    long, gateway, reading = report["runs"]
    check(long)
    check(gateway)
    assert gateway["plan"]["use"] == "onePerEnvelope"
    assert reading["readMegabytesPerSecond"] > 0 and reading["server"]["secondsPerGigabyte"] > 0
    assert text.count("limited by") == 3
    assert all(name in text for name in ("long streams", "one envelope per stream", "catching up"))


@pytest.mark.parametrize("options", [
    ("--tls", "--channels", 3, "--readers", 2), ("--consensus", "etcdraft", "--mutual-tls"),
    ("--one-per-stream", "--streams", 3, "--connections", 2, "--size", 20_000)])
def test_started_nodes(executable, tmp_path, options):
    """With TLS and without, several channels, Raft, large envelopes: a number of messages is sent to its end."""
    report, _, _ = benchmark(executable, tmp_path / "files", "--messages", 300, "--warm-up", 20,
                             "--block-messages", 10, *options)
    check(report["runs"][0], 300)


def test_kafka(executable, tmp_path):
    """What one round has left on the brokers does not disturb the next."""
    broker = Broker(tmp_path).start()
    try:
        report, _, _ = benchmark(
            executable, tmp_path / "files", "--messages", 100, "--warm-up", 20, "--streams", 4,
            "--rounds", 2, "--consensus", "kafka", "--brokers", broker.address)
    finally:
        broker.stop()
    assert len(report["runs"]) == 2
    for run in report["runs"]:
        check(run, 100)


def test_rate(executable, tmp_path):
    """At a fixed rate no more is sent than that."""
    report, _, _ = benchmark(executable, tmp_path / "files", "--rate", 100, "--seconds", 2,
                             "--warm-up", 0, "--streams", 4)
    run = report["runs"][0]
    check(run)
    assert run["sent"] <= 200 and run["seconds"] >= 1.9


def test_pairs(executable, tmp_path):
    """Two executables have their turns; the ratios of their rounds are printed."""
    others = [path for _, path in rivals("2.5")] or [executable]
    for other in others:
        report, text, _ = benchmark(
            executable, tmp_path / "files", *PAIR, "--against", other)
        name = "/".join(Path(other).parts[-2:])
        assert [run["orderer"] for run in report["runs"]] == ["this orderer", name] * 2
        assert [run["round"] for run in report["runs"]] == [1, 1, 2, 2]
        for run in report["runs"]:
            check(run, 200)
        assert "orderer's CPU (us/tx)" in text and "ratio" in text


def test_pairs_of_builds(executable, tmp_path):
    """Two builds whose paths end alike are told apart, and the first is compared with the second."""
    builds = [tmp_path / name / "release/orderer" for name in "AB"]
    for build in builds:
        build.parent.mkdir(parents=True)
        build.symlink_to(executable)
    report, text, _ = benchmark(
        executable, tmp_path / "files", *PAIR, "--executable", builds[0], "--against", builds[1])
    names = ["A/release/orderer", "B/release/orderer"]
    assert [run["orderer"] for run in report["runs"]] == names * 2
    assert text.split()[:2] == names
    rates = [run["acknowledgedPerSecond"] for run in report["runs"]]
    ratios = sorted(ours / theirs for ours, theirs in zip(rates[::2], rates[1::2]))
    line = next(line for line in text.splitlines() if "acknowledged (tx/s)" in line)
    for shown, ratio in zip(line.split()[5:7], ratios):
        assert abs(float(shown) / ratio - 1) < 0.02


def listens(port):
    """Whether somebody listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def test_running_node_with_mutual_tls(executable, make_orderer, tmp_path):
    """A node that runs is measured by address, as a client that it has to know."""
    orderer = make_orderer().start()
    channel = orderer.create_channel()
    orderer.stop()
    orderer.settings["General"]["TLS"] |= {
        "Enabled": True, "ClientAuthRequired": True,
        "ClientRootCAs": [str(ORG1 / "tlsca/cert.pem")]}
    orderer.start(wait=False)
    wait_for(lambda: listens(orderer.port), "the orderer listens")
    user = ORG1 / "users/user1"
    target = ["--address", orderer.address, "--channel", channel, "--msp-id", "Org1MSP",
              "--cert", user / "cert.pem", "--key", user / "key.pem", "--pid", orderer.process.pid,
              "--tls-ca", NODE / "ca.crt", "--messages", 60, "--streams", 3, "--warm-up", 0]
    tls = ["--tls-cert", user / "tls.crt", "--tls-key", user / "tls.key"]
    files = tmp_path / "files"

    def answers():
        done = subprocess.run([executable, "benchmark", *map(str, target + tls), "--catch-up"],
                              capture_output=True, check=False, timeout=60)
        return done.returncode == 0
    wait_for(answers, "the channel can be read")
    for option in ([], ["--one-per-stream"]):
        report, _, _ = benchmark(executable, files, *target, *tls, *option)
        check(report["runs"][0], 60)
    # Without a certificate there is no connection, and with the wrong root neither.
    benchmark(executable, files, *target, status=1)
    wrong = [ORG1 / "tlsca/cert.pem" if item == NODE / "ca.crt" else item for item in target]
    _, _, error = benchmark(executable, files, *wrong, *tls, status=1)
    assert "not trusted" in error
    assert orderer.process.poll() is None


def test_refused_client(executable, orderer, tmp_path):
    """A client that may not write is told so."""
    channel = orderer.create_channel()
    stranger = FIXTURES / "crypto/org3.test/users/user1"
    _, _, error = benchmark(
        executable, tmp_path / "files", "--address", orderer.address, "--channel", channel,
        "--msp-id", "Org3MSP", "--cert", stranger / "cert.pem", "--key", stranger / "key.pem",
        "--messages", 10, status=1)
    assert "403" in error


def test_interrupted(executable, tmp_path):
    """Whoever interrupts a measurement leaves no node and no files behind."""
    folder = tmp_path / "files"
    folder.mkdir()
    process = subprocess.Popen(
        [executable, "benchmark", "--seconds", "300"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(folder)})
    try:
        wait_for(lambda: list(folder.glob("*/ledger/chains/benchmark-1")), "the channel is there")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1 and "interrupted" in error
    assert not list(folder.iterdir())


def test_comparing_files(executable, tmp_path):
    """Ratios of two files; a file that is none and arguments without sense have their statuses."""
    reports = []
    for name in ("a", "b"):
        report, _, _ = benchmark(executable, tmp_path / name, "--messages", 100, "--warm-up", 0,
                                 "--streams", 4, "--block-messages", 10)
        reports.append(report)
    paths = [tmp_path / name / "report.json" for name in ("a", "b")]
    done = subprocess.run([executable, "benchmark", "--compare", *paths], capture_output=True,
                          text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if "acknowledged (tx/s)" in line)
    ratio = reports[0]["runs"][0]["acknowledgedPerSecond"] / reports[1]["runs"][0]["acknowledgedPerSecond"]
    assert abs(float(line.split()[4]) / ratio - 1) < 0.02
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    for arguments, status in (((paths[0], empty), 1), ((paths[0],), 2)):
        done = subprocess.run([executable, "benchmark", "--compare", *arguments],
                              capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr


@pytest.mark.parametrize("arguments", [
    ("--rate", "0"), ("--address", "x"), ("--address", "localhost:7050"), ("--pid", "1"),
    ("--consensus", "paxos"), ("--consensus", "kafka"), ("--nothing",), ("--streams", "many")])
def test_usage(executable, arguments):
    """Arguments without sense end with status 2 and a line that says why."""
    done = subprocess.run([executable, "benchmark", *arguments], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith("orderer: error: ")
