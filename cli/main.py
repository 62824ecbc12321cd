"""The entry of the command `ioc`. The verbs are imported when Ctrl-C is already provided for: their imports take a second."""

import os
import sys

from cli.interruption import ends_when_interrupted


def run() -> None:
    """Run the command; what it writes is its user's alone, but for what it generates in the checkout, which services read."""
    if sys.argv[1:2] != ["contracts"]:
        os.umask(0o077)
    with ends_when_interrupted():
        from cli.verbs import app  # noqa: PLC0415

        app()
