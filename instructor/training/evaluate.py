"""How well a student agrees with its teacher, in what it says and in how that is explained.

`python -m instructor.training.evaluate PHOTOGRAPHS...` prints the table, for the shipped weights or others. It measures
on the course's 25 images and on photographs that training holds out. `--pictures` shows what no number tells: whether
style transfers look the same.
"""

import argparse
import io
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image
from scipy.stats import rankdata
from torch import Tensor, nn
from torchvision.transforms.functional import center_crop, resize

from data import load_examples, load_model, load_style_pair, preprocess
from data.pictures import STYLES
from instructor.training.photographs import read_photographs, split
from instructor.training.recipe import HELD_OUT
from kit.command import get_ready
from style_transfer import extract_features, gram_matrix, style_transfer
from visualizers import compute_saliency_maps, create_class_visualization, grad_cam

SIZE = 224
STYLE_LAYERS = (1, 4, 6, 7)
VISUALIZED = {"gorilla": 366, "Yorkshire terrier": 187}
SEEN_ALIKE = ("coffee", "chelsea", "motorcycle_left")  # of the shipped examples, the first three


def measures(student: nn.Module, teacher: nn.Module, held_out: Mapping[str, bytes]) -> dict[str, float]:
    """All figures by name. What needs the course's images or held-out photographs is left out where there are none."""
    student, teacher = (model.eval().requires_grad_(False) for model in (student, teacher))
    measured: dict[str, float] = {}
    course = load_examples(25) if course_is_here() else None
    if course is not None:
        X, y = preprocess(course.images), course.labels
        measured |= named("25 course images", agreement(X, student, teacher) | accuracies(X, y, student, teacher))
        measured |= named("25 course images", explanations(X, y, student, teacher))
    if held_out:
        X = preprocess([squared(content) for content in held_out.values()])
        measured |= named(f"{len(held_out)} held-out photographs", agreement(X, student, teacher))
    measured |= same_opinion(student, teacher) | gram_errors(student, teacher) | visualizations(student, teacher)
    return {name: round(value, 4) for name, value in measured.items()}


def named(pictures: str, measured: dict[str, float]) -> dict[str, float]:
    return {f"{pictures}: {name}": value for name, value in measured.items()}


def course_is_here() -> bool:
    return load_style_pair("starry_night").source == "course"


def squared(content: bytes) -> Image.Image:
    """The middle of the photograph, as torchvision's networks are evaluated."""
    return center_crop(resize(Image.open(io.BytesIO(content)).convert("RGB"), SIZE), SIZE)


def agreement(X: Tensor, student: nn.Module, teacher: nn.Module) -> dict[str, float]:
    found, wanted = student(X), teacher(X)
    best = wanted.argmax(dim=1, keepdim=True)
    correlations = [correlation(*pair) for pair in zip(found, wanted, strict=True)]
    return {
        "top-1 agreement": mean(found.argmax(dim=1, keepdim=True) == best),
        "teacher's first in student's top 5": mean((found.topk(5).indices == best).any(dim=1)),
        "correlation of logits": statistics.mean(correlations),
    }


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson's. What is the same everywhere agrees with nothing: 0."""
    return torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].nan_to_num().item()


def accuracies(X: Tensor, y: Tensor, student: nn.Module, teacher: nn.Module) -> dict[str, float]:
    models = {"accuracy": student, "teacher's accuracy": teacher}
    return {name: mean(model(X).argmax(dim=1) == y) for name, model in models.items()}


def explanations(X: Tensor, y: Tensor, student: nn.Module, teacher: nn.Module) -> dict[str, float]:
    """Rank correlations of maps, of all their pixels, on average over the images."""
    methods = {"Grad-CAM": grad_cam, "saliency": compute_saliency_maps}
    return {
        f"rank correlation of {name}": statistics.mean(
            correlation(*(torch.from_numpy(rankdata(each)) for each in pair))
            for pair in zip(method(X, y, student), method(X, y, teacher), strict=True)
        )
        for name, method in methods.items()
    }


def same_opinion(student: nn.Module, teacher: nn.Module) -> dict[str, float]:
    """The student's probability for what the teacher sees in each of three pictures."""
    X = preprocess(load_examples(len(SEEN_ALIKE), "shipped").images)
    best = teacher(X).argmax(dim=1)
    found = student(X).softmax(dim=1)[range(len(X)), best].tolist()
    return {f"{name}: probability of the teacher's class": p for name, p in zip(SEEN_ALIKE, found, strict=True)}


def gram_errors(student: nn.Module, teacher: nn.Module) -> dict[str, float]:
    """Relative errors of Gram matrices, the mean over the paintings and the content photograph."""
    pairs = [load_style_pair(name) for name in STYLES]
    pictures = [preprocess(picture, SIZE) for picture in [pairs[0].content, *(pair.style for pair in pairs)]]
    return {
        f"relative error of Gram matrices, layer {layer}": statistics.mean(
            gram_error(picture, layer, student, teacher) for picture in pictures
        )
        for layer in STYLE_LAYERS
    }


def gram_error(picture: Tensor, layer: int, student: nn.Module, teacher: nn.Module) -> float:
    found, wanted = (gram_matrix(extract_features(picture, model, [layer])[layer]) for model in (student, teacher))
    return ((found - wanted).norm() / wanted.norm()).item()


def visualizations(student: nn.Module, teacher: nn.Module) -> dict[str, float]:
    """How sure both are of the pictures that the student's class scores like best."""
    labels = torch.tensor(list(VISUALIZED.values()))
    images = create_class_visualization(labels, student)
    return {
        f"{name} visualized: {who}'s probability": p
        for who, model in (("student", student), ("teacher", teacher))
        for name, p in zip(VISUALIZED, model(images).softmax(dim=1)[range(len(labels)), labels].tolist(), strict=True)
    }


def side_by_side(student: nn.Module, teacher: nn.Module) -> Figure:
    """Style transfers with the student's features, left, and the teacher's, one row for each pair of the course."""
    figure = Figure(figsize=(10, 3.8 * len(STYLES)), layout="constrained")
    for row, name in zip(figure.subplots(len(STYLES), 2), STYLES, strict=True):
        pair = load_style_pair(name)
        for axis, model in zip(row, (student, teacher), strict=True):
            axis.imshow(style_transfer(pair.content, pair.style, model=model, preset=name, progress=False))
            axis.axis("off")
    return figure


def table(measured: Mapping[str, float]) -> str:
    return "\n".join(f"{name:64}{value:8.3f}" for name, value in measured.items())


def mean(truths: Tensor) -> float:
    return truths.float().mean().item()


def main(arguments: Sequence[str] | None = None) -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.training.evaluate", description=__doc__)
    parser.add_argument("photographs", type=Path, nargs="*", help="what training was given, to find what it held out")
    parser.add_argument("--weights", default="shipped", help="what load_model takes (default: shipped)")
    parser.add_argument("--teacher", default="imagenet", help="what load_model takes (default: imagenet)")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help=f"large photographs (default: {HELD_OUT})")
    parser.add_argument("--json", type=Path, help="a file that gets the figures too")
    parser.add_argument(
        "--pictures", type=Path, help="a PNG that gets style transfers, the student's and the teacher's"
    )
    options = parser.parse_args(arguments)
    try:
        held_out = split(read_photographs(options.photographs), options.held_out)[2] if options.photographs else {}
        student, teacher = load_model(options.weights), load_model(options.teacher)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    measured = measures(student, teacher, held_out)
    print(table(measured))
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    if options.pictures:
        side_by_side(student, teacher).savefig(options.pictures, dpi=100)
    return 0


if __name__ == "__main__":
    sys.exit(main())
