"""Sanity checks for saliency maps: do explanations depend on what the model has learned?

Adebayo et al. 2018, arXiv 1810.03292. An explanation that looks the same after the model has forgotten everything
cannot have told much about the model.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from sanity_checks.explanations import METHODS, explain
from sanity_checks.randomization import Stage, before_last_relu, find_stages, forgetting, untrained
from sanity_checks.similarity import MEASURES, compare_descriptions, describe, similarities
from visualizers.layers import Layer, Tokens, find_layer
from visualizers.scores import check_batch


@dataclass(frozen=True)
class Similarity:
    """`values` (images, seeds, stages, methods, measures): NaN where a measure is undefined.

    Every value compares an image's explanation after randomization with that by the original model; the stages are in
    the order of randomization, by their labels, the measures by default those of `similarity.MEASURES`.
    """

    values: NDArray[np.float64]
    stages: tuple[str, ...]
    methods: tuple[str, ...]
    measures: tuple[str, ...]


def parameter_randomization(
    X: Tensor,
    y: Tensor,
    model: nn.Module,
    *,
    mode: str = "cascading",
    methods: Collection[str] = METHODS,
    measures: Collection[str] = tuple(MEASURES),
    seeds: Sequence[int] = (0,),
    stages: Sequence[Stage] | None = None,
    layer: Layer = None,
    build: Callable[[], nn.Module] | None = None,
    batch_size: int = 25,
    path: str | os.PathLike | None = None,
    progress: bool = True,
    **options: int,
) -> Similarity:
    """Compare every explanation with the same one by models that have forgotten stage after stage.

    mode "cascading": from the last stage down, each step keeps what the ones before forgot; "independent": one stage
    at a time. The forgotten parameters are those of an untrained network, one for each of `seeds`, made by `build`
    (None: torchvision's builder). Scores are explained before a final ReLU. `options` (samples, steps) go to
    `explain`. The caller's model is never altered.

    Images are taken `batch_size` at a time. With `path`, an .npz file, results are kept after every batch and seed, and
    the same call resumes an interrupted one; raises ValueError if the file belongs to another call.
    """
    if isinstance(seeds, int) or not len(seeds):
        raise ValueError(f"seeds is {seeds!r}: give several, such as (0, 1, 2)")
    X, y = check_batch(X, y, model)
    layer = layer_name(model, layer, X)
    stages = find_stages(model, X) if stages is None else list(stages)
    methods, measures, model = tuple(methods), tuple(measures), before_last_relu(model, X)
    names = tuple(stage.label for stage in reversed(stages))
    values = np.full((len(X), len(seeds), len(stages), len(methods), len(measures)), np.nan)
    done = np.zeros((len(X), len(seeds)), dtype=bool)
    drawn = untrained(model, seeds[0], build)  # what is drawn depends on `build`, which has no name
    settings = (mode, methods, measures, tuple(seeds), stages, layer, sorted(options.items()), repr(model))
    call = fingerprint([X, y, *model.state_dict().values(), *drawn.state_dict().values()], settings)
    if path is not None and Path(path).exists():
        values, done = read_results(Path(path), call)
    with tqdm(total=done.size, initial=int(done.sum()), unit="image", desc=mode, disable=not progress) as bar:
        for start in range(0, len(X), batch_size):
            batch = slice(start, start + batch_size)
            waiting = [i for i in range(len(seeds)) if not done[batch, i].all()]
            if waiting:
                original = describe(explain(X[batch], y[batch], model, methods, layer, **options), measures)
            for i in waiting:
                fresh = untrained(model, seeds[i], build)
                for stage, (_, forgetful) in enumerate(forgetting(model, stages, fresh, mode)):
                    changed = describe(explain(X[batch], y[batch], forgetful, methods, layer, **options), measures)
                    pairs = [compare_descriptions(original[method], changed[method]) for method in methods]
                    values[batch, i, stage] = np.stack(pairs, axis=1)
                done[batch, i] = True
                if path is not None:
                    write_results(Path(path), values, done, call)
                bar.update(len(X[batch]))
    return Similarity(values, names, methods, measures)


def randomized_explanations(
    X: Tensor,
    y: Tensor,
    model: nn.Module,
    *,
    methods: Collection[str] = METHODS,
    seed: int = 0,
    layer: Layer = None,
    build: Callable[[], nn.Module] | None = None,
    progress: bool = True,
    **options: int,
) -> dict[str, dict[str, Tensor]]:
    """The explanations themselves, by stage and method: first "original", then the stages of a cascade."""
    X, y = check_batch(X, y, model)
    layer, stages = layer_name(model, layer, X), find_stages(model, X)
    model = before_last_relu(model, X)
    cascade = forgetting(model, stages, untrained(model, seed, build), "cascading")
    networks = tqdm(
        chain([("original", model)], cascade),
        total=1 + len(stages),
        unit="stage",
        desc="explanations",
        disable=not progress,
    )
    return {name: explain(X, y, network, methods, layer, **options) for name, network in networks}


def unrelated_similarity(
    X: Tensor,
    y: Tensor,
    model: nn.Module,
    *,
    methods: Collection[str] = METHODS,
    layer: Layer = None,
    **options: int,
) -> NDArray[np.float64]:
    """How alike explanations of *different* images are, each image against the next: (N, methods, measures).

    This is what "similar" has to be measured against: maps of unrelated images are not uncorrelated, since all of them
    are smooth, positive, or brighter in the middle. Raises ValueError for fewer than two images.
    """
    X, y = check_batch(X, y, model)
    if len(X) < 2:
        raise ValueError("one image has no other to be compared with: give at least two")
    explanations = explain(X, y, before_last_relu(model, X), tuple(methods), layer_name(model, layer, X), **options)
    return compare(explanations, {method: values.roll(1, dims=0) for method, values in explanations.items()})


def compare(first: dict[str, Tensor], second: dict[str, Tensor]) -> NDArray[np.float64]:
    """The similarities of two sets of explanations of N images: (N, methods, measures)."""
    return np.stack([similarities(first[method], second[method]) for method in first], axis=1)


def layer_name(model: nn.Module, layer: Layer, X: Tensor) -> Layer:
    """The layer by its name, under which copies of the model have it too."""
    found = find_layer(model, layer, X)
    name = next(name for name, module in model.named_modules() if module is found)
    return replace(layer, layer=name) if isinstance(layer, Tokens) else name


def fingerprint(tensors: Sequence[Tensor], settings: object) -> str:
    """One short text for everything that a result depends on."""
    digest = hashlib.sha256(repr(settings).encode())
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_results(path: Path, call: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    with np.load(path, allow_pickle=False) as file:
        if file["call"].item() != call:
            raise ValueError(f"{path} holds the results of other images, settings or weights: choose another path")
        return file["values"], file["done"]


def write_results(path: Path, values: NDArray, done: NDArray, call: str) -> None:
    """Whole or not at all: an interrupted run leaves the file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as temporary:
        try:
            np.savez_compressed(temporary, values=values, done=done, call=call)
            temporary.close()
            Path(temporary.name).replace(path)
        finally:
            Path(temporary.name).unlink(missing_ok=True)
