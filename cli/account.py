"""Who sits before the machine: the account of the operating system that a command runs as."""

import os
import pwd

from core.settings import Settings
from ingestion.repair.disclosure import Revealing


def account() -> str:
    """Return the name of the account."""
    return pwd.getpwuid(os.getuid()).pw_name


def revealing(settings: Settings, verb: str) -> Revealing:
    """Return this account's look at records in the clear, now."""
    return Revealing(verb, account(), settings.clock())
