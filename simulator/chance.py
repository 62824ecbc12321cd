"""Reproducible chance: every stream of random numbers is derived from the seed and a name.

`random.Random` is the Mersenne Twister, seeded here with a text, which Python hashes with SHA-512: the same numbers on every machine
and in every process, whatever PYTHONHASHSEED says. Each feed has a stream of its own, so that changing one leaves the others as they were.
"""

from random import Random


def chance(seed: int, name: str) -> Random:
    """Return the stream of random numbers for a seed and a name."""
    return Random(f"{seed}/{name}")  # noqa: S311  a simulation, no secret
