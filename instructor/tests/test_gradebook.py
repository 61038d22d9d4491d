"""The gradebook: who is who, what is late, how the sum comes about, and what LMSs and students get."""

import csv
import io
import json
import os
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pypdf
import pytest

from instructor.__main__ import parser
from instructor.benchmarks.grading import solution
from instructor.gradebook import run
from instructor.gradebook.csv_table import TableError, as_csv, read_csv
from instructor.gradebook.feedback_pdf import AS_WRITTEN, Typesetter
from instructor.gradebook.files import file_name
from instructor.gradebook.folder import GradebookError, new_folder
from instructor.gradebook.lateness import lateness
from instructor.gradebook.ledger import LedgerError
from instructor.gradebook.policy import POLICY, PolicyError, read_policy
from instructor.gradebook.roster import RosterError, read_roster
from instructor.gradebook.times import duration, moment
from instructor.grading.batch.run import apart, batch
from instructor.marking.intake import take_in
from instructor.marking.records import Mark, open_records
from instructor.tests.support.classroom import RUBRIC, SCHEME, grade, mark_report
from instructor.tests.support.marking import model_answers, pack, report
from kit.assignment import REPORT

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Looking inside a convolutional network (4711),Other (1)
,,,,,Manual Posting,
"    Points Possible",,,,,150,5
"Lovelace, Ada",11,s1,ada,A,,
"Hopper, Grace",12,s2,grace,A,,
"Student, Test",99,,x,A,,
"""
MOODLE = """Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Last modified (grade)
Participant 711,Ada Lovelace,s1,ada@example.org,Submitted,,150,-
Participant 712,Grace Hopper,s2,grace@example.org,Submitted,,150,-
"""
GRADESCOPE = """First Name,Last Name,SID,Email,Sections,Submission ID,Submission Time,Lateness (H:M:S)
Ada,Lovelace,s1,ada@example.org,A,9001,2026-11-07 10:00:00 +0100,10:01:00
Grace,Hopper,s2,grace@example.org,A,9002,2026-11-06 10:00:00 +0100,0:00:00
"""
PLAIN = "id;name;group\nada;Ada Lovelace;\ngrace;Grace Hopper;\n"
METADATA = """submission_9001: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
  :submitters:
  - :name: Ada Lovelace
    :sid: s1
    :email: ada@example.org
  - :name: Grace Hopper
    :sid: s2
    :email: grace@example.org
  :created_at: 2026-11-08 12:00:00.000000000 Z
"""
POINTS = 150


def policy_file(tmp_path, **values):
    text = POLICY.read_text("utf-8").replace("# due", "due")
    for name, value in values.items():
        text = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}" if value is not None else "", text)
    (tmp_path / "policy.toml").write_text(text, "utf-8")
    return tmp_path / "policy.toml"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def made(tmp_path, out, monkeypatch):
    """Make a gradebook of a roster and give what was said, line by line. The kit's own tables were read before."""
    monkeypatch.setattr(run, "read_rubric", lambda: RUBRIC)
    monkeypatch.setattr(run, "load_scheme", lambda: SCHEME)

    def make(roster, submissions=None, policy=None, **options):
        (tmp_path / "roster.csv").write_text(roster, "utf-8")
        said = []
        options = {"trial": True} | options
        run.gradebook(out, tmp_path / "roster.csv", submissions, policy or POLICY, say=said.append, **options)
        return said

    return make


def rows(out, name):
    return list(csv.DictReader(io.StringIO((out / "gradebook" / name).read_text("utf-8-sig"))))


def totals(out):
    return {row["name"]: row["total"] for row in rows(out, "gradebook.csv")}


def hand_in(folder, name, at):
    (folder / name).mkdir(parents=True)
    (folder / name / "writeup.md").write_text("x", "utf-8")
    os.utime(folder / name / "writeup.md", (at.timestamp(), at.timestamp()))


# Rosters


@pytest.mark.parametrize(
    ("text", "kind", "ids"),
    [
        (CANVAS, "canvas", {"sid": "s1", "login": "ada", "canvas": "11"}),
        (MOODLE, "moodle", {"sid": "s1", "email": "ada@example.org", "participant": "Participant 711"}),
        (GRADESCOPE, "gradescope", {"sid": "s1", "email": "ada@example.org"}),
        (PLAIN, "plain", {"sid": "ada"}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_rosters_are_known_by_their_columns_in_any_encoding(tmp_path, text, kind, ids, encoding):
    (tmp_path / "roster.csv").write_text(text.replace("Grace", "Gráce"), encoding)
    roster = read_roster(tmp_path / "roster.csv")
    assert roster.kind == kind
    assert [student.name for student in roster.students] == ["Ada Lovelace", "Gráce Hopper"]
    assert roster.students[0].ids == ids


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name,mark\nAda,1\n", "no column that tells students apart.*It has name, mark"),
        ("id,name\n", "has no students"),
        ("", "is empty"),
        ("id,name\na,Ada\nA,Grace\n", "Ada and Grace have the same sid, A"),
        ("id,name\na,Ada\n,Grace\n", r"student 2 \(Grace\) has no id"),
        ("id,name\na,Ada,1\n", "row 2: it has more cells than the header"),
    ],
)
def test_a_roster_that_cannot_be_used_is_refused_with_the_place(tmp_path, text, complaint):
    (tmp_path / "roster.csv").write_text(text, "utf-8")
    with pytest.raises(RosterError, match=complaint):
        read_roster(tmp_path / "roster.csv")


def test_a_roster_that_is_missing_or_in_no_encoding_is_refused(tmp_path):
    with pytest.raises(RosterError, match=r"there is no .*roster\.csv"):
        read_roster(tmp_path / "roster.csv")
    (tmp_path / "roster.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RosterError, match="unknown encoding"):
        read_roster(tmp_path / "roster.csv")


# Matching


@pytest.mark.parametrize(
    ("roster", "submission"),
    [
        (PLAIN, "ada"),
        (PLAIN, "ADA"),
        (PLAIN, "ada-final"),
        (PLAIN, "Ada Lovelace"),
        (PLAIN, "lovelace_ada"),
        (MOODLE, "Somebody Else_711_assignsubmission_file"),
        (MOODLE, "Ada Lovelace_999_assignsubmission_file_"),
        (CANVAS, "whoever_LATE_11_778_submission"),
        (CANVAS, "lovelaceada_11_778_submission-1"),
        (GRADESCOPE, "submission_9001"),
        (GRADESCOPE, "ada@example.org"),
    ],
)
def test_submissions_find_their_students(out, made, roster, submission):
    grade(out, submission)
    said = made(roster)
    assert totals(out) == {"Ada Lovelace": "100", "Grace Hopper": ""}
    assert [line for line in said if "Missing" in line] == [
        f"• Missing, nothing handed in: Grace Hopper ({read_key(roster)})"
    ]


def read_key(roster):
    return "grace" if roster == PLAIN else "s2"


def test_a_name_that_only_begins_with_an_id_is_said(out, made):
    grade(out, "ada-final")
    assert "• ada-final is taken for Ada Lovelace, by the beginning of its name" in made(PLAIN)


@pytest.mark.parametrize("name", ["s1_Ada Lovelace_hw3", "lovelace_ada_s1", "ada@example.org-lovelace-ada"])
def test_where_name_and_id_agree_nothing_is_guessed(out, made, name):
    grade(out, name)
    said = made(MOODLE)
    assert totals(out)["Ada Lovelace"] == "100"
    assert not [line for line in said if "taken for" in line]


def test_guesses_do_not_stand_before_who_is_missing_or_has_no_sum(out, made):
    grade(out, "ada-s2")
    grade(out, "grace-final", problem="it is not a zip")
    said = made(PLAIN + "alan;Alan Turing;\n")
    starts = ["• Missing", "• No sum", "• ada-s2 is taken for", "• grace-final is taken for"]
    places = [next(n for n, line in enumerate(said) if line.startswith(start)) for start in starts]
    assert places == sorted(places)


def test_a_worksheet_that_is_spoilt_is_a_failure(out, made):
    grade(out, "ada")
    said = made(MOODLE.replace("Grade,Max", "Mark,Max"))
    assert [line for line in said if line.startswith("✗ moodle.csv was not written: the worksheet has no column Grade")]


def test_who_is_unknown_or_called_like_two_is_said_and_gets_nothing(out, made):
    grade(out, "nobody")
    grade(out, "Ada Lovelace")
    said = made(PLAIN + "ada2;Ada Lovelace;\n")
    assert {line for line in said if "Not exactly one student" in line} == {
        "• Not exactly one student of the roster: nobody",
        "• Not exactly one student of the roster: Ada Lovelace",
    }
    assert set(totals(out).values()) == {""}


def test_of_two_submissions_the_later_counts_whatever_its_name(tmp_path, out, made):
    for name, day, lost in (("ada", 9, ()), ("ada (2)", 8, ["saliency.value"])):
        grade(out, name, lost)
        hand_in(tmp_path / "class", name, datetime(2026, 11, day, tzinfo=UTC))
    said = made(PLAIN, tmp_path / "class")
    assert totals(out)["Ada Lovelace"] == "100"
    assert "• Handed in 2 times: Ada Lovelace; ada counts, as the last" in said
    said = made(PLAIN)
    assert totals(out)["Ada Lovelace"] == "97"
    assert "• Handed in 2 times: Ada Lovelace; ada (2) counts, as the last by name, since no times are known" in said


def test_a_group_shares_what_one_of_it_hands_in(out, made):
    grade(out, "ada")
    grade(out, "red")
    made("id,name,group\nada,Ada,blue\ngrace,Grace,blue\nalan,Alan,Red\n")
    assert totals(out) == {"Ada": "100", "Grace": "100", "Alan": "100"}


def test_gradescope_says_who_submitted_and_when(tmp_path, out, made):
    grade(out, "submission_9001")
    hand_in(tmp_path / "class", "submission_9001", datetime(2020, 1, 1, tzinfo=UTC))
    (tmp_path / "class" / "submission_metadata.yml").write_text(METADATA, "utf-8")
    said = made(MOODLE, tmp_path / "class", policy_file(tmp_path, free_days=1))
    assert totals(out) == {"Ada Lovelace": "90", "Grace Hopper": "90"}
    assert "• Late: Ada Lovelace, 2 days late, 1 of them free: 10 % off for 1 day" in said
    assert "• Times are from Gradescope's metadata" in said


# Lateness


def test_days_are_charged_as_they_begin_beyond_grace_extension_and_free_days(tmp_path):
    policy = read_policy(policy_file(tmp_path, free_days=1))
    hours = lambda number: timedelta(hours=number)  # noqa: E731
    assert lateness(hours(0.25), policy).days == 0
    assert lateness(hours(0.26), policy).factor(policy) == 1  # the free day
    assert lateness(hours(24), policy).days == 1
    assert lateness(hours(25), policy).factor(policy) == pytest.approx(0.9)
    assert lateness(hours(25), policy, free=0).factor(policy) == pytest.approx(0.8)
    assert lateness(hours(25), policy, extension=2).days == 0
    assert lateness(hours(5 * 24), policy).factor(policy) == pytest.approx(0.6)
    assert lateness(hours(5 * 24 + 1), policy).factor(policy) == 0


def test_columns_of_the_roster_go_before_the_files_times(tmp_path, out, made):
    grade(out, "ada")
    hand_in(tmp_path / "class", "ada", datetime(2027, 1, 1, tzinfo=UTC))
    made("id,handed in\nada,2026-11-07 10:00\n", tmp_path / "class", policy_file(tmp_path))
    assert totals(out) == {"ada": "90"}
    made("id,handed in,extension days\nada,2026-11-07 10:00,1\n", tmp_path / "class", policy_file(tmp_path))
    assert totals(out) == {"ada": "100"}
    made("id,lateness,free late days\nada,30:00:00,1\n", tmp_path / "class", policy_file(tmp_path))
    assert totals(out) == {"ada": "90"}
    made("id,name\nada,Ada\n", tmp_path / "class", policy_file(tmp_path))
    assert totals(out) == {"Ada": "0"}


def test_times_that_cannot_be_read_and_submissions_without_marks_are_said(tmp_path, out, made):
    grade(out, "ada")
    for name in ("ada", "grace"):
        hand_in(tmp_path / "class", name, datetime(2026, 11, 1, tzinfo=UTC))
    said = made("id,handed in\nada,yesterday\ngrace,-\n", tmp_path / "class", policy_file(tmp_path))
    assert "• The roster's time for ada cannot be read, and is not used: 'yesterday'" in said
    assert "• Handed in, and not graded: grace; run the batch again" in said
    assert not [line for line in said if "time for grace" in line]


def test_days_that_are_no_number_are_refused(out, made):
    grade(out, "ada")
    with pytest.raises(ValueError, match="gives ada 'two' extension days: write a number"):
        made("id,extension days\nada,two\n")
    assert not (out / "gradebook").exists()


def test_times_as_lmss_write_them_are_read():
    at = datetime(2026, 11, 6, 21, 5, tzinfo=UTC)
    for text in ("2026-11-06 21:05:00 UTC", "2026-11-06 14:05:00 -0700", "Friday, 6 November 2026, 9:05 PM"):
        assert moment(text, UTC) == at
    assert moment("-", UTC) is None
    assert duration("100:00:30") == timedelta(hours=100, seconds=30)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"due": "2026-11-06T23:59:00"}, "due is 2026-11-06 23:59:00: write it with its offset"),
        ({"percent_per_day": "110"}, "percent_per_day is above 100"),
        ({"last_day": '"never"'}, "last_day is 'never': write a number"),
        ({"title": None}, "title is missing"),
        ({"free_days": "0\nfree_dyas = 1"}, "free_dyas is unknown: choose from"),
    ],
)
def test_a_policy_that_is_not_in_order_is_refused(tmp_path, values, complaint):
    with pytest.raises(PolicyError, match=complaint):
        read_policy(policy_file(tmp_path, **values))


# Sums


def test_the_sum_is_code_and_report_less_what_lateness_costs(tmp_path, out, made):
    grade(out, "ada", ["saliency.value", "tv_loss.value"])
    mark_report(out, "ada", lost={"one-pass": ["linearity"]}, wrong={"ascent": ["the map is coarse"]})
    made("id,lateness\nada,1:00:00\n", policy=policy_file(tmp_path))
    (row,) = rows(out, "gradebook.csv")
    assert (row["code"], row["report"], row["points possible"]) == ("95", "48.5", str(POINTS))
    assert (row["for being late"], row["total"]) == ("-14.35", "129.15")
    assert (row["Code: Saliency maps"], row["Report: Saliency maps"]) == ("7", "3")


@pytest.mark.parametrize(("questions", "words"), [(["paper"], "1 mark"), (["paper", "ascent"], "2 marks")])
def test_flagged_marks_are_counted_in_plain_english(out, made, questions, words):
    grade(out, "ada")
    mark_report(out, "ada")
    records = open_records(out)
    for name in questions:
        records.save("ada", name, replace(records.mark("ada", name), flagged=True))
    records.close()
    assert f"• Flagged for a second look: {words}" in made(PLAIN)


def test_the_columns_of_the_gradebook_say_what_they_are(out, made):
    grade(out, "ada", problem="it is not a zip")
    grade(out, "ada (2)", ["saliency.value"])
    made(PLAIN)
    ada, grace = rows(out, "gradebook.csv")
    assert (ada["total"], ada["points possible"], ada["handed in, not counted"]) == ("97", "100", "ada")
    assert (grace["total"], grace["points possible"], grace["why no total"]) == ("", "", "nothing was handed in")
    assert not {"of", "before", "open", "does not count"} & ada.keys()


def test_nobody_has_a_sum_before_everything_is_marked(out, made):
    grade(out, "ada")
    grade(out, "grace", problem="it is not a zip")
    mark_report(out, "ada", leave=["paper"])
    mark_report(out, "grace")
    said = made(CANVAS)
    assert totals(out) == {"Ada Lovelace": "", "Grace Hopper": ""}
    assert [row["code"] for row in rows(out, "gradebook.csv")] == ["100", ""]
    assert "• No sum: Ada Lovelace: 1 of 14 questions are not marked yet" in said
    assert "• No sum: Grace Hopper: it is not a zip" in said
    assert [row[5] for row in csv.reader(io.StringIO((out / "gradebook" / "canvas.csv").read_text("utf-8")))][2:] == [
        "",
        "",
    ]


def test_damaged_results_are_a_problem_of_one_student(out, made):
    grade(out, "ada")
    grade(out, "grace")
    (out / "ada" / "results.json").write_text("{", "utf-8")
    said = made(PLAIN)
    assert totals(out) == {"Ada Lovelace": "", "Grace Hopper": "100"}
    assert [line for line in said if line.startswith("• No sum: Ada Lovelace: results.json cannot be read")]


def test_without_a_marked_report_the_sums_are_of_the_code_and_it_is_said(out, made):
    grade(out, "ada")
    assert "• The sums are of the code alone: nobody has marked the report yet" in made(PLAIN)
    assert not (out / "marking.sqlite").exists()


def test_a_regrade_shows_old_and_new_marks_until_the_next(out, made):
    grade(out, "ada", ["saliency.value"])
    made(PLAIN, trial=False)
    grade(out, "ada")
    said = made(PLAIN, trial=False)
    assert "• Regraded: Ada Lovelace, 97 → 100 (Code: Saliency maps 7 → 10)" in said
    assert made(PLAIN, trial=False) == said
    page = (out / "gradebook" / "feedback" / "ada.html").read_text("utf-8")
    assert "Regraded" in page
    assert "97 → 100" in page
    assert rows(out, "gradebook.csv")[0]["total before"] == "97"


def test_a_trial_is_never_taken_for_what_students_were_told(out, made):
    grade(out, "ada", ["saliency.value"])
    assert made(PLAIN)[-1].startswith("A trial without PDFs")
    grade(out, "ada", ["tv_loss.value"])
    assert not [line for line in made(PLAIN, trial=False) if "Regraded" in line]
    grade(out, "ada")
    assert [line for line in made(PLAIN) if "Regraded: Ada Lovelace, 98 → 100" in line], "a trial shows what comes"
    grade(out, "ada", ["tv_loss.value"])
    assert not [line for line in made(PLAIN, trial=False) if "Regraded" in line]


def test_a_changed_late_rule_is_no_regrade(tmp_path, out, made):
    grade(out, "ada")
    roster = "id,handed in\nada,2026-11-07 10:00\n"
    made(roster, trial=False)
    said = made(roster, policy=policy_file(tmp_path), trial=False)
    assert "• Late days counted anew: ada, 100 → 90 (for being late 0 → −10)" in said
    page = (out / "gradebook" / "feedback" / "ada.html").read_text("utf-8")
    assert "Late days counted anew" in page
    assert "egrade" not in page.partition("</style>")[2].replace('class="regrade"', "")


def test_completing_the_marks_is_not_a_regrade(out, made):
    grade(out, "ada")
    mark_report(out, "ada", leave=["paper"])
    made(PLAIN, trial=False)
    mark_report(out, "ada")
    assert not [line for line in made(PLAIN, trial=False) if "Regraded" in line]
    assert totals(out)["Ada Lovelace"] == str(POINTS)


# What LMSs import


def test_canvas_gets_its_columns_and_the_number_of_its_assignment(out, made):
    grade(out, "ada", ["saliency.value"])
    mark_report(out, "ada")
    made(CANVAS)
    assert list(csv.reader(io.StringIO((out / "gradebook" / "canvas.csv").read_text("utf-8")))) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Looking inside a convolutional network (4711)"],
        ["    Points Possible", "", "", "", "", "150"],
        ["Lovelace, Ada", "11", "s1", "ada", "A", "147"],
        ["Hopper, Grace", "12", "s2", "grace", "A", ""],
    ]


def test_moodle_gets_its_worksheet_back_and_a_zip_of_feedback(out, made):
    grade(out, "ada")
    mark_report(out, "ada")
    made(MOODLE)
    sheet = rows(out, "moodle.csv")
    assert list(sheet[0]) == MOODLE.partition("\n")[0].split(",")
    assert [row["Grade"] for row in sheet] == ["150", ""]
    assert [row["Last modified (grade)"] for row in sheet] == ["-", "-"], "as Moodle wrote it"
    with zipfile.ZipFile(out / "gradebook" / "moodle-feedback.zip") as archive:
        assert archive.namelist() == ["Ada Lovelace_711_assignsubmission_file_/feedback.html"]


def test_moodles_zip_holds_nobody_whose_marks_are_open(out, made):
    for number, name in ((711, "Ada"), (712, "Grace")):
        grade(out, f"{name}_{number}_assignsubmission_file_")
        mark_report(out, f"{name}_{number}_assignsubmission_file_", leave=["paper"] if name == "Grace" else ())
    made(MOODLE)
    with zipfile.ZipFile(out / "gradebook" / "moodle-feedback.zip") as archive:
        assert archive.namelist() == ["Ada Lovelace_711_assignsubmission_file_/feedback.html"]
    assert len(list((out / "gradebook" / "feedback").iterdir())) == 2


def test_gradescope_gets_sids_and_addresses(out, made):
    grade(out, "submission_9001")
    said = made(GRADESCOPE)
    assert rows(out, "gradescope.csv")[0] == {
        "First Name": "Ada", "Last Name": "Lovelace", "SID": "s1", "Email": "ada@example.org", "Total Score": "100",
        "Max Points": "100", "Status": "Graded",
    }  # fmt: skip
    assert not [line for line in said if line.startswith("✗")]
    words = "• Not written, since the roster has no ids of that LMS: canvas.csv, moodle-feedback.zip"
    assert words in said


def test_two_lmss_get_their_tables_in_one_run(tmp_path, out, made):
    grade(out, "ada", ["saliency.value"])
    mark_report(out, "ada")
    (tmp_path / "moodle.csv").write_text(MOODLE.replace("s2,grace@", "s3,eve@").replace("Grace Hopper", "Eve"), "utf-8")
    said = made(CANVAS, worksheets=[tmp_path / "moodle.csv"])
    canvas = (out / "gradebook" / "canvas.csv").read_text("utf-8")
    assert '"Lovelace, Ada",11,s1,ada,A,147' in canvas
    assert [(row["Full name"], row["Grade"]) for row in rows(out, "moodle.csv")] == [("Ada Lovelace", "147")]
    with zipfile.ZipFile(out / "gradebook" / "moodle-feedback.zip") as archive:
        assert archive.namelist() == ["Ada Lovelace_711_assignsubmission_file_/feedback.html"]
    assert "• Left out of moodle.csv, since their ids are not exactly one student's of the roster: Eve" in said
    assert "• Not among the students of Moodle: Grace Hopper" in said
    assert not [line for line in said if "Not written" in line]


def test_an_id_of_another_kind_gives_nobody_a_grade(tmp_path, out, made):
    """A login may be somebody else's number, and two rows are not one student."""
    grade(out, "s1")
    roster = "id,login,email\ns1,adax,ada@example.org\n"
    other, twice = MOODLE.replace("s2,", "adax,"), MOODLE.replace("s1,ada@", "s1,old@").replace("grace@", "ada@")
    for text, grades in ((other, ["100"]), (twice, [])):
        (tmp_path / "moodle.csv").write_text(text, "utf-8")
        made(roster, worksheets=[tmp_path / "moodle.csv"])
        assert [row["Grade"] for row in rows(out, "moodle.csv")] == grades


@pytest.mark.parametrize(
    ("text", "complaint"),
    [(PLAIN, "is not an export of an LMS"), (CANVAS, "is a second export of Canvas: name one of each LMS")],
)
def test_a_second_roster_that_is_no_other_lmss_is_refused(tmp_path, out, made, text, complaint):
    grade(out, "ada")
    (tmp_path / "second.csv").write_text(text, "utf-8")
    with pytest.raises(RosterError, match=complaint):
        made(CANVAS, worksheets=[tmp_path / "second.csv"])
    assert not (out / "gradebook").exists()


def test_another_maximum_in_the_lms_is_said(out, made):
    grade(out, "ada")
    assert "• The LMS gives this assignment 150 points, the gradebook 100: set 100 there first" in made(CANVAS)


# Names and answers that are hostile

HOSTILE = "=cmd|' C calc'!A0"


def test_no_cell_is_run_as_a_formula(out, made):
    grade(out, HOSTILE)
    made(f"id,name,email\n{HOSTILE},{HOSTILE},+1@example.org\n-5,-5.5,x@example.org\n")
    for name in ("gradebook.csv", "moodle.csv", "gradescope.csv"):
        text = (out / "gradebook" / name).read_text("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        risky = [cell for cell in cells if cell.startswith(("=", "+", "@", "-")) and not re.fullmatch(r"-[\d.]+", cell)]
        assert not risky, name
    with zipfile.ZipFile(out / "gradebook" / "gradebook.xlsx") as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
        assert b"=cmd|" in book.read("xl/sharedStrings.xml")


def test_ids_like_paths_stay_in_the_folder_and_differ(out, made):
    ids = ["../../etc/passwd", "..\\..\\etc\\passwd", "a/b", "a-b", "A-b", "ä", ".", "x" * 300]
    for name in ids:
        assert re.fullmatch(r"[a-z0-9-]+", file_name(name))
    assert len({file_name(name) for name in ids}) == len(ids)
    grade(out, "ada")
    made("id,submission\n../../etc/passwd,ada\n")
    assert [path.name for path in (out / "gradebook" / "feedback").iterdir()] == [f"{file_name(ids[0])}.html"]


def test_markup_in_names_answers_and_comments_is_text(out, made):
    evil = "<img src=x onerror=alert(1)>"
    grade(out, "ada")
    answer = f"{evil} [a](javascript:alert(1)) ![b](http://example.org/b.png)\n\n<script>alert(1)</script>"
    mark_report(out, "ada", answers={"one-pass": answer}, comments={"one-pass": evil})
    said = made(f'id,name\nada,"{evil}"\n')
    pages = [(out / "gradebook" / name).read_text("utf-8") for name in ("feedback/ada.html", "class.html")]
    for page in pages:
        assert not re.findall(r"<(img|script|a|iframe|object|svg on)\b", page)
        assert "script-src" not in page
        assert "default-src 'none'" in unescape(page)
    assert pages[0].count("&lt;img") >= 3
    assert not [line for line in said if "\n" in line]


def test_moodles_folders_hold_no_separators_of_their_own(out, made):
    grade(out, "x_711_assignsubmission_file_")
    made(MOODLE.replace("Ada Lovelace", "../A_d_a/712_assign"))
    with zipfile.ZipFile(out / "gradebook" / "moodle-feedback.zip") as archive:
        (name,) = archive.namelist()
    folder, slash, _ = name.partition("/")
    assert slash
    assert folder.split("_")[1:] == ["711", "assignsubmission", "file", ""]


# Feedback


def test_feedback_says_what_was_earned_what_was_lost_and_why(out, made):
    grade(out, "ada", ["saliency.value"])
    wrong = {"one-pass": ["exponentially faster"]}
    mark_report(out, "ada", lost={"one-pass": ["linearity"]}, wrong=wrong, comments={"paper": "Well *argued*."})
    made(PLAIN)
    page = (out / "gradebook" / "feedback" / "ada.html").read_text("utf-8")
    question = SCHEME["one-pass"]
    for words in ("145.5", "7 of 10", "This equals the gradient with its sign.", "1.5 of 3", "Well <em>argued</em>."):
        assert words in page
    assert question.misconceptions[0].sentence in page
    assert question.criteria[0].full_answer in page
    assert question.criteria[1].full_answer not in page


def test_code_that_is_not_there_is_told_once_for_a_task_and_counted_once(out, made):
    words = "not implemented yet: {} in visualizers/{}.py, line {}"
    grade(out, "ada", barred={"saliency": words.format("a", "saliency", 9), "tv_loss": "style_transfer/x is missing"})
    grade(out, "grace", barred={"saliency": words.format("b", "saliency", 7), "probabilities": "01 is missing"})
    made(PLAIN, trial=False)
    for text in (words_of(out, "ada.html"), words_of(out, "ada.pdf")):
        assert text.count("Not implemented yet: a in visualizers/saliency.py, line 9") == 1
        assert text.count("style_transfer/x is missing") == 1
        assert "approach 0 of 2" in text
        assert "hidden" not in text
    text = words_of(out, "../class.html")
    assert text.count("Code: Saliency maps not implemented yet 2 of 2") == 1
    assert text.count("Code: Total-variation loss its file is missing or cannot be used 1 of 2") == 1
    assert text.count("Code: Warm-up: probabilities its file is missing or cannot be used 1 of 2") == 1
    assert "Code: Saliency maps lost" not in text


def test_a_lost_criterion_has_a_reason_even_where_all_its_tests_are_hidden(out, made):
    grade(out, "ada", ["saliency.value"])
    results = json.loads((out / "ada" / "results.json").read_text("utf-8"))
    for test in results["tests"]:
        test["output"] = ""  # as where all tests of it are hidden
    (out / "ada" / "results.json").write_text(json.dumps(results), "utf-8")
    grade(out, "grace", barred={"probabilities": "notebooks/01_saliency_maps.ipynb is missing"})
    made(PLAIN)
    assert "value The tests that decide about it are hidden. 0 of 3" in words_of(out, "ada.html")
    assert "value notebooks/01_saliency_maps.ipynb is missing 0 of 1" in words_of(out, "grace.html")


def test_what_is_not_marked_yet_does_not_read_as_points_lost(tmp_path, out, made):
    grade(out, "ada")
    mark_report(out, "ada", leave=["paper"])
    made("id,lateness\nada,1:00:00\n", policy=policy_file(tmp_path), trial=False)
    number, question = next((n, q) for n, q in enumerate(SCHEME.questions, start=1) if q.name == "paper")
    marked = POINTS - 100 - question.points
    for text in (words_of(out, "ada.html"), words_of(out, "ada.pdf")):
        for words in (f"Report {marked:g} of {marked:g} so far", f"Sum {100 + marked:g} of {100 + marked:g} so far"):
            assert words in text
        assert f"{100 + marked:g} of {100 + marked:g} points so far" in text
        open_one = f"{number} · {question.title} ({question.points:g} points)"
        assert f"Not marked yet, so there is no sum: {open_one}." in text
        assert "1 day late: 10 % off for 1 day Sum" in text, "nothing is taken off yet"
        assert f"{marked:g} of 50" not in text


def words_of(out, name):
    """A page's text, each space once."""
    path = out / "gradebook" / "feedback" / name
    if path.suffix == ".pdf":
        return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", path.read_text("utf-8").partition("</style>")[2])).split())


def test_full_answers_can_be_kept_back(tmp_path, out, made):
    grade(out, "ada")
    mark_report(out, "ada", lost={"one-pass": ["linearity"]}, wrong={"one-pass": ["dropout"]})
    made(PLAIN, policy=policy_file(tmp_path, full_answers="false", due=None))
    page = (out / "gradebook" / "feedback" / "ada.html").read_text("utf-8")
    assert SCHEME["one-pass"].criteria[0].full_answer not in page
    assert "Dropout makes the scores random" in page


def test_feedback_as_pdf_shows_formulas_and_other_scripts(out, made):
    grade(out, "ada", ["saliency.value"])
    answers = {"one-pass": 'Linear: $\\frac{a}{b}$ #read("x") \\undefined', "ascent": "الدرجة", "paper": "$\\frac{1$"}
    mark_report(out, "ada", answers=answers, comments={"one-pass": "Good."})
    made(PLAIN, trial=False)
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(out / "gradebook" / "feedback" / "ada.pdf").pages)
    for words in ("Ada Lovelace", "147", "Saliency maps", "7 of 10", '#read("x")', "Good."):
        assert words in text.replace("“", '"').replace("”", '"')
    assert AS_WRITTEN not in text


def test_no_heading_of_the_pdf_is_parted_from_its_list(out, made):
    grade(out, "ada", barred={task.name: f"not implemented yet: {task.name}" for task in RUBRIC.tasks})
    long = "A sentence that fills a line or so of the page. " * 12
    mark_report(out, "ada", answers={question.name: long for question in SCHEME.questions})
    made(PLAIN, trial=False)
    pages = [page.extract_text() for page in pypdf.PdfReader(out / "gradebook" / "feedback" / "ada.pdf").pages]
    titles = ["Code", "Report", *(f"{n} · {q.title}" for n, q in enumerate(SCHEME.questions, start=1))]
    titles += [task.title for task in RUBRIC.tasks]
    assert len(pages) > 3
    for page in pages:
        lines = [line for line in page.splitlines() if line.strip() and not re.match(r"Ada Lovelace|\d+ / \d+", line)]
        assert not lines[-1].startswith(tuple(titles))
        assert lines[0].startswith((*titles, "Looking inside"))


def test_an_answer_of_many_pages_is_shown_whole(out, made):
    grade(out, "ada")
    mark_report(
        out, "ada", answers={"one-pass": f"{'A sentence. ' * 1500}\n\nThe end of it."}, comments={"paper": "Good."}
    )
    made(PLAIN, trial=False)
    text = words_of(out, "ada.pdf")
    assert text.count("sentence.") == 1500
    assert text.index("The end of it.") < text.index("Good.")


def test_what_typst_cannot_set_is_shown_as_it_was_written(out, made, monkeypatch):
    grade(out, "ada")
    mark_report(out, "ada", answers={"one-pass": "Linear *sums*"})
    monkeypatch.setattr(Typesetter, "set_in_typst", lambda _, text: {"written": text, "set": "#nonsense()"})
    made(PLAIN, trial=False)
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(out / "gradebook" / "feedback" / "ada.pdf").pages)
    assert "Linear *sums*" in text
    assert " ".join(AS_WRITTEN.split()) in " ".join(text.split())


# The class


def test_the_class_page_counts_points_and_mistakes(out, made):
    for number, lost in enumerate([["saliency.value"], ["saliency.value"], ["saliency.value", "tv_loss.value"]]):
        grade(out, f"s{number}", lost)
        mark_report(out, f"s{number}", wrong={"ascent": ["the map is coarse"]} if number else {})
    made("id,name\ns0,Ada\ns1,Grace\ns2,Alan\ns3,Max\n")
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (out / "gradebook" / "class.html").read_text("utf-8")))
    assert "3 of 4 students handed in" in page
    assert "Missing, nothing handed in: Max (s3)" in page
    assert page.index("Code: Saliency maps lost value 3 of 3") < page.index("A saliency map is not coarse")
    assert re.search(r"What it has lost is the sign and the colour channel\. 2 of 3", page)
    assert re.search(r"Saliency maps 7 7 10 0", page)  # mean, median, points, with all


# The command


def test_the_command_takes_two_rosters_and_without_pdf_is_a_trial(monkeypatch):
    called = []
    monkeypatch.setattr(run, "gradebook", lambda *places, **options: called.append((places, options)) or 0)
    options = parser().parse_args(["gradebook", "out", "--roster", "a.csv", "--roster", "b.csv", "--no-pdf"])
    assert options.run(options) == 0
    assert called == [((Path("out"), Path("a.csv"), None, POLICY), {"worksheets": [Path("b.csv")], "trial": True})]


# Whole or not at all


def test_a_failure_leaves_the_earlier_gradebook_as_it_was(out, made, monkeypatch):
    grade(out, "ada")
    made(PLAIN)
    before = {path: path.read_bytes() for path in (out / "gradebook").rglob("*") if path.is_file()}
    grade(out, "grace")
    with monkeypatch.context() as patched:
        patched.setattr(run, "class_page", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            made(PLAIN)
    assert {path: path.read_bytes() for path in (out / "gradebook").rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in out.iterdir()) == ["ada", "grace", "gradebook"]


def test_a_run_that_was_killed_between_two_renames_is_mended(out, made):
    grade(out, "ada", ["saliency.value"])
    made(PLAIN, trial=False)
    (out / "gradebook").rename(out / ".gradebook-earlier")
    grade(out, "ada")
    assert "• Regraded: Ada Lovelace, 97 → 100 (Code: Saliency maps 7 → 10)" in made(PLAIN, trial=False)


def test_a_second_run_at_the_same_time_is_refused(out, made):
    grade(out, "ada")
    with new_folder(out / "gradebook"), pytest.raises(GradebookError, match="another gradebook is being written"):
        made(PLAIN)


def test_no_submission_takes_the_names_of_what_is_written_beside_it(tmp_path):
    wanted = [("gradebook", tmp_path), ("marking.sqlite", tmp_path), ("ada", tmp_path)]
    assert [name for name, _ in apart(wanted)] == ["gradebook (2)", "marking.sqlite (2)", "ada"]


def test_a_ledger_that_is_damaged_is_not_overwritten(out, made):
    grade(out, "ada")
    made(PLAIN)
    (out / "gradebook" / "ledger.json").write_text("{", "utf-8")
    with pytest.raises(LedgerError, match="no regrade shows what was before"):
        made(PLAIN)
    assert (out / "gradebook" / "ledger.json").read_text("utf-8") == "{"


def test_a_folder_without_graded_submissions_is_refused(tmp_path, out, made):
    out.mkdir()
    with pytest.raises(GradebookError, match="holds no graded submissions: run"):
        made(PLAIN)
    grade(out, "ada")
    (tmp_path / "class" / "other").mkdir(parents=True)
    with pytest.raises(GradebookError, match="holds none of the submissions that were graded"):
        made(PLAIN, tmp_path / "class")


@pytest.mark.parametrize("cell", ["--1", "-A1", "- 1+1", "-\t=1", "+", "=", "@", "-+1", " -x"])
def test_what_only_begins_like_a_dash_is_still_guarded(cell):
    assert as_csv([[cell]]).decode().lstrip('"').startswith("'")


def test_csv_cells_survive_a_round_trip(tmp_path):
    table = [["a", "b"], ['x "y", z', "line\nbreak"], ["-3.5", "'=1+1"]]
    (tmp_path / "t.csv").write_bytes(as_csv(table))
    read = read_csv(tmp_path / "t.csv")
    assert [read.header, *read.rows] == table
    (tmp_path / "t.csv").write_bytes(b"\r\n")
    with pytest.raises(TableError, match="is empty"):
        read_csv(tmp_path / "t.csv")


def test_the_shipped_policy_is_in_order_and_makes_nothing_late():
    assert read_policy().due is None


@pytest.mark.long
def test_what_batch_and_graders_leave_adds_up(tmp_path, out, made):
    """Two submissions are graded for good and marked in the records; nothing is made by hand."""
    right = solution() | {REPORT: report(model_answers()).encode()}
    module = "visualizers/saliency.py"
    wrong = right | {module: right[module].replace(b".abs()", b"")}
    assert wrong != right
    for name, files in (("ada", right), ("grace", wrong)):
        pack(tmp_path / "class" / f"{name}.zip", files)
    assert batch(tmp_path / "class", out, workers=2, say=lambda _: None) == 0
    records = open_records(out)
    take_in(tmp_path / "class", records)
    for name in ("ada", "grace"):
        for question in SCHEME.questions:
            won = [each.name for each in question.criteria]
            answer = records.answer(name, question.name)
            assert question.model_answer in answer.text
            records.save(name, question.name, Mark(question.points, won, grader="G", done=True, answer=answer.sha256))
    records.close()
    made(PLAIN, tmp_path / "class", trial=False)
    marks = {row["submission"]: row for row in csv.DictReader((out / "marks.csv").read_text("utf-8-sig").splitlines())}
    book = {row["submission"]: row for row in rows(out, "gradebook.csv")}
    assert book["ada"]["total"] == "150"
    assert float(book["grace"]["Code: Saliency maps"]) == float(marks["grace"]["saliency"]) < 10
    assert float(book["grace"]["total"]) == float(marks["grace"]["total"]) + 50
    text = "".join(page.extract_text() for page in pypdf.PdfReader(out / "gradebook" / "feedback" / "grace.pdf").pages)
    assert "Adebayo, Gilmer, Muelly" in text


# What graders give beside the scheme, and a scheme that changes


def test_a_graders_adjustment_is_told_with_its_reason_and_is_no_misconception(out, made):
    grade(out, "ada")
    mark_report(out, "ada")
    records = open_records(out)
    mark = records.mark("ada", "one-pass")
    records.save("ada", "one-pass", replace(mark, points=2.5, adjustment=-0.5, reason="The sign is *wrong*."))
    records.close()
    made(PLAIN)
    assert totals(out)["Ada Lovelace"] == str(POINTS - 0.5)
    page = (out / "gradebook" / "feedback" / "ada.html").read_text("utf-8")
    assert "adjustment" in page
    assert "The sign is <em>wrong</em>." in page
    assert "The sign is" not in (out / "gradebook" / "class.html").read_text("utf-8")


def test_marks_that_a_changed_scheme_changes_are_recounted_and_named(out, made):
    grade(out, "ada")
    mark_report(out, "ada")
    records = open_records(out)
    records.save("ada", "one-pass", replace(records.mark("ada", "one-pass"), points=2))
    records.close()
    words = "• Recounted by the mark scheme as it is now: ada, one-pass: 3 points, no longer 2"
    assert words in made(PLAIN)
    assert totals(out)["Ada Lovelace"] == str(POINTS)
    assert words not in made(PLAIN)
