"""Check every contract against the JSON schema of the Open Data Contract Standard, which datacontract-cli carries: nothing is fetched.

Run with its own Python: `lint/.venv/bin/python lint/contracts.py [FOLDER]`. One process for all contracts, since the import takes longer
than they do. Prints one line a finding, exits 1 where there is one or no contract.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from datacontract.data_contract import DataContract

CONTRACTS = Path(__file__).parents[1] / "contracts"


def find_faults(paths: Sequence[Path]) -> Iterator[str]:
    """Return what the standard does not allow, and what the linter warns of, one line each."""
    for path in paths:
        checks = DataContract(data_contract_file=str(path), inline_references=False, all_errors=True).lint().checks
        yield from (f"{path}: {check.reason}" for check in checks if check.result != "passed")


def main(folder: Path) -> int:
    """Print the findings of the contracts below a folder."""
    logging.getLogger("datacontract").addHandler(logging.NullHandler())  # it logs each finding that it returns
    paths = sorted(folder.glob("*/*.odcs.yaml"))
    faults = list(find_faults(paths))
    if not paths:
        faults = [
            f"{folder}: expected contracts in <domain>/<feed>.odcs.yaml, got none; name the folder that holds them"
        ]
    print("\n".join(faults) or f"{len(paths)} contracts are valid")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else CONTRACTS))
