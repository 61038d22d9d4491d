"""Marks outlast whatever ends the program, and nobody overwrites unseen what another grader wrote."""

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from instructor.marking import database
from instructor.marking.records import Answer, Conflict, Mark, Undone, open_records
from instructor.marking.recount import Recounted, recount
from instructor.marking.scheme import load_scheme
from instructor.tests.support.marking import put
from kit.paths import KIT


@pytest.fixture
def records(tmp_path):
    """Two students' answers to two questions, and nothing marked yet."""
    found = open_records(tmp_path / "out")
    for student in ("ada", "bob"):
        for question in ("one-pass", "paper"):
            put(found, Answer(student, question, f"{student} on {question}", "", (), f"{student} {question}"))
    yield found
    found.close()


def given(points, **more):
    return Mark(points=points, done=True, **{"grader": "Eve", "answer": "ada one-pass", **more})


def test_a_mark_comes_back_as_it_was_given(records, tmp_path):
    mark = given(2.5, criteria=["sum", "mode"], misconceptions=["exponential"], comment="Nearly: “sum”.", flagged=True)
    saved = records.save("ada", "one-pass", mark)
    assert saved == replace(mark, version=1)
    assert open_records(tmp_path / "out").marks() == {"ada": {"one-pass": saved}, "bob": {}}


def test_what_is_entered_but_not_done_does_not_count(records):
    saved = records.save("ada", "one-pass", replace(given(1), done=False, flagged=True))
    assert records.marks()["ada"] == {}
    assert records.mark("ada", "one-pass") == saved


def test_a_mark_does_not_count_for_an_answer_that_has_changed_since(records):
    records.save("ada", "one-pass", given(3))
    changed = Answer("ada", "one-pass", "another text", "", (), "another")
    put(records, changed)
    assert records.marks()["ada"] == {}
    assert records.mark("ada", "one-pass").points == 3
    put(records, replace(changed, sha256="ada one-pass"))
    assert records.marks()["ada"]["one-pass"].points == 3


def test_a_version_that_somebody_else_has_replaced_is_not_overwritten(records, tmp_path):
    other = open_records(tmp_path / "out")
    seen = records.mark("ada", "one-pass")
    theirs = other.save("ada", "one-pass", replace(given(1, grader="Zoe"), version=seen.version))
    with pytest.raises(Conflict) as conflict:
        records.save("ada", "one-pass", replace(given(3), version=seen.version))
    assert conflict.value.current == theirs == records.mark("ada", "one-pass")
    assert records.save("ada", "one-pass", replace(given(3), version=theirs.version)).version == 2


def test_a_version_that_says_the_same_is_left_and_taken_for_saved(records, tmp_path):
    theirs = open_records(tmp_path / "out").save("ada", "one-pass", given(1, grader="Zoe"))
    assert records.save("ada", "one-pass", given(1)) == theirs == records.mark("ada", "one-pass")
    with pytest.raises(Conflict) as conflict:
        records.save("ada", "one-pass", given(1, comment="Why?"))
    assert conflict.value.entered == given(1, comment="Why?")


def test_a_mark_for_an_answer_that_does_not_exist_is_refused(records):
    with pytest.raises(LookupError, match="eve"):
        records.save("eve", "one-pass", given(1))


def test_undo_takes_back_one_change_after_another(records):
    first = records.save("ada", "one-pass", given(1))
    second = records.save("ada", "one-pass", replace(given(2), version=1))
    records.save("bob", "paper", given(5))
    assert records.undo("Eve")[:2] == ("bob", "paper")
    assert "paper" not in records.marks()["bob"]
    restored = replace(first, version=second.version + 1)
    assert records.undo("Eve") == Undone("ada", "one-pass", restored, before=second)
    third = records.save("ada", "one-pass", replace(given(4), version=3))
    assert records.undo("Eve")[2].points == 1
    assert records.undo("Eve")[2] == Mark(version=third.version + 2, grader="Eve")
    assert records.undo("Eve") is None


def test_undo_leaves_alone_what_another_grader_has_changed_since(records):
    records.save("ada", "one-pass", given(1))
    theirs = records.save("ada", "one-pass", replace(given(2, grader="Zoe"), version=1))
    with pytest.raises(Conflict, match="Zoe"):
        records.undo("Eve")
    assert records.mark("ada", "one-pass") == theirs


def test_earlier_comments_come_by_frequency(records):
    put(records, Answer("cleo", "one-pass", "", "", (), "x"))
    for student, comment in (("ada", "Say which mode."), ("bob", "Why?"), ("cleo", "Why?")):
        records.save(student, "one-pass", given(1, comment=comment))
    assert records.earlier_comments("one-pass") == ["Why?", "Say which mode."]
    assert records.earlier_comments("paper") == []


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from instructor.marking.records import Mark, open_records
records = open_records(Path(sys.argv[1]))
mark = Mark(grader="Eve", done=True, answer="ada one-pass")
while True:
    mark = records.save("ada", "one-pass", replace(mark, points=mark.points + 1))
    print(int(mark.points), flush=True)
"""


def test_whatever_was_confirmed_is_there_after_a_kill(records, tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "out")]
    writer = subprocess.Popen(command, cwd=KIT, stdout=subprocess.PIPE, encoding="utf-8")
    confirmed = [int(writer.stdout.readline()) for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    confirmed += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    kept = records.mark("ada", "one-pass")
    assert kept.points == kept.version >= confirmed[-1] >= 20
    assert records.save("ada", "one-pass", replace(given(0), version=kept.version)).version == kept.version + 1


ADDER = """
import sys
from dataclasses import replace
from pathlib import Path
from instructor.marking.records import Conflict, open_records
records = open_records(Path(sys.argv[1]))
added = 0
while added < 10:
    mark = records.mark("ada", "one-pass")
    try:
        records.save("ada", "one-pass", replace(mark, points=mark.points + 1))
        added += 1
    except Conflict:
        pass
"""


def test_several_processes_that_write_at_once_lose_nothing(records, tmp_path):
    """Each of three adds one, ten times; whoever meets a conflict reads again."""
    writers = [subprocess.Popen([sys.executable, "-c", ADDER, str(tmp_path / "out")], cwd=KIT) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert records.mark("ada", "one-pass").points == 30


def test_nothing_is_half_written_while_another_one_writes(records, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    hasty = open_records(tmp_path / "out")
    with database.transaction(records.connection), pytest.raises(sqlite3.OperationalError, match="locked"):
        hasty.save("ada", "one-pass", given(1))
    assert hasty.save("ada", "one-pass", given(1)).version == 1


@pytest.mark.parametrize(("content", "words"), [(b"not a database" * 99, "cannot be used"), (None, "version 7")])
def test_a_file_that_is_no_marking_database_is_refused_and_left_alone(tmp_path, content, words):
    place = tmp_path / database.MARKING
    if content is None:
        open_records(tmp_path).connection.execute("PRAGMA user_version = 7").connection.close()
    else:
        place.write_bytes(content)
    with pytest.raises(database.DatabaseError, match=words):
        open_records(tmp_path)
    assert content is None or place.read_bytes() == content


def test_only_its_owner_reads_the_file(records, tmp_path):
    assert (tmp_path / "out" / database.MARKING).stat().st_mode & 0o077 == 0


def test_a_database_of_the_version_without_adjustments_is_brought_up_to_date(records, tmp_path):
    saved = records.save("ada", "one-pass", given(1))
    for name in ("adjustment", "reason"):
        records.connection.execute(f"ALTER TABLE marks DROP COLUMN {name}")
    records.connection.execute("PRAGMA user_version = 1")
    records.close()
    assert open_records(tmp_path / "out").mark("ada", "one-pass") == saved


def test_a_changed_scheme_recounts_the_marks_and_leaves_what_people_ticked(records):
    scheme = load_scheme()
    records.save("ada", "one-pass", given(1.5, criteria=["linearity"], adjustment=0.5, reason="An example."))
    other = given(3, criteria=["linearity", "layer and mode"], misconceptions=["dropout"])
    before = records.save("bob", "one-pass", other)
    assert recount(records, scheme) == [Recounted("bob", "one-pass", 3, 1.5)]
    after = records.mark("bob", "one-pass")
    assert after == replace(before, points=1.5, version=before.version + 1)
    assert recount(records, scheme) == []
    assert records.undo("Eve")[2].points == 0
