"""Nodes with a Raft channel that are killed, paused, cut off, filled, changed and wiped, for HEDDLE_RAFT_FAULT_MINUTES
minutes, without which this is not run; with HEDDLE_RIVALS=2.5=PATH,3.1=PATH also in each mix with another orderer.

HEDDLE_RAFT_FAULT_NODES and _SEED tell how many and which plan: see raftfaults.py, which does the same without pytest.
"""

import json
import os

import pytest
from harness import rivals
from raftfaults import let_faults_happen, parser

MINUTES = os.environ.get("HEDDLE_RAFT_FAULT_MINUTES", "")
NODES = os.environ.get("HEDDLE_RAFT_FAULT_NODES", "3")
SEED = os.environ.get("HEDDLE_RAFT_FAULT_SEED")
GROUPS = [pytest.param("", id="ours")] + [
    pytest.param(f"{version}={path}", id=version) for version, path in rivals("2.5", "3.1")]


@pytest.mark.skipif(not MINUTES, reason="HEDDLE_RAFT_FAULT_MINUTES is not set")
@pytest.mark.parametrize("others", GROUPS)
def test_what_clients_were_told_and_shown_holds(executable, tmp_path, others):
    """Whatever happens to the nodes."""
    options = [str(executable), str(tmp_path), "--minutes", MINUTES, "--nodes", NODES, "--rivals", others]
    options = parser().parse_args(options + (["--seed", SEED] if SEED else []))
    print(f"seed {options.seed}")
    summary = let_faults_happen(options, tmp_path)
    print(json.dumps(summary, indent=1))
    assert not summary["failures"]
    assert summary["messages in blocks"] and summary["rounds"]
