"""What is told of marks: to students, to Gradescope, to instructors."""

from instructor.grading.reports.write import write_reports

__all__ = ["write_reports"]
