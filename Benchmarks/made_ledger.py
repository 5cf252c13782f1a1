"""Makes ledger folders of any size without an orderer that orders so much.

The blocks are linked and hashed but not signed, and their transactions are no transactions: an orderer
does not look at them again.
"""

import pathlib
import shutil
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.msp import msp_config_pb2
from harness import Orderer, org_user
from ledgerfiles import header_hash, make_block, record

FILE_SIZE = 64 << 20


def source(executable, flavor):
    """(genesis block of the system channel's folder as a tree, block 0 of an application channel)."""
    directory = tempfile.mkdtemp()
    orderer = Orderer(executable, directory, flavor=flavor).start()
    channel = orderer.create_channel("v14" if flavor == "1.4" else "v20")
    genesis = orderer.deliver(channel, org_user(1), 0, 0)[0][0]
    orderer.stop()
    shutil.rmtree(pathlib.Path(directory) / "ledger/chains" / channel)
    shutil.rmtree(pathlib.Path(directory) / "ledger/index")
    return pathlib.Path(directory), genesis


def renamed(genesis, channel):
    """The genesis block of another channel with the same configuration."""
    envelope = common_pb2.Envelope.FromString(genesis.data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    header.channel_id = channel
    payload.header.channel_header = header.SerializeToString()
    envelope.payload = payload.SerializeToString()
    return make_block(0, b"", [envelope.SerializeToString()], [b""] * 5)


def with_own_organizations(genesis):
    """The genesis block with the same organizations but for their certificates, which nobody else has."""
    envelope = common_pb2.Envelope.FromString(genesis.data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    replace_authorities(config.config.channel_group)
    payload.data = config.SerializeToString()
    envelope.payload = payload.SerializeToString()
    return make_block(0, b"", [envelope.SerializeToString()], [b""] * 5)


def replace_authorities(group):
    """Give each MSP below a config group other CAs."""
    for child in group.groups.values():
        replace_authorities(child)
    if "MSP" not in group.values:
        return
    msp = msp_config_pb2.MSPConfig.FromString(group.values["MSP"].value)
    definition = msp_config_pb2.FabricMSPConfig.FromString(msp.config)
    old = list(definition.root_certs) + list(definition.tls_root_certs)
    new = {certificate: authority_like(certificate) for certificate in old}
    definition.root_certs[:] = [new[each] for each in definition.root_certs]
    definition.tls_root_certs[:] = [new[each] for each in definition.tls_root_certs]
    units = definition.fabric_node_ous
    for unit in (units.client_ou_identifier, units.peer_ou_identifier, units.admin_ou_identifier,
                 units.orderer_ou_identifier):
        unit.certificate = new[unit.certificate]
    msp.config = definition.SerializeToString()
    group.values["MSP"].value = msp.SerializeToString()


def authority_like(pem):
    """A self-signed certificate with the subject and the extensions of another one."""
    old, key = x509.load_pem_x509_certificate(pem), ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        issuer_name=old.subject, subject_name=old.subject, public_key=key.public_key(),
        serial_number=x509.random_serial_number(), not_valid_before=old.not_valid_before_utc,
        not_valid_after=old.not_valid_after_utc)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    for extension in old.extensions:
        value = extension.value
        builder = builder.add_extension(
            identifier if isinstance(value, x509.SubjectKeyIdentifier) else value,
            extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def metadata():
    """The metadata of a block whose configuration is in block 0; without signatures."""
    signed = common_pb2.OrdererBlockMetadata(last_config=common_pb2.LastConfig(index=0))
    value = common_pb2.Metadata(value=signed.SerializeToString()).SerializeToString()
    config = common_pb2.Metadata(
        value=common_pb2.LastConfig(index=0).SerializeToString()).SerializeToString()
    return [value, config, b"", b"", b""]


def write_channel(ledger, genesis, channel, count, entries_of):
    """Write the block files of a channel of `count` blocks with the data that `entries_of` makes."""
    folder = ledger / "chains" / channel
    folder.mkdir(parents=True)
    block, parts, part, size = renamed(genesis, channel), metadata(), 0, 0
    file = open(folder / "blockfile_000000", "wb")  # pylint: disable=consider-using-with
    for number in range(count):
        if number > 0:
            block = make_block(number, header_hash(block.header), entries_of(number), parts)
        data = record(block)
        if size and size + len(data) > FILE_SIZE:
            file.close()
            part, size = part + 1, 0
            file = open(folder / f"blockfile_{part:06}", "wb")  # pylint: disable=consider-using-with
        file.write(data)
        size += len(data)
    file.close()
