"""What a submission holds, whatever it came in."""

from instructor.grading.intake.submission import Submission, SubmissionError, read_submission

__all__ = ["Submission", "SubmissionError", "read_submission"]
