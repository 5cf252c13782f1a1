#!/usr/bin/env python3
"""Send ten signed transactions to an orderer and print the blocks they end up in.

Without options it talks to the orderer of the quick start, scripts/run.sh on this machine, as the
client whose certificate was made there.

Needs three packages from PyPI:

    pip install grpcio hyperledger-fabric-protos cryptography
"""

import argparse
import hashlib
import os
import pathlib
import sys
import time

try:
    import grpc
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import (
        decode_dss_signature, encode_dss_signature)
    from fabric_protos.common import common_pb2
    from fabric_protos.msp import identities_pb2
    from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
except ImportError as error:
    sys.exit(f"{error}\nInstall what this example needs with:\n"
             "    pip install grpcio hyperledger-fabric-protos cryptography")

NODE = pathlib.Path(__file__).resolve().parent.parent / "heddle-node"
ORDER_OF_CURVE = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF"
                     "581A0DB248B0A77AECEC196ACCC52973", 16),
}
KINDS = {value: name for name, value in common_pb2.HeaderType.items()}


class Failure(Exception):
    """Something the user can do something about."""


class Member:
    """A member of an organization: certificate, private key and the name of the MSP."""

    def __init__(self, msp_id, certificate, key):
        try:
            pem = certificate.read_bytes()
            self.key = serialization.load_pem_private_key(key.read_bytes(), None)
            self.certificate = x509.load_pem_x509_certificate(pem)
        except (OSError, ValueError, TypeError) as error:
            raise Failure(f"cannot use {certificate} and {key}: {error}") from error
        if (not isinstance(self.key, ec.EllipticCurvePrivateKey)
                or self.key.curve.name not in ORDER_OF_CURVE):
            raise Failure(f"{key} must be an ECDSA key on the curve P-256 or P-384")
        if self.key.public_key() != self.certificate.public_key():
            raise Failure(f"{key} is not the key of {certificate}")
        self.creator = identities_pb2.SerializedIdentity(
            mspid=msp_id, id_bytes=pem).SerializeToString()

    def sign(self, message):
        """An ECDSA signature with the smaller of the two possible values of s, as Fabric wants."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        order = ORDER_OF_CURVE[self.key.curve.name]
        return encode_dss_signature(r, min(s, order - s))

    def envelope(self, kind, channel, data):
        """A signed message for a channel."""
        nonce = os.urandom(24)
        header = common_pb2.ChannelHeader(
            type=kind, channel_id=channel,
            tx_id=hashlib.sha256(nonce + self.creator).hexdigest())
        header.timestamp.GetCurrentTime()
        payload = common_pb2.Payload(
            header=common_pb2.Header(
                channel_header=header.SerializeToString(),
                signature_header=common_pb2.SignatureHeader(
                    creator=self.creator, nonce=nonce).SerializeToString()),
            data=data).SerializeToString()
        return common_pb2.Envelope(payload=payload, signature=self.sign(payload))


def only_file(folder):
    """The one file of a folder."""
    try:
        files = [entry for entry in sorted(folder.iterdir()) if entry.is_file()]
    except OSError as error:
        raise Failure(f"cannot read {folder}: {error.strerror}.\n"
                      "Does the MSP exist? scripts/run.sh and examples/new-msp.sh make one.") from error
    if len(files) != 1:
        raise Failure(f"expected one file in {folder}, but there are {len(files)}")
    return files[0]


def newest_block_number(stub, member, channel):
    """The number of the channel's newest block."""
    newest = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
    for block in blocks(stub, member, channel, newest, newest, timeout=30):
        return block.header.number
    raise Failure("the orderer returned no block")


def blocks(stub, member, channel, start, stop, timeout):
    """Blocks of a channel, waiting for those that are not there yet."""
    seek = ab_pb2.SeekInfo(start=start, stop=stop, behavior=ab_pb2.SeekInfo.BLOCK_UNTIL_READY)
    request = member.envelope(
        common_pb2.DELIVER_SEEK_INFO, channel, seek.SerializeToString())
    for response in stub.Deliver(iter([request]), timeout=timeout):
        if response.WhichOneof("Type") == "block":
            yield response.block
        elif response.status != common_pb2.SUCCESS:
            raise Failure(f"the orderer refused to deliver blocks of channel {channel}: "
                          + explain(response.status, ""))
        else:
            return


def explain(status, info):
    """What a status of the orderer means."""
    meanings = {
        common_pb2.FORBIDDEN: "the channel's policies do not allow it to this certificate",
        common_pb2.NOT_FOUND: "there is no such channel; see --channel",
        common_pb2.SERVICE_UNAVAILABLE: "the orderer is not ready; look at its log",
    }
    return ": ".join(filter(None, [
        common_pb2.Status.Name(status), info, meanings.get(status, "")]))


def der(tag, content):
    """A DER element with up to 255 bytes of content."""
    length = [len(content)] if len(content) < 128 else [0x81, len(content)]
    return bytes([tag, *length]) + content


def header_hash(header):
    """The hash of a block header, which the next block repeats."""
    number = header.number.to_bytes(header.number.bit_length() // 8 + 1, "big")
    return hashlib.sha256(der(0x30, der(0x02, number) + der(0x04, header.previous_hash)
                              + der(0x04, header.data_hash)))


def show(block):
    """Print a block."""
    print(f"\nBlock {block.header.number}")
    print(f"  hash           {header_hash(block.header).hexdigest()}")
    print(f"  previous hash  {block.header.previous_hash.hex() or '(none)'}")
    print(f"  data hash      {block.header.data_hash.hex()}")
    print(f"  transactions   {len(block.data.data)}")
    for index, data in enumerate(block.data.data):
        payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(data).payload)
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        kind = KINDS.get(header.type, str(header.type))
        text = f"{len(payload.data)} bytes"
        if header.type == common_pb2.ENDORSER_TRANSACTION:
            text = payload.data.decode("utf-8", "replace")
            text = repr(text if len(text) <= 60 else text[:60] + "...")
        print(f"    {index:3}  {kind}  {header.tx_id[:16]}  {text}")


def run(options):
    """Send the transactions and print the blocks."""
    member = Member(options.mspid,
                    options.cert or only_file(options.msp_dir / "signcerts"),
                    options.key or only_file(options.msp_dir / "keystore"))
    limits = [("grpc.max_receive_message_length", 100 * 1024 * 1024)]
    if options.tls_ca:
        try:
            credentials = grpc.ssl_channel_credentials(options.tls_ca.read_bytes())
        except OSError as error:
            raise Failure(f"cannot read {options.tls_ca}: {error.strerror}") from error
        connection = grpc.secure_channel(options.address, credentials, limits)
    else:
        connection = grpc.insecure_channel(options.address, limits)
    with connection:
        try:
            grpc.channel_ready_future(connection).result(timeout=options.wait)
        except grpc.FutureTimeoutError:
            raise Failure(
                f"no orderer answers at {options.address}. Is it running, is the address right"
                + (" and is it using TLS?" if options.tls_ca
                   else ", and is it without TLS? Otherwise use --tls-ca.")) from None
        stub = ab_pb2_grpc.AtomicBroadcastStub(connection)
        first = newest_block_number(stub, member, options.channel) + 1

        started = time.time()
        envelopes = [
            member.envelope(common_pb2.ENDORSER_TRANSACTION, options.channel,
                            f"Hello, orderer! This is transaction {number}.".encode())
            for number in range(1, options.count + 1)]
        mine = {hashlib.sha256(envelope.SerializeToString()).digest() for envelope in envelopes}
        for number, response in enumerate(stub.Broadcast(iter(envelopes), timeout=60), 1):
            if response.status != common_pb2.SUCCESS:
                raise Failure(f"transaction {number} was refused: "
                              + explain(response.status, response.info))
            if number == options.count:
                break
        print(f"The orderer at {options.address} accepted {options.count} "
              f"transaction{'s' * (options.count != 1)} on channel {options.channel} "
              f"in {(time.time() - started) * 1000:.0f} ms.")

        start = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=first))
        stop = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=2**64 - 1))
        for block in blocks(stub, member, options.channel, start, stop, timeout=60):
            show(block)
            mine -= {hashlib.sha256(data).digest() for data in block.data.data}
            if not mine:
                print("\nAll of them are in the chain.")
                return


def positive(text):
    """A positive whole number."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def main():
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1:7050", help="the orderer's host:port")
    parser.add_argument("--channel", default="test-system-channel-name",
                        help="the channel; the default is what an orderer calls its system channel")
    parser.add_argument("--mspid", default="SampleOrg", help="ID of the sender's MSP")
    parser.add_argument("--msp-dir", type=pathlib.Path, default=NODE / "users/client/msp",
                        help="the sender's MSP folder, for certificate and key")
    parser.add_argument("--cert", type=pathlib.Path, help="the sender's certificate instead")
    parser.add_argument("--key", type=pathlib.Path, help="the sender's private key instead")
    parser.add_argument("--tls-ca", type=pathlib.Path,
                        help="CA certificate of the orderer's TLS certificate; without it, no TLS")
    parser.add_argument("--count", type=positive, default=10, help="how many transactions")
    parser.add_argument("--wait", type=float, default=10, help="seconds to wait for the orderer")
    options = parser.parse_args()
    if bool(options.cert) != bool(options.key):
        parser.error("--cert and --key go together")
    try:
        run(options)
    except Failure as failure:
        sys.exit(f"first_transactions.py: {failure}")
    except grpc.RpcError as error:
        sys.exit(f"first_transactions.py: the connection to {options.address} failed: "
                 f"{error.code().name}: {error.details()}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
