"""A task that is not written yet: what its stub says, and how that is recognized."""

import traceback

UNWRITTEN = "not implemented yet"
STUB = f'raise NotImplementedError("{UNWRITTEN}")'


def is_unwritten(error: BaseException | None) -> bool:
    """Whether the error is a stub's, also one that a student has shortened."""
    return isinstance(error, NotImplementedError) and str(error) in ("", UNWRITTEN)


def stub_of(error: BaseException) -> traceback.FrameSummary:
    """The function, file and line that raised the error."""
    return traceback.extract_tb(error.__traceback__)[-1]
