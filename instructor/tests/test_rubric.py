"""The rubric is checked word by word, and turns outcomes into points as it says."""

import pytest

from instructor.grading.marks import Outcome
from instructor.grading.rubric import RubricError, read_rubric

TEXT = """
[tasks.saliency]
title = "Saliency maps"
module = "visualizers/saliency.py"
functions = ["compute_saliency_maps"]
notebook = "01_saliency_maps"
gate = "approach"

[tasks.saliency.criteria.approach]
points = 1
tests = ["test_saliency.py::test_direction"]

[tasks.saliency.criteria.value]
points = 2.5
tests = ["test_saliency.py::test_values", "test_purity.py::test_*[saliency*]"]

[tasks.tv_loss]
title = "Total variation loss"
module = "style_transfer/tv_loss.py"
functions = ["tv_loss"]
notebook = "05_style_transfer"

[tasks.tv_loss.criteria.value]
points = 3
tests = ["test_tv_loss.py::test_value?"]
"""
DIRECTION, VALUES = "test_saliency.py::test_direction", "test_saliency.py::test_values"
TV = "test_tv_loss.py::test_values"


def read(tmp_path, text=TEXT):
    (tmp_path / "assignment.toml").write_text(text, "utf-8")
    return read_rubric(tmp_path / "assignment.toml", hidden=None)


@pytest.fixture
def rubric(tmp_path):
    return read(tmp_path)


def marked(rubric, *outcomes, hints=None):
    """The tasks' marks, by task and criterion."""
    marks = rubric.marks("ada", "0" * 64, outcomes, hints or {}, ["a problem"], "printed")
    assert (marks.submission, marks.problems, marks.printed) == ("ada", ("a problem",), "printed")
    return marks, {(task.name, mark.name): mark for task in marks.tasks for mark in task.criteria}


# -------------------------------------------------------------------------------------------------- reading the rubric


def test_tasks_and_criteria_keep_their_order(rubric):
    """It is the order of the reports."""
    assert [task.name for task in rubric.tasks] == ["saliency", "tv_loss"]
    assert [each.name for each in rubric.tasks[0].criteria] == ["approach", "value"]
    assert rubric.tasks[0].functions == ("compute_saliency_maps",)
    assert (rubric.tasks[0].points, rubric.points) == (3.5, 6.5)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[tasks.saliency]", "[tasks.saliency", "assignment.toml cannot be read"),
        ("[tasks.tv_loss]", "[tasks.saliency]", "assignment.toml cannot be read"),
        ("[tasks.tv_loss.criteria.value]", "[tasks.saliency.criteria.value]", "assignment.toml cannot be read"),
        (TEXT, "", "holds no task"),
        (TEXT, "tasks.saliency = 3", "^saliency is not a task"),
        ('title = "Saliency maps"', "", "^saliency has no title"),
        ('title = "Saliency maps"', 'title = " "', r"^saliency\.title must be a text"),
        ('title = "Saliency maps"', 'titel = "Saliency maps"', r"^saliency\.titel is unknown: choose from title"),
        ("visualizers/saliency.py", "visualizers/scores.py", r"^saliency\.module is 'visualizers/scores\.py': choose"),
        ('["compute_saliency_maps"]', '"compute_saliency_maps"', r"^saliency\.functions must be a list"),
        ('gate = "approach"', 'gate = "aproach"', r"^saliency\.gate is 'aproach': choose one of approach, value"),
        ("points = 1\n", "", r"^saliency\.approach has no points"),
        ("points = 1\n", "points = 0\n", r"^saliency\.approach\.points is 0"),
        ("points = 1\n", "points = -1\n", r"^saliency\.approach\.points is -1"),
        ("points = 1\n", "points = nan\n", r"^saliency\.approach\.points is nan"),
        ("points = 1\n", "points = inf\n", r"^saliency\.approach\.points is inf"),
        ("points = 1\n", "points = true\n", r"^saliency\.approach\.points is True"),
        ("points = 1\n", 'points = "1"\n', r"^saliency\.approach\.points is '1'"),
        ("points = 1\n", "point = 1\n", r"^saliency\.approach\.point is unknown: choose from points, tests"),
        (f'tests = ["{DIRECTION}"]', "", r"^saliency\.approach has no tests"),
        (f'["{DIRECTION}"]', "[]", r"^saliency\.approach\.tests must be a list of tests, with at least one"),
        (f'["{DIRECTION}"]', "[3]", r"^saliency\.approach\.tests must be a list"),
        (f'["{DIRECTION}"]', '["test_direction"]', r"^saliency\.approach\.tests holds 'test_direction': write"),
        ("test_tv_loss.py::test_value?", DIRECTION, r"^tv_loss\.value\.tests holds .*as does saliency\.approach"),
        (
            '[tasks.tv_loss.criteria.value]\npoints = 3\ntests = ["test_tv_loss.py::test_value?"]',
            "",
            "^tv_loss has no criteria",
        ),
    ],
)
def test_a_rubric_that_is_not_in_order_is_an_error_that_names_the_place(tmp_path, old, new, complaint):
    """Task, criterion and key."""
    assert old in TEXT
    with pytest.raises(RubricError, match=complaint):
        read(tmp_path, TEXT.replace(old, new))


def test_a_rubric_that_is_not_there_is_an_error(tmp_path):
    """Which names it."""
    with pytest.raises(RubricError, match=r"gone\.toml cannot be read"):
        read_rubric(tmp_path / "gone.toml")


# ------------------------------------------------------------------------------------------------- which test is whose


@pytest.mark.parametrize(
    ("test", "place"),
    [
        (DIRECTION, ("saliency", "approach")),
        (f"{DIRECTION}[shipped-1]", ("saliency", "approach")),
        (f"{DIRECTION}s", None),
        (f"tests/{DIRECTION}", None),
        ("test_purity.py::test_model[saliency]", ("saliency", "value")),
        ("test_purity.py::test_model[saliency-shipped]", ("saliency", "value")),
        ("test_purity.py::test_model[grad_cam-saliency]", None),
        ("test_purity.py::test_model", None),
        ("test_purity.py::test_models", None),
        (TV, ("tv_loss", "value")),
        ("test_tv_loss.py::test_value", None),
    ],
)
def test_a_pattern_means_what_the_rubric_says(rubric, test, place):
    """Without a bracket, parameters do not matter; a bracket stands for itself."""
    assert rubric.criterion_of(test) == place


def test_a_test_of_two_criteria_is_an_error(tmp_path):
    """It would count twice."""
    rubric = read(tmp_path, TEXT.replace("test_tv_loss.py::test_value?", "test_saliency.py::test_dir*"))
    with pytest.raises(RubricError, match=r"test_direction belongs to saliency\.approach and tv_loss\.value"):
        rubric.criterion_of(DIRECTION)


def test_patterns_that_fit_no_test_are_found(rubric):
    """A renamed test must not cost points."""
    assert rubric.unmatched([DIRECTION, f"{VALUES}[1]", TV]) == ["test_purity.py::test_*[saliency*]"]
    assert rubric.unmatched(["test_purity.py::test_a[saliency]", DIRECTION, VALUES, TV]) == []


# --------------------------------------------------------------------------------------------------------------- marks


def test_a_criterion_is_earned_when_all_its_tests_passed(rubric):
    """Full marks, without a reason and without a hint."""
    outcomes = [Outcome(f"{test}[{number}]", True) for test in (DIRECTION, VALUES, TV) for number in range(2)]
    marks, found = marked(rubric, *outcomes, hints={"saliency": "signed"})
    assert (marks.earned, marks.points) == (6.5, 6.5)
    assert not any(mark.reason for mark in found.values())
    assert found["saliency", "value"].outcomes == tuple(outcomes[2:4])
    assert marks.tasks[0].hint is None


def test_one_failed_test_costs_the_criterion_and_no_other(rubric):
    """The reason counts the failures and tells the first."""
    failed = [Outcome(f"{VALUES}[{number}]", False, f"off by\n {number} %") for number in range(2)]
    passed = [Outcome(test, True) for test in (DIRECTION, f"{VALUES}[9]", TV)]
    marks, found = marked(rubric, *failed, *passed, hints={"saliency": "signed", "tv_loss": "mean"})
    assert found["saliency", "value"].earned == 0
    assert found["saliency", "value"].reason == "2 of 3 tests failed, such as: off by 0 %"
    assert (marks.earned, marks.tasks[0].earned, marks.tasks[1].earned) == (4, 1, 3)
    assert [task.hint for task in marks.tasks] == ["signed", None]


def test_a_single_test_needs_no_counting(rubric):
    """The message alone, or that there is none."""
    assert marked(rubric, Outcome(TV, False, "zeros"))[1]["tv_loss", "value"].reason == "its test failed: zeros"
    assert "without a message" in marked(rubric, Outcome(TV, False))[1]["tv_loss", "value"].reason


def test_the_clearest_complaint_is_the_reason_with_what_was_asked(rubric):
    """Numbers to compare say more than how far all are off, and a line of the student's own says most."""
    off = Outcome(VALUES, False, "the values are off by 80 %", statement="All are right.")
    numbers = Outcome(VALUES, False, "expected [1.0], got [2.0]", statement="By hand.")
    line = Outcome(VALUES, False, "NameError: x (f in visualizers/saliency.py, line 3)", statement="Any.")
    (_, found) = marked(rubric, Outcome(DIRECTION, True), off, numbers)
    assert found["saliency", "value"].reason == "2 of 2 tests failed, such as: “By hand.” expected [1.0], got [2.0]"
    (_, found) = marked(rubric, Outcome(DIRECTION, True), off, numbers, line)
    assert "“Any.” NameError" in found["saliency", "value"].reason


def test_a_criterion_without_outcomes_is_not_earned(rubric):
    """Nothing is earned by a test that was not run."""
    marks, found = marked(rubric, Outcome("test_other.py::test_x", True))
    assert marks.earned == 0
    assert {mark.reason for mark in found.values()} == {"none of its tests was run"}
    assert not any(mark.outcomes for mark in found.values())


def test_without_its_gate_a_task_earns_nothing(rubric):
    """Other tasks are not concerned, and a criterion's own failures are told first."""
    passed = [Outcome(VALUES, True), Outcome(TV, True)]
    marks, found = marked(rubric, Outcome(DIRECTION, False, "points elsewhere"), *passed)
    assert marks.earned == 3
    assert found["saliency", "value"].reason == "its tests pass, but it counts only together with approach"
    assert found["saliency", "approach"].reason == "its test failed: points elsewhere"
    _, found = marked(rubric, Outcome(DIRECTION, False, "x"), Outcome(VALUES, False, "zeros"))
    assert found["saliency", "value"].reason == "its test failed: zeros"


def test_what_a_hidden_test_says_stays_hidden(rubric):
    """Its message may hold the hidden input; a test that students have speaks instead, where one failed."""
    hidden = Outcome(f"{VALUES}[secret]", False, "expected 42", hidden=True)
    _, found = marked(rubric, hidden, Outcome(VALUES, True))
    assert found["saliency", "value"].reason == "1 of 2 tests failed: a hidden test"
    _, found = marked(rubric, hidden, Outcome(VALUES, False, "zeros"))
    assert found["saliency", "value"].reason == "2 of 2 tests failed, such as: zeros"


def test_the_same_outcomes_give_the_same_marks(rubric):
    """Marks can be compared."""
    outcomes = [Outcome(VALUES, False, "zeros"), Outcome(DIRECTION, True)]
    assert marked(rubric, *outcomes)[0] == marked(rubric, *outcomes)[0]


# -------------------------------------------------------------------------------------------------------------- habits

HABIT = (
    TEXT
    + """
[tasks.tv_loss.criteria.purity]
points = 2
tests = ["test_purity.py::test_*[tv_loss]"]

[habits.traces]
title = "Something is left behind"
points = 3
tests = ["test_purity.py::test_traces[*]"]
complaint = "the gradient of "
"""
)
ALL_RIGHT = [Outcome(DIRECTION, True), Outcome(VALUES, True), Outcome(TV, True)]
TRACES = [
    Outcome(f"test_purity.py::test_traces[{task}]", False, "the gradient of w has changed")
    for task in ("saliency", "tv_loss")
]


def test_a_habit_costs_its_points_once_over_all_tasks_and_says_where_it_shows(tmp_path):
    """3 points: 2.5 from the first criterion, the other half from the second."""
    marks, found = marked(read(tmp_path, HABIT), *ALL_RIGHT, *TRACES, hints={"saliency": "hint"})
    assert marks.points - marks.earned == 3
    first, second = found["saliency", "value"], found["tv_loss", "purity"]
    assert (first.earned, first.reason) == (0, "Something is left behind, here and in Total variation loss")
    assert (second.earned, second.reason) == (1.5, "Something is left behind")
    assert marks.tasks[0].hint == "hint"


def test_a_habit_that_is_paid_for_costs_nothing_more(tmp_path):
    text = HABIT.replace('points = 3\ntests = ["test_purity', 'points = 2\ntests = ["test_purity')
    marks, found = marked(read(tmp_path, text), *ALL_RIGHT, *TRACES, hints={"tv_loss": "hint"})
    assert marks.points - marks.earned == 2
    assert (found["tv_loss", "purity"].earned, found["tv_loss", "purity"].reason) == (2, "")
    assert marks.tasks[1].hint is None


def test_a_habit_excuses_nothing_else(tmp_path):
    """Another complaint of the same test, and what fails beside it, cost what they cost."""
    other = Outcome("test_purity.py::test_traces[tv_loss]", False, "the result has changed")
    marks, found = marked(read(tmp_path, HABIT), *ALL_RIGHT[:-1], Outcome(TV, False, "zeros"), other)
    assert found["tv_loss", "purity"].reason == "its test failed: the result has changed"
    assert marks.points - marks.earned == 5
    marks, found = marked(read(tmp_path, HABIT), Outcome(DIRECTION, True), Outcome(VALUES, False, "zeros"), *TRACES)
    assert found["saliency", "value"].reason.startswith("1 of 2 tests failed: zeros")
