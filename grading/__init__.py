"""For instructors: the student release, and grading. Students' copies of the kit come without this package."""
