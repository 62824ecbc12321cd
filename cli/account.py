"""Who runs a command: the operating-system account of its process."""

import os
import pwd

from core.settings import Settings
from ingestion.repair.disclosure import Revealing


def account() -> str:
    """Return the name of the account."""
    return pwd.getpwuid(os.getuid()).pw_name


def revealing(settings: Settings, verb: str) -> Revealing:
    """Return the log entry for this account viewing records in the clear now."""
    return Revealing(verb, account(), settings.clock())
