"""Answers and figures that two students share: a reason to look twice, never a mark.

Most figures of the report are the same for everybody who solved the tasks: the same photographs, the same network. Only
those that students choose themselves can tell that one was copied.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, combinations

from instructor.marking.database import transaction
from instructor.marking.look import BITS
from instructor.marking.records import Answer, Records
from kit.assignment import FIGURES

SAME_WORDS = "An answer with the same words"
SAME_FIGURE = "The same self-made figure"
ALIKE_FIGURE = "A self-made figure that looks the same"
REASONS = (SAME_WORDS, SAME_FIGURE, ALIKE_FIGURE)
CHOSEN = "style_own_pair"  # the one figure of the table that shows what a student has chosen
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")  # where words are not spaced, a sign is one
RUN = 6  # words in a row
SHORTEST = 25  # words; below, right answers are alike
COMMONPLACE = 0.1  # of the students: what more of them say belongs to the subject
FEW = 10  # students who may say the same however small a class is
SHARE = 0.5  # of the shorter answer's runs
DIFFERENT = 0.06 * BITS  # bits of a look
Found = Iterator[tuple[str, str, str]]  # one, another, reason


def warn_of_sharing(records: Records) -> None:
    """Note anew who shares what with whom."""
    by_question: dict[str, list[Answer]] = defaultdict(list)
    for answers in records.answers().values():
        for name, answer in answers.items():
            by_question[name].append(answer)
    looks = {
        (row["submission"], row["place"]): (row["sha256"], int(row["look"] or "0", 16))
        for row in records.connection.execute("SELECT * FROM figures WHERE look != ''")
    }
    rows = [
        row
        for question, answers in by_question.items()
        for pair in (*same_words(answers), *same_figures(answers, looks))
        for row in both_ways(question, *pair)
    ]
    with transaction(records.connection):
        records.connection.executemany("DELETE FROM warnings WHERE reason = ?", [(reason,) for reason in REASONS])
        records.connection.executemany("INSERT OR IGNORE INTO warnings VALUES (?, ?, ?, ?)", rows)


def both_ways(question: str, one: str, other: str, reason: str) -> list[tuple[str, str, str, str]]:
    return [(one, question, reason, other), (other, question, reason, one)]


def words_of(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts have the same words, and any at all."""
    return words_of(one) == words_of(other) != []


def same_words(answers: Iterable[Answer]) -> Found:
    words = {answer.submission: words_of(answer.text) for answer in answers}
    long = {name: found for name, found in words.items() if len(found) >= SHORTEST}
    runs = {name: set(map(hash, zip(*(found[i:] for i in range(RUN)), strict=False))) for name, found in long.items()}
    most = max(FEW, COMMONPLACE * len(words))
    counts = Counter(chain.from_iterable(runs.values()))
    telling = {run for run, number in counts.items() if 1 < number <= most}  # most runs are one student's alone
    holders: dict[int, list[str]] = defaultdict(list)
    for name, found in runs.items():
        for run in found & telling:
            holders[run].append(name)
    shared = Counter(pair for names in holders.values() for pair in combinations(sorted(names), 2))
    alike = {pair for pair, number in shared.items() if number >= SHARE * min(len(runs[name]) for name in pair)}
    identical: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, found in long.items():
        identical[tuple(found)].append(name)
    for names in identical.values():
        alike |= set(combinations(sorted(names), 2))
    for one, other in sorted(alike):
        yield one, other, SAME_WORDS


def same_figures(answers: Iterable[Answer], looks: dict[tuple[str, str], tuple[str, int]]) -> Found:
    """`looks` are digest and look of the figures that students choose themselves."""
    shown = [(answer.submission, looks[key]) for answer in answers for key in keys(answer) if key in looks]
    for (one, (sha256, look)), (other, (other_sha256, other_look)) in combinations(shown, 2):
        if one == other:
            continue
        if sha256 == other_sha256:
            yield one, other, SAME_FIGURE
        elif look and other_look and (look ^ other_look).bit_count() <= DIFFERENT:
            yield one, other, ALIKE_FIGURE


def keys(answer: Answer) -> list[tuple[str, str]]:
    return [(answer.submission, place) for place in answer.figures]


def is_chosen(name: str) -> bool:
    """Whether what a figure of this name shows is up to the student."""
    return name == CHOSEN or name not in FIGURES
