"""The oracle's answers to the hidden tests lie beside them, where no release takes them from."""

from pathlib import Path

from tests.support import oracle

if hasattr(oracle, "read"):  # not while they are being recorded
    oracle.read(Path(__file__).resolve().parent)
