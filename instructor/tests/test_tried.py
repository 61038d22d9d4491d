"""The README says which Pythons and packages were tried, as the command that tried them wrote it."""

import pytest

from instructor import tried
from instructor.tried import HEAD, Trial, outcome, write_table
from kit.paths import KIT

VERSIONS = tuple("123456")


@pytest.fixture
def readme(tmp_path, monkeypatch):
    page = tmp_path / "README.md"
    page.write_text((KIT / "README.md").read_text("utf-8"), "utf-8")
    monkeypatch.setattr(tried, "README", page)
    return page


def test_a_row_takes_the_place_of_the_one_for_the_same_python_and_packages(readme):
    write_table({Trial("3.99.0", "lowest", VERSIONS, "1 failed").row(), Trial("3.99.1", "newest", VERSIONS, "x").row()})
    write_table({Trial("3.99.0", "lowest", VERSIONS, "all pass").row()})
    rows = [line for line in readme.read_text("utf-8").splitlines() if line.startswith("| 3.99")]
    assert [row.split(" | ")[8] for row in rows] == ["all pass", "x"]
    assert {row.count("|") for row in (*rows, HEAD)} == {HEAD.count("|")}


def test_the_page_around_the_table_stays_as_it_is(readme):
    write_table(set())
    before = readme.read_text("utf-8")
    write_table({Trial("3.99.0", "lowest", VERSIONS, "all pass").row()})
    added = set(readme.read_text("utf-8").splitlines()) - set(before.splitlines())
    assert len(added) == 1
    assert set(before.splitlines()) <= set(readme.read_text("utf-8").splitlines())


def test_what_failed_is_said_in_pytests_words():
    assert outcome(1, ["...", "== 2 failed, 7 passed in 3s =="]) == "2 failed, 7 passed in 3s"
    assert outcome(0, ["7 passed in 3s"]) == "all pass"
    assert outcome(4, []) == "did not run"
