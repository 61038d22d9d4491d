"""The mark scheme covers the report, its points add up, and the model answers earn all of them."""

import pytest

from instructor.marking.scheme import SCHEME, SchemeError, load_scheme, uses
from kit.assignment import QUESTIONS

ALL = load_scheme().questions
CRITERIA = [(question, each) for question in ALL for each in question.criteria]
MISCONCEPTIONS = [(question, each) for question in ALL for each in question.misconceptions]


def named(value):
    return value.name


def rewritten(tmp_path, old, new):
    text = SCHEME.read_text("utf-8")
    assert old in text
    (tmp_path / "scheme.toml").write_text(text.replace(old, new, 1), "utf-8")
    return tmp_path / "scheme.toml"


def test_every_question_of_the_report_has_its_entry_in_the_same_order():
    assert [question.name for question in ALL] == list(QUESTIONS)
    assert [question.title for question in ALL] == [entry["title"] for entry in QUESTIONS.values()]


@pytest.mark.parametrize("question", ALL, ids=named)
def test_criteria_add_up_to_the_points_of_the_table(question):
    assert sum(each.points for each in question.criteria) == question.points == QUESTIONS[question.name]["points"]


@pytest.mark.parametrize("question", ALL, ids=named)
def test_a_question_has_three_criteria_and_three_misconceptions_at_least(question):
    assert len(question.criteria) >= 3
    assert len(question.misconceptions) >= 3


@pytest.mark.parametrize(("question", "criterion"), CRITERIA, ids=named)
def test_model_answers_earn_every_criterion_by_its_words(question, criterion):
    missing = [entry for entry in criterion.words if not uses([entry], question.model_answer)]
    assert not missing


@pytest.mark.parametrize(("question", "misconception"), MISCONCEPTIONS, ids=named)
def test_no_model_answer_shows_a_misconception(question, misconception):
    assert not misconception.words or not uses(misconception.words, question.model_answer)


def test_sentences_to_students_are_whole_and_differ():
    sentences = [each.sentence for _, each in MISCONCEPTIONS] + [each.full_answer for _, each in CRITERIA]
    assert len(set(sentences)) == len(sentences)
    assert not [words for words in sentences if not words.endswith(".") or not 40 <= len(words) <= 260]


def test_a_wrong_answer_earns_no_words():
    one_pass = load_scheme()["one-pass"]
    answer = "It speeds things up *Exponentially*,\nwithout dropout."
    assert not [each.name for each in one_pass.criteria if uses(each.words, answer)]
    found = [each.name for each in one_pass.misconceptions if each.words and uses(each.words, answer)]
    assert found == ["exponentially faster", "dropout"]


def test_points_are_those_of_criteria_less_misconceptions_and_never_negative():
    question = load_scheme()["one-pass"]
    assert question.earned([each.name for each in question.criteria]) == 3
    assert question.earned(["linearity", "layer and mode"], ["dropout"]) == 1.5
    assert question.earned([], ["dropout"]) == 0
    assert question.earned(["linearity", "no such criterion"]) == 1


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("points = 1\n", "points = 2\n", "one-pass.criteria add up to 4 points: the question has 3"),
        ("points = 1\n", "points = nan\n", "one-pass.criteria.linearity.points is nan: must be above 0"),
        ("points = 1\n", "points = true\n", "one-pass.criteria.linearity.points is True"),
        ("cost = 0.5\n", "cost = 9\n", "one-pass.misconceptions.exponentially faster.cost is 9"),
        ("cost = 0.5\n", "price = 0.5\n", "one-pass.misconceptions.exponentially faster.price is unknown"),
        ("cost = 0.5\n", "", "one-pass.misconceptions.exponentially faster has no cost"),
        ('words = ["linear", ', 'words = ["linear|", ', "one-pass.criteria.linearity.words must be a list"),
        ('words = ["linear", ', "words = [7, ", "one-pass.criteria.linearity.words must be a list"),
        ("[one-pass.criteria.linearity]", "[two-pass.criteria.linearity]", "two-pass is not a question of the report"),
        ("[paper.criteria.reference]", "[paper.criterion.reference]", "paper.criterion is unknown"),
        ("points = 1\n", "points = = 1\n", "cannot be read"),
    ],
)
def test_a_scheme_that_is_not_in_order_is_refused_with_its_place(tmp_path, old, new, complaint):
    with pytest.raises(SchemeError, match=complaint.replace("|", r"\|")):
        load_scheme(rewritten(tmp_path, old, new))


def test_a_question_without_criteria_or_model_answer_is_named(tmp_path):
    (tmp_path / "scheme.toml").write_text("", "utf-8")
    with pytest.raises(SchemeError, match="one-pass has no criteria"):
        load_scheme(tmp_path / "scheme.toml")
    (tmp_path / "writeup.md").write_text("## 1 · One {#one-pass .question}\n", "utf-8")
    with pytest.raises(SchemeError, match="one-pass has no model answer"):
        load_scheme(report=tmp_path / "writeup.md")
