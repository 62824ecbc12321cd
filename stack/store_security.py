"""The credentials by which the parts of SeaweedFS trust one another, so that nobody else gets in behind the S3 gateway.

Without them, whoever reaches the filer's port can list buckets and read every delivery, and the master deletes a bucket's data on a plain
GET. So the filer and the volume server answer only requests signed with a key (JWT), and the master and all gRPC ports use mutual TLS.
Keys and certificate are generated once; `weed` reads `security.toml` in the folder it starts in.
"""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from stack.secrets import SECRET_BYTES, write_private

SIGNED = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
ENCRYPTED = tuple(f"grpc.{part}" for part in ("master", "volume", "filer", "s3", "admin", "worker", "client"))
VALID = timedelta(days=20 * 365)
"""Only this server knows the certificate; a shorter lifetime would only stop the server one day."""


def write_security(folder: Path) -> None:
    """Write `security.toml`, and the certificate it names, to a folder, unless it is there."""
    path, certificate, key = folder / "security.toml", folder / "store.pem", folder / "store.key"
    if path.exists():
        return
    _write_certificate(certificate, key)
    pair = f'cert = "{certificate}"\nkey = "{key}"\n'
    sections = {
        **{name: f'key = "{secrets.token_hex(SECRET_BYTES)}"\n' for name in SIGNED},
        "filer.expose_directory_metadata": "enabled = false\n",
        "grpc": f'ca = "{certificate}"\n',
        **dict.fromkeys(ENCRYPTED, pair),
        "https.master": f'{pair}ca = "{certificate}"\n',
    }
    write_private(path, "\n".join(f"[{name}]\n{content}" for name, content in sections.items()))


def _write_certificate(certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ioc-store")]), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    write_private(key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    write_private(certificate, signed.public_bytes(Encoding.PEM).decode())
