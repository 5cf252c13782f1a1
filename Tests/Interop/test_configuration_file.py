"""The executable finds orderer.yaml and configtx.yaml where Fabric's programs do since 2.3."""

import os
import subprocess

import pytest
import yaml

from harness import FIXTURES


def test_the_named_folder_comes_first(make_orderer):
    """The file in FABRIC_CFG_PATH is taken, and relative paths in it begin in its folder."""
    orderer = make_orderer()
    folder = orderer.directory / "cfg"
    folder.mkdir()
    settings = orderer.settings | {"FileLedger": {"Location": "blocks"}}
    (folder / "orderer.yaml").write_text(yaml.safe_dump(settings))
    orderer.environment = {"FABRIC_CFG_PATH": "cfg"}
    orderer.start()
    assert (folder / "blocks").is_dir()
    assert not (orderer.directory / "ledger").exists()


@pytest.mark.parametrize("named", ["", "nowhere", "."])
def test_the_current_folder_is_next(make_orderer, named):
    """Where the variable is empty or its folder has no such file, the current folder's is taken."""
    orderer = make_orderer()
    orderer.environment = {"FABRIC_CFG_PATH": named}
    orderer.start()
    assert ("FABRIC_CFG_PATH names the folder nowhere" in orderer.log) == (named == "nowhere")


def test_a_missing_file_is_told_with_the_folders(executable, tmp_path):
    """Without any file the process ends with 1 and names the folders that it has searched."""
    done = subprocess.run(
        [executable], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
        env=os.environ | {"FABRIC_CFG_PATH": "/no/where"})
    assert done.returncode == 1
    for folder in ("/no/where", str(tmp_path), "/etc/hyperledger/fabric"):
        assert folder in done.stderr, done.stderr


def genesis(executable, output, cwd, named):
    """Make a block of the fixture's profile; (exit status, standard error)."""
    done = subprocess.run(
        [executable, "genesis", "--profile", "SystemSoloV20", "--channel", "c", "--output", output],
        capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
        env=os.environ | {"FABRIC_CFG_PATH": named})
    return done.returncode, done.stderr


def test_profiles_are_looked_for_alike(executable, tmp_path):
    """`orderer genesis` finds configtx.yaml as the node finds orderer.yaml."""
    profiles, output = FIXTURES / "configtx", tmp_path / "c.block"
    status, error = genesis(executable, output, tmp_path, str(profiles))
    assert status == 0 and output.stat().st_size > 0, error
    assert "warning" not in error
    status, error = genesis(executable, output, profiles, "/no/where")
    assert status == 0 and "warning" in error and "/no/where" in error, error
    status, error = genesis(executable, output, tmp_path, "/no/where")
    assert status == 1 and "/no/where" in error and str(tmp_path) in error, error
