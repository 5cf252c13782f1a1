"""Keys of every kind, on channels with and without the capability V3_0: docs/identities.md."""

import datetime
import os
import subprocess

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import NameOID
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.msp import identities_pb2
from channelclient import submit
from harness import FIXTURES, SYSTEM_CHANNEL, envelope, orderer_admin, payload_data, wait_for

ORDERS = {
    256: int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16),
    384: int(48 * "F" + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    521: int("1" + 64 * "F" + "FA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16)}
KEYS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate}


def sign(key, message):
    """A signature as Fabric's clients make it; with RSA, which Fabric has no way for, PKCS #1."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return encode_dss_signature(r, min(s, ORDERS[key.curve.key_size] - s))


class Member:
    """A certificate with its key."""

    def __init__(self, name, key, issuer=None, is_ca=False):
        self.key = key
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begin = datetime.datetime(2024, 1, 1)
        usage = x509.KeyUsage(True, False, False, False, False, is_ca, is_ca, False, False)
        builder = (x509.CertificateBuilder().subject_name(self.name)
                   .issuer_name((issuer or self).name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(begin).not_valid_after(begin + datetime.timedelta(36500))
                   .add_extension(x509.BasicConstraints(is_ca, None), True)
                   .add_extension(usage, True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
        signer = (issuer or self).key
        hashing = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        self.certificate = builder.sign(signer, hashing)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.creator = identities_pb2.SerializedIdentity(
            mspid="KeysMSP", id_bytes=self.pem).SerializeToString()

    def sign(self, message):
        """A signature of this member."""
        return sign(self.key, message)


class Organization:
    """An organization whose CAs have keys of every kind that CAs may have under V2_0."""

    def __init__(self, folder):
        self.folder = folder
        self.root = Member("root", KEYS["P-256"](), is_ca=True)
        self.rsa_root = Member("RSA root", KEYS["RSA"](), is_ca=True)
        self.p521_root = Member("P-521 root", KEYS["P-521"](), is_ca=True)
        self.admin = Member("admin", KEYS["P-256"](), self.root)
        self.members = {kind: Member(kind, make(), self.root) for kind, make in KEYS.items()}
        self.members["P-256 of an RSA CA"] = Member("a", KEYS["P-256"](), self.rsa_root)
        self.members["P-384 of a P-521 CA"] = Member("b", KEYS["P-384"](), self.p521_root)
        self.write("cacerts", root=self.root, rsa=self.rsa_root, p521=self.p521_root)
        self.write("admincerts", admin=self.admin)

    def write(self, name, **members):
        """Write certificates into a folder of the MSP folder."""
        (self.folder / name).mkdir(parents=True)
        for file, member in members.items():
            (self.folder / name / f"{file}.pem").write_bytes(member.pem)

    def node(self, kind):
        """Make it the MSP folder of a node that signs with a key of this kind; the node."""
        node = Member("node", KEYS[kind](), self.root)
        self.write("signcerts", node=node)
        (self.folder / "keystore").mkdir()
        (self.folder / "keystore" / "key.pem").write_bytes(node.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return node


def genesis(executable, folder, organization, capability):
    """A genesis block of a system channel of the fixtures' orderer organization and this one."""
    def organization_section(name, msp_id, msp):
        rule = {"Type": "Signature", "Rule": f"OR('{msp_id}.member')"}
        admins = {"Type": "Signature", "Rule": f"OR('{msp_id}.admin')"}
        return {"Name": name, "ID": msp_id, "MSPDir": str(msp),
                "OrdererEndpoints": ["127.0.0.1:7050"],
                "Policies": {"Readers": rule, "Writers": rule, "Admins": admins}}
    policies = {name: {"Type": "ImplicitMeta", "Rule": rule} for name, rule in (
        ("Readers", "ANY Readers"), ("Writers", "ANY Writers"), ("Admins", "MAJORITY Admins"))}
    profile = {
        "Capabilities": {capability: True}, "Policies": policies,
        "Consortiums": {"SampleConsortium": {"Organizations": []}},
        "Orderer": {
            "OrdererType": "solo", "BatchTimeout": "100ms",
            "BatchSize": {"MaxMessageCount": 10, "AbsoluteMaxBytes": "256 KB",
                          "PreferredMaxBytes": "64 KB"},
            "Capabilities": {"V2_0": True},
            "Organizations": [
                organization_section("OrdererOrg", "OrdererMSP", FIXTURES / "crypto/orderer.test/msp"),
                organization_section("KeysOrg", "KeysMSP", organization.folder)],
            "Policies": policies | {
                "BlockValidation": {"Type": "ImplicitMeta", "Rule": "ANY Writers"}}}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "configtx.yaml").write_text(yaml.safe_dump({"Profiles": {"Keys": profile}}))
    block = folder / "genesis.block"
    subprocess.run([executable, "genesis", "--profile", "Keys", "--channel", SYSTEM_CHANNEL,
                    "--config", folder / "configtx.yaml", "--output", block], check=True)
    return block


@pytest.fixture(name="organization")
def fixture_organization(tmp_path):
    """An organization of its own for each test."""
    return Organization(tmp_path / "msp")


@pytest.fixture(name="make_node")
def fixture_make_node(executable, make_orderer, organization, tmp_path):
    """A function that starts a node whose system channel has a capability."""
    def make(capability, **options):
        block = genesis(executable, tmp_path / "profile", organization, capability)
        return make_orderer(options={"General.BootstrapFile": str(block)} | options).start()
    return make


def statuses(orderer, organization):
    """What each kind of member gets for a transaction."""
    return {kind: submit(orderer, envelope(SYSTEM_CHANNEL, member, b"x"))[0]
            for kind, member in organization.members.items()}


WITHOUT = {"P-256": "SUCCESS", "P-384": "SUCCESS", "P-521": "SUCCESS", "RSA": "FORBIDDEN",
           "Ed25519": "FORBIDDEN", "P-256 of an RSA CA": "SUCCESS",
           "P-384 of a P-521 CA": "SUCCESS"}
WITH = WITHOUT | {"Ed25519": "SUCCESS"}


def switch_on(capability, signers):
    """The update that leaves the channel with this one capability."""
    update = configtx_pb2.ConfigUpdate(channel_id=SYSTEM_CHANNEL)
    capabilities = configuration_pb2.Capabilities()
    capabilities.capabilities[capability].SetInParent()
    update.read_set.version = 0
    update.write_set.values["Capabilities"].CopyFrom(configtx_pb2.ConfigValue(
        version=1, mod_policy="Admins", value=capabilities.SerializeToString()))
    signed = configtx_pb2.ConfigUpdateEnvelope(config_update=update.SerializeToString())
    for signer in signers:
        header = common_pb2.SignatureHeader(
            creator=signer.creator, nonce=os.urandom(24)).SerializeToString()
        signed.signatures.add(signature_header=header,
                              signature=signer.sign(header + signed.config_update))
    return envelope(SYSTEM_CHANNEL, signers[0], signed.SerializeToString(),
                    common_pb2.CONFIG_UPDATE)


def test_ed25519_counts_from_the_capability_on(make_node, organization):
    """Who was refused under V2_0 is accepted from the block on that sets V3_0."""
    orderer = make_node("V2_0")
    assert statuses(orderer, organization) == WITHOUT
    update = switch_on("V3_0", [orderer_admin(), organization.admin])
    assert submit(orderer, update) == ("SUCCESS", "")
    assert statuses(orderer, organization) == WITH
    orderer.stop()
    orderer.start()
    assert statuses(orderer, organization) == WITH


def test_ed25519_admins_sign_config_updates(make_node, organization):
    """With V3_0 an admin may have an Ed25519 key; its signature counts on a config update."""
    organization.admin = organization.members["Ed25519"]
    (organization.folder / "admincerts" / "admin.pem").write_bytes(organization.admin.pem)
    orderer = make_node("V3_0")
    update = switch_on("V3_0", [organization.admin])
    assert submit(orderer, update)[0] == "BAD_REQUEST", "one of two organizations is no majority"
    update = switch_on("V3_0", [organization.admin, orderer_admin()])
    assert submit(orderer, update) == ("SUCCESS", "")


def element(tag, content):
    """A short DER element."""
    return bytes([tag, len(content)]) + content


@pytest.mark.parametrize("kind", ["P-384", "P-521", "Ed25519"])
def test_nodes_sign_blocks(make_node, organization, kind):
    """The node's own key may be of any kind that signs; its block signatures verify."""
    node = organization.node(kind)
    orderer = make_node("V3_0", **{"General.LocalMSPDir": str(organization.folder),
                                   "General.LocalMSPID": "KeysMSP"})
    assert ("V3_0" in orderer.log) == (kind == "Ed25519")
    member = organization.members["P-256"]
    assert submit(orderer, envelope(SYSTEM_CHANNEL, member, b"in a block")) == ("SUCCESS", "")
    wait_for(lambda: orderer.height(SYSTEM_CHANNEL, member) == 2, "the block is there")
    blocks, status = orderer.deliver(SYSTEM_CHANNEL, member, 1, 1)
    assert status == "SUCCESS" and payload_data(blocks[0].data.data[0]) == b"in a block"
    metadata = common_pb2.Metadata.FromString(blocks[0].metadata.metadata[0])
    header = blocks[0].header
    signed = metadata.value + metadata.signatures[0].signature_header + element(
        0x30, element(2, bytes([header.number])) + element(4, header.previous_hash)
        + element(4, header.data_hash))
    signature = metadata.signatures[0].signature
    if kind == "Ed25519":
        node.key.public_key().verify(signature, signed)
    else:
        node.key.public_key().verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        assert decode_dss_signature(signature)[1] <= ORDERS[node.key.curve.key_size] // 2


def test_nodes_do_not_sign_with_rsa(make_node, organization):
    """A node with an RSA key does not start, and says why."""
    organization.node("RSA")
    with pytest.raises(RuntimeError, match="ECDSA"):
        make_node("V2_0", **{"General.LocalMSPDir": str(organization.folder),
                             "General.LocalMSPID": "KeysMSP"})
