#!/usr/bin/env python3
"""Record what Go orderers make of channel creation transactions.

    python record.py --suite DIR --orderer14 FILE --orderer25 FILE

DIR is the conformance suite (the folder that holds `orderer_conformance`), the FILEs are the
orderer executables of Fabric 1.4 and 2.5. For each case below two files are written next to this
script: NAME.creation.tx, the signed transaction as it was sent, and NAME.config, the new channel's
`common.Config` with its maps sorted by key.
"""

import argparse
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def parse_arguments():
    """The command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("suite", "orderer14", "orderer25"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    return parser.parse_args()


ARGUMENTS = parse_arguments()
sys.path.insert(0, str(ARGUMENTS.suite))

from fabric_protos.common import common_pb2, configtx_pb2  # noqa: E402
from orderer_conformance import blocks, configtx, envelopes, fixtures  # noqa: E402
from orderer_conformance.fixtures import ORG1  # noqa: E402
from orderer_conformance.network import Network  # noqa: E402
from orderer_conformance.process import Orderer  # noqa: E402


def raise_versions(group):
    """Give elements of the system channel's config versions other than 0."""
    orderer = group.groups["Orderer"]
    orderer.version = 3
    orderer.values["BatchSize"].version = 2
    orderer.policies["Writers"].version = 5
    orderer.groups["OrdererOrg"].values["MSP"].version = 6
    group.values["Capabilities"].version = 4
    group.policies["Admins"].version = 1


def raise_all_versions(group):
    """As `raise_versions`, in the consortium as well."""
    raise_versions(group)
    org1 = group.groups["Consortiums"].groups["SampleConsortium"].groups["Org1"]
    org1.version = 7
    org1.values["MSP"].version = 2


def drop_capabilities(group):
    """Raised versions in a config that requires no capability at all."""
    raise_versions(group)
    del group.values["Capabilities"]
    del group.groups["Orderer"].values["Capabilities"]
    del group.groups["Orderer"].groups["OrdererOrg"].values["Endpoints"]
    policy = configtx.signature_policy(("Org1MSP", configtx.ROLES.MEMBER))
    consortium = group.groups["Consortiums"].groups["SampleConsortium"]
    consortium.values["ChannelCreationPolicy"].value = policy.SerializeToString()


def keep(_):
    """Leave the genesis config as it is."""


# (name, flavor, style of the genesis block, transaction, edit of the genesis config)
CASES = [
    ("go25-v20", "2.5", "v20", "channel-v20", keep),
    ("go14-v14", "1.4", "v14", "channel-v14", keep),
    ("go25-v20-old-tx", "2.5", "v20", "channel-v14", keep),
    ("go25-v20-versions", "2.5", "v20", "channel-v20", raise_all_versions),
    ("go14-no-capability", "1.4", "v14", "channel-v14", drop_capabilities),
]


def creation(template, edit):
    """A configtxgen transaction, signed by an administrator of the first organization."""
    signed = configtx_pb2.ConfigUpdateEnvelope.FromString(
        envelopes.inner_data(fixtures.envelope(template)))
    update = configtx_pb2.ConfigUpdate.FromString(signed.config_update)
    if edit is drop_capabilities:
        del update.write_set.groups["Application"].values["Capabilities"]
    return configtx.update_envelope(update.channel_id, update, [ORG1.admin], ORG1.admin)


def record(name, flavor, style, template, edit):
    """Run one case."""
    executable = {"1.4": ARGUMENTS.orderer14, "2.5": ARGUMENTS.orderer25}[flavor]
    genesis = configtx.edit_genesis(fixtures.block(f"system-solo-{style}"), edit)
    with tempfile.TemporaryDirectory() as directory:
        orderer = Orderer(executable.resolve(), flavor, directory, genesis=genesis)
        orderer.start()
        try:
            network = Network(orderer, template)
            message = creation(template, edit)
            network.submit_creation(message)
            wrapped = common_pb2.Envelope.FromString(
                blocks.payload_data(network.system.block(1))[0])
            config = configtx_pb2.ConfigEnvelope.FromString(envelopes.inner_data(wrapped)).config
        finally:
            orderer.stop()
    (HERE / f"{name}.creation.tx").write_bytes(message.SerializeToString())
    (HERE / f"{name}.config").write_bytes(config.SerializeToString(deterministic=True))


for case in CASES:
    record(*case)
