"""For instructors: the student release. Students' copies of the kit come without this package."""
