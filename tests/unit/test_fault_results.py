from pathlib import Path

from tests.faults.results import Results, read_rows


def test_the_results_of_a_table_are_those_of_the_last_run_whichever_of_its_processes_added_them(tmp_path: Path) -> None:
    Results("first", tmp_path).add("kills", {"boundary": "old"})
    for name in ("one", "two"):
        Results("second", tmp_path).add("kills", {"boundary": name})
    Results("third", tmp_path).add("clock", {"clock": "an hour back"})
    assert [row["boundary"] for row in read_rows("kills", tmp_path)] == ["one", "two"]


def test_a_short_run_keeps_no_results(tmp_path: Path) -> None:
    Results(None, tmp_path).add("kills", {"boundary": "one"})
    assert read_rows("kills", tmp_path) == []
