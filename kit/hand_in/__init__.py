"""Handing in: what belongs to a submission, what may be wrong with it, and the archive."""
