import kit.threads  # noqa: F401  before torch is loaded
