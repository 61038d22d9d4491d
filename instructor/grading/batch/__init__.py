"""Grading a folder of submissions, here or on Slurm."""

from instructor.grading.batch.run import BatchError, batch

__all__ = ["BatchError", "batch"]
