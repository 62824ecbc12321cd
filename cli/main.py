"""The entry point of `ioc`. The verbs are imported once Ctrl-C is handled, because their imports take a second."""

import os
import sys

from cli.interruption import ends_when_interrupted


def run() -> None:
    """Run the command; the files it writes are private to its user, except those it writes into the checkout, which services read."""
    if sys.argv[1:2] not in (["boundaries"], ["contracts"]):
        os.umask(0o077)
    with ends_when_interrupted():
        from cli.verbs import app  # noqa: PLC0415

        app()
