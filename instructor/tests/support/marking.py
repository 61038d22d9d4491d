"""Made submissions for the tests of marking, and records filled without any."""

import json

from instructor.marking.records import Answer, Records


def put(records: Records, answer: Answer) -> None:
    """What is entered of an answer when submissions are read."""
    words = "INSERT OR IGNORE INTO submissions VALUES (?, '', '', '')"
    records.connection.execute(words, (answer.submission,))
    row = (answer.submission, answer.question, answer.text, answer.note, json.dumps(answer.figures), answer.sha256)
    records.connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
