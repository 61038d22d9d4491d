"""Half of the tests in a process of its own: as many as in the other, and nothing that it says is lost."""

import os
import signal

import pytest

from instructor.grading import halves
from instructor.grading.halves import OtherHalf, together
from instructor.grading.isolation.sandbox import PRINTED
from instructor.grading.judge import Found
from instructor.grading.marks import Outcome


def test_the_first_modules_cost_about_as_much_as_the_others():
    tests = [*[("a", 1)] * 3, ("a", 4), *[("b", 1)] * 2, ("c", 5), *[("d", 2)] * 2]
    assert halves.halves(tests) == {"a": 0, "b": 0, "c": 1, "d": 1}
    assert halves.halves([("a", 1), ("b", 9)]) == {"a": 0, "b": 1}
    assert halves.halves([("a", 1)]) == {"a": 0}
    assert halves.halves([]) == {}


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 4), ("100000 100000", 1), ("50000 100000", 1), ("250000 100000", 2), ("900000 100000", 4), ("", 4)],
)
def test_a_container_may_grant_fewer_processors_than_the_machine_has(quota, expected, tmp_path, monkeypatch):
    """Its quota says how much of their time."""
    (tmp_path / "cpu.max").write_text(quota, "ascii")
    monkeypatch.setattr(halves, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(4)))
    assert halves.processors() == expected


def found_by_a_fork(work):
    """What a fork tells that does this."""
    other = OtherHalf()
    if other.is_here:
        try:
            work(other)
        finally:
            os._exit(1)
    return other.found()


def test_what_the_fork_has_found_arrives_unchanged():
    outcomes = (Outcome("test_a.py::test_a[1]", False, "expected ‘é’\n", True, "It holds.", True), Outcome("b", True))
    said = Found(outcomes, {"saliency": "a hint"}, "printed ✓\n", "a fault")
    assert found_by_a_fork(lambda other: other.tell(said)) == said


def test_a_fork_that_ends_without_a_word_is_a_fault():
    """It was killed, or failed: nobody gets marks for half of the tests."""
    for work in (lambda other: os.kill(os.getpid(), signal.SIGKILL), lambda other: None):
        assert "other half" in found_by_a_fork(work).fault


def test_both_together_hold_all_that_was_found_and_no_more_words_than_one_may_print():
    a, b = Outcome("a", True), Outcome("b", False, "no")
    both = together(Found((a,), {"x": "1"}, "one "), Found((b,), {"y": "2"}, "two"))
    assert both == Found((a, b), {"x": "1", "y": "2"}, "one two")
    assert together(Found((), {}, "ab" * PRINTED), Found((), {}, "c")).printed == "ab" * (PRINTED // 2)
    assert together(Found((), {}, ""), Found((), {}, "", "why")).fault == "why"
