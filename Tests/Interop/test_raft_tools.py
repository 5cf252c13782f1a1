"""`orderer raft` tells the truth about folders that Go's orderers left, and repairs them."""

import json
import os
import pathlib
import shutil
import struct
import subprocess

import pytest
from faults import CHANGES, KILL, Faults, compile_library

VECTORS = os.environ.get("HEDDLE_RAFT_VECTORS")
ARCHIVES = ["raft-single-v2.5.16", "raft-single-v3.1.5-killed", "raft-group-v2.5.16-behind",
            "raft-gap-v2.5.16", "raft-segments-v2.5.16", "raft-system-v1.4.12",
            "raft-migrated-from-kafka-v2.5.16"]

pytestmark = pytest.mark.skipif(not VECTORS, reason="no recorded folders")


def raft(executable, root, command, *arguments):
    """(exit status, standard output, standard error) of a subcommand on a node's folder."""
    done = subprocess.run(
        [executable, "raft", command, *arguments, "--wal", root / "etcdraft/wal",
         "--snapshots", root / "etcdraft/snapshot"],
        capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def nodes(archive, folder):
    """Unpacks an archive; (folder, what the manifest says) of its nodes."""
    path = pathlib.Path(VECTORS) / f"{archive}.tar.gz"
    subprocess.run(["tar", "-xzf", path, "-C", folder], check=True)
    manifest = json.loads((path.parent / "manifest.json").read_text())
    for name, node in manifest[f"{archive}.tar.gz"]["nodes"].items():
        if (folder / name / "etcdraft").is_dir():
            yield folder / name, node["channels"]


@pytest.mark.parametrize("archive", ARCHIVES)
def test_recorded_folders(executable, archive, tmp_path):
    """Counts, hard states, members and blocks are those that another reader found."""
    for root, channels in nodes(archive, tmp_path):
        raft_channels = {name for name, channel in channels.items() if channel.get("wal")}
        status, output, error = raft(executable, root, "verify", "--json")
        reports = {report["channel"]: report for report in json.loads(output)}
        assert status == 0 and set(reports) == raft_channels, error
        for name in raft_channels:
            wal = channels[name]["wal"]
            status, output, error = raft(executable, root, "show", name, "--entries", "--json")
            assert status == 0, error
            shown = json.loads(output)
            assert shown["lastIndex"] == reports[name]["lastIndex"] == wal["entries"]["last"]
            assert shown["hardState"]["term"] == wal["hard_state"]["term"]
            assert shown["hardState"]["vote"] == wal["hard_state"]["vote"]
            assert ([segment["end"] for segment in shown["segments"]]
                    == [segment["end"] for segment in wal["segments"]])
            files = [each for each in channels[name]["snapshots"] if each["name"].endswith(".snap")]
            assert ([(each["index"], each["block"]) for each in shown["snapshots"]]
                    == [(each["index"], each["block"].get("number", 0)) for each in files])
            blocks = [entry for entry in shown["entries"] if "block" in entry]
            newest = wal["newest_block_entry"]
            assert (blocks[-1]["index"], blocks[-1]["block"]) == (newest["index"], newest["number"])
            assert raft(executable, root, "show", name, "--records")[0] == 0


def test_a_torn_tail_is_repaired(executable, tmp_path):
    """What is cut off within its last record is reported with status 1, repaired, and then sound."""
    [(root, channels)] = nodes("raft-single-v2.5.16", tmp_path)
    [segment] = channels["vector-raft"]["wal"]["segments"]
    path = root / "etcdraft/wal/vector-raft" / segment["name"]
    last = segment["last_record"]
    os.truncate(path, last["offset"] + last["frame_size"] - 12)
    status, output, _ = raft(executable, root, "verify")
    assert status == 1 and "NEEDS REPAIR" in output and f"offset {last['offset']}" in output
    status, output, error = raft(executable, root, "repair", "vector-raft")
    assert status == 0 and "repaired" in output, error
    assert path.stat().st_size == last["offset"]
    broken = path.with_name(path.name + ".broken")
    assert broken.stat().st_size == last["offset"] + last["frame_size"] - 12
    assert raft(executable, root, "verify")[0] == 0
    assert "nothing to repair" in raft(executable, root, "repair", "vector-raft")[1]


def test_damage_is_not_repaired(executable, tmp_path):
    """A changed bit within the log is reported with file and offset, and the file stays as it is."""
    [(root, channels)] = nodes("raft-single-v2.5.16", tmp_path)
    [segment] = channels["vector-raft"]["wal"]["segments"]
    path = root / "etcdraft/wal/vector-raft" / segment["name"]
    with open(path, "r+b") as file:
        file.seek(5000)
        [byte] = struct.unpack("B", file.read(1))
        file.seek(5000)
        file.write(struct.pack("B", byte ^ 1))
    for command in ["verify", "repair"]:
        status, output, error = raft(executable, root, command, "vector-raft")
        assert status == 1 and f"{path} is damaged at offset" in output + error
    assert not path.with_name(path.name + ".broken").exists()
    shutil.rmtree(path.parent)
    status, output, _ = raft(executable, root, "verify")
    assert status == 1 and "there is no raft log" in output
    status, _, error = raft(executable, root, "show", "nothere")
    assert status == 1 and "there is no raft log of channel nothere" in error


def test_a_recovery_that_is_killed_leaves_the_old_log_or_the_new_one(executable, tmp_path):
    """At each operation on files in turn."""
    [_, (root, _), _] = nodes("raft-group-v2.5.16-behind", tmp_path)
    shutil.copytree(root, tmp_path / "before")
    library = compile_library(tmp_path)
    voters = []
    for step in range(500):
        shutil.rmtree(root)
        shutil.copytree(tmp_path / "before", root)
        faults = Faults(library, tmp_path)
        faults.fail(CHANGES, "*/etcdraft/*", KILL, skip=step)
        done = subprocess.run(
            [executable, "raft", "recover", "vector-group", "--node", "2", "--confirm",
             "vector-group", "--ledger", root / "ledger", "--wal", root / "etcdraft/wal",
             "--snapshots", root / "etcdraft/snapshot"], capture_output=True, text=True,
            env=os.environ | faults.environment, timeout=120, check=False)
        status, output, error = raft(executable, root, "show", "vector-group", "--json")
        assert status == 0, error
        shown = json.loads(output)
        assert "problem" not in shown and shown["lastIndex"] == 34
        voters.append(shown["members"]["voters"])
        # What was there is still there, or aside.
        assert (len(list((root / "etcdraft/wal/vector-group").glob("*-*.wal"))) > 0)
        if done.returncode == 0:
            break
        assert done.returncode < 0
    assert done.returncode == 0 and len(voters) > 8
    assert sorted(voters, key=len, reverse=True) == voters
    assert voters[0] == [1, 2, 3] and voters[-1] == [2]
