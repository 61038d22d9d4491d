"""What is raised where a release does not hold what it promises."""


class ReleaseError(RuntimeError):
    """The release does not hold what it promises; nothing was written."""
