"""The entry of the command `ioc`. The verbs are imported when Ctrl-C is already provided for: their imports take a second."""

from cli.interruption import ends_when_interrupted


def run() -> None:
    """Run the command."""
    with ends_when_interrupted():
        from cli.verbs import app  # noqa: PLC0415

        app()
