"""Chance that comes out the same everywhere: every stream of numbers is drawn from the seed and a name.

`random.Random` is the Mersenne Twister, seeded here with a text, which Python hashes with SHA-512: the same numbers on every machine
and in every process, whatever PYTHONHASHSEED says. A stream of its own for each feed keeps the others as they were when one changes.
"""

from random import Random


def chance(seed: int, name: str) -> Random:
    """Give the stream of random numbers that belongs to a seed and a name."""
    return Random(f"{seed}/{name}")  # noqa: S311  a simulation, no secret
