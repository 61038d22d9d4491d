"""Which known mistake explains what a student's functions give? The results of a task's probe tell.

`catalogue.json`, which `python -m instructor catalogue` makes, holds the signatures that each mistake leaves in them.
"""

import contextlib
import io
import json
import math
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from kit.assignment import checked_by

CATALOGUE = Path(__file__).resolve().parent / "catalogue.json"
TOLERANCE = 1e-3  # relative to the size of a result, far above rounding and far below any mistake
NEGLIGIBLE = 1e-2  # results smaller than this are compared as if they had this size, so that noise around zero is zero
NUMBERS = 16  # that stand for one result
FOLDED = 8  # that stand for all results of a pair of mistakes
LARGEST = 10_000  # values; the probes' results have one or two thousand
MOST = 100  # results
MOST_HINTS = 3  # of which one is right

Signature = dict | None  # of one result; None for one that cannot come from a probe


def signatures(results: Sequence[Tensor]) -> list[Signature]:
    """For each result its shape, how many values are not finite, its size and 16 numbers that depend on all of it.

    Two results that differ by a fraction of their size differ in these numbers by about that fraction. The results may
    be anything; a list longer than any probe's gives none at all.
    """
    return [signature(result) for result in results] if len(results) <= MOST else []


def signature(result: Tensor) -> Signature:
    usual = (
        isinstance(result, Tensor) and result.layout == torch.strided and not (result.is_meta or result.is_quantized)
    )
    if not usual or result.is_complex() or result.numel() > LARGEST:
        return None
    values = result.detach().cpu().double().flatten()
    finite = values.isfinite()
    values = values.where(finite, 0)
    sketch = values if len(values) <= NUMBERS else directions(len(values)) @ values
    size = values.norm()
    if not (size.isfinite() and sketch.isfinite().all()):
        return None
    return {
        "shape": list(result.shape),
        "not finite": int((~finite).sum()),
        "size": rounded(size.item()),
        "sketch": [rounded(value) for value in sketch.tolist()],
    }


@lru_cache(maxsize=32)
def directions(length: int) -> Tensor:
    """Fixed random directions (16, length), scaled so that a projection onto all of them keeps lengths on average."""
    random = torch.Generator().manual_seed(length)
    return torch.randn(NUMBERS, length, generator=random, dtype=torch.float64) / NUMBERS**0.5


def rounded(value: float) -> float:
    return float(f"{value:.5g}")


def fold(found: Sequence[Signature]) -> list[float]:
    """All signatures as a few numbers, which differ where a result does; none where one cannot come from a probe."""
    if None in found:
        return []
    rows = torch.zeros(len(found), NUMBERS + 3, dtype=torch.float64)
    for row, left in zip(rows, found, strict=True):
        size = max(left["size"], NEGLIGIBLE)
        shape = sum(place * length for place, length in enumerate(left["shape"], 2))
        row[:3] = torch.tensor([shape, left["not finite"], math.log(size)])
        row[3 : 3 + len(left["sketch"])] = torch.tensor(left["sketch"], dtype=torch.float64) / size
    folded = (directions(rows.numel()) @ rows.flatten())[:FOLDED]
    return [round(value, 4) for value in folded.tolist()]


def diagnose(task: str, found: Sequence[Signature]) -> list[str]:
    """The hints for the one or two mistakes that leave these signatures; none for right results and unknown mistakes.

    What explains all results comes first. Where results for ordinary inputs are wrong, they alone can decide; where
    they are right, what happens in special circumstances has to fit too.
    """
    known = read_catalogue(CATALOGUE)[task]
    reference, ordinary = known["reference"], known["ordinary"]
    if len(found) != len(reference) or fits(found, reference):
        return []
    lengths = [len(found)] if fits(found[:ordinary], reference[:ordinary]) else [len(found), ordinary]
    for length in lengths:
        for entry in known["entries"]:
            if fits(found[:length], entry["signatures"][:length]):
                return [entry["hint"]]
        if both := pairs_that_fit(known, found[:length]):
            return hints_of(both, [entry["hint"] for entry in known["entries"]])
    return []


def pairs_that_fit(known: dict, found: Sequence[Signature]) -> list[set[int]]:
    """The numbers of two mistakes that leave this together."""
    folded = fold(found)
    column = 2 if len(found) == known["ordinary"] else 3
    return [{*both[:2]} for both in known["pairs"] if alike(both[column], folded)]


def alike(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether two folded results are the same up to rounding. An empty one is like no other."""
    return len(a) == len(b) > 0 and math.dist(a, b) <= FOLDED * TOLERANCE


def hints_of(pairs: Sequence[set[int]], hints: Sequence[str]) -> list[str]:
    """The hints that all pairs share, then the choice that they leave, unless that is too long."""
    common, either = set.intersection(*pairs), sorted(set.union(*pairs))
    found = [hints[number] for number in sorted(common)]
    choice = [hints[number] for number in either if number not in common]
    return [*found, f"And one of these. {' Or: '.join(choice)}"] if common and 2 <= len(choice) <= MOST_HINTS else found


@lru_cache(maxsize=1)
def read_catalogue(path: Path) -> dict[str, dict]:
    return json.loads(path.read_text("utf-8"))


def fits(found: Sequence[Signature], expected: Sequence[Signature]) -> bool:
    return all(distance(a, b) <= TOLERANCE for a, b in zip(found, expected, strict=True))


def distance(a: Signature, b: Signature) -> float:
    """How far two results are apart, relative to the size of the larger; infinite for different shapes."""
    if a is None or b is None or a["shape"] != b["shape"] or a["not finite"] != b["not finite"]:
        return float("inf")
    size = max(a["size"], b["size"], NEGLIGIBLE)
    apart = torch.tensor(a["sketch"], dtype=torch.float64) - torch.tensor(b["sketch"], dtype=torch.float64)
    return max(apart.norm().item(), abs(a["size"] - b["size"])) / size


def closer_look(check: str) -> list[str]:
    """The hints for the functions that tests/test_`check`.py asks about, as they are now. Never raises an Exception."""
    from kit.check.probes import probe

    hints = []
    for task in checked_by(check):
        silence = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            warnings.simplefilter("ignore")
            with contextlib.suppress(Exception):  # a hint is welcome, but the verdict must be shown without it too
                hints += diagnose(task.name, signatures(probe(task.name)))
    return hints
