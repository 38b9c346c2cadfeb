"""Authorities, certificates and keys for tests, made by ``cryptography``."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

# First: what needs it is skipped where it is missing.
from extras import cryptography  # noqa: F401  isort: skip

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Made(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, password=None) -> bytes:
        how = BestAvailableEncryption(password) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


class Files(NamedTuple):
    """Where a certificate and its key are."""

    cert: str
    key: str

    def words(self):
        return ['--tls-cert', self.cert, '--tls-key', self.key]


def make(name, issuer=None, *, days=(-1, 90), is_authority=False, kind='ec'):
    """A certificate for `name`, localhost and 127.0.0.1; signed by itself without an issuer."""
    key = (ec.generate_private_key(ec.SECP256R1()) if kind == 'ec'
           else rsa.generate_private_key(public_exponent=65537, key_size=2048))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer or Made(None, key)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(
        issuer_name=issuer.certificate.subject if issuer else subject, subject_name=subject,
        public_key=key.public_key(), serial_number=x509.random_serial_number(),
        not_valid_before=now + days[0] * DAY, not_valid_after=now + days[1] * DAY)
    builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
        signer.key.public_key()), critical=False)
    if is_authority:
        builder = builder.add_extension(x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False,
            encipher_only=False, decipher_only=False), critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([
            x509.DNSName('localhost'), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]),
            critical=False)
    return Made(builder.sign(signer.key, hashes.SHA256()), key)


def write(folder, name, made, *chain):
    """Write a certificate, with its chain, and its key."""
    folder = Path(folder)
    cert, key = folder / f'{name}.crt', folder / f'{name}.key'
    cert.write_bytes(b''.join(one.pem for one in (made, *chain)))
    key.write_bytes(made.key_pem())
    return Files(str(cert), str(key))


class Authority:
    """One that is its own issuer, and what it signs, in a folder."""

    def __init__(self, folder, name='ca'):
        self.folder = Path(folder)
        self.made = make(name, is_authority=True)
        path = self.folder / f'{name}.pem'
        path.write_bytes(self.made.pem)
        self.path = str(path)

    def sign(self, name='localhost', **options):
        return write(self.folder, name, make(name, self.made, **options))

    def context(self, client=None):
        """Of a client that trusts it."""
        context = ssl.create_default_context(cafile=self.path)
        if client is not None:
            context.load_cert_chain(*client)
        return context
