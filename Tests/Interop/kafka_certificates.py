"""Certificates for brokers and their clients, made as a test needs them."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


class Certificate:
    """A certificate with its key, and the certificates of CAs that lead to its root."""

    def __init__(self, name, issuer=None, hosts=(), is_ca=False, days=(-1, 30)):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder().subject_name(subject).public_key(self.key.public_key())
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
            .add_extension(x509.BasicConstraints(is_ca, None), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False))
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([self._host(h) for h in hosts]), False)
        if not is_ca:
            usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.chain = self.pem + (issuer.chain if issuer and issuer.issuer else "")
        self.issuer = issuer
        self.key_pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode()

    @staticmethod
    def _host(text):
        try:
            return x509.IPAddress(ipaddress.ip_address(text))
        except ValueError:
            return x509.DNSName(text)


def authority(name="Kafka CA", issuer=None):
    """A CA's certificate."""
    return Certificate(name, issuer, is_ca=True)


def server_context(directory, certificate, clients=None):
    """What a TLS server needs; with `clients`, it insists on certificates of that CA."""
    chain, key = directory / "server.pem", directory / "server.key"
    chain.write_text(certificate.chain)
    key.write_text(certificate.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.pem)
    return context


def client_settings(certificate, *roots):
    """The section Kafka.TLS of a client."""
    return {"Enabled": True, "PrivateKey": certificate.key_pem, "Certificate": certificate.chain,
            "RootCAs": [root.pem for root in roots]}
