"""A stack next to others, with its own home and block of ports, for tests and measurements."""

from pathlib import Path

from core.settings import Settings
from stack.secrets import ensure_secrets

PORTS = 32
"""How many ports from the first one belong to a stack; the object store uses nine of them, and one 10,008 above the first."""


def separate_stack(home: Path, first_port: int) -> Settings:
    """Return the settings of a stack in `home` with ports from `first_port`, generating its secrets."""
    return ensure_secrets(
        Settings(
            home=home,
            s3_port=first_port,
            postgres_port=first_port + 16,
            sftp_port=first_port + 17,
            airflow_port=first_port + 18,
            superset_port=first_port + 19,
            source_urls={
                "feedback": f"http://127.0.0.1:{first_port + 20}/open311/v2",
                "public_services": f"http://127.0.0.1:{first_port + 20}/public-services/v1",
            },
        )
    )
