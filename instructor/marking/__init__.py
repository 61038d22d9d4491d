"""Marking the report: people give the marks, question by question, in a page on their own machine."""
