"""Train a SqueezeNet from random weights to do what the teacher does, on photographs that need no labels.

`python -m instructor.training.distill PHOTOGRAPHS... --out weights.safetensors`. PHOTOGRAPHS are folders or tars. Rerun
to resume from the last checkpoint. Hinton et al. 2015, arXiv 1503.02531; hints: Romero et al. 2014, arXiv 1412.6550.
"""

import argparse
import datetime
import hashlib
import io
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pytorch_optimizer import SOAP
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Subset
from torchvision.models import squeezenet1_1
from torchvision.transforms.functional import normalize
from tqdm import tqdm

from data import load_model
from data.images import IMAGENET_MEAN, IMAGENET_STD
from instructor.training.evaluate import measures, table
from instructor.training.losses import blocks_loss, whole_loss
from instructor.training.photographs import Crops, jittered, read_photographs, split
from instructor.training.recipe import HELD_OUT, RECIPES, SEED, Stage
from kit.atomic import write_atomically
from kit.command import get_ready

DECAY = 0.998  # of the exponential average of the weights, which is the result
WARM_UP = 0.02
LARGEST_BASIS = 600  # dimensions; one for the classifier's 1000 outputs would cost half as much as all the others
BETWEEN_CHECKPOINTS = 10_000  # images
CHECKPOINTS = Path("build/training")


@dataclass
class Training:
    """Everything that a checkpoint holds: the student, the average of its weights, and where in the recipe it is."""

    student: nn.Module
    averaged: AveragedModel
    optimizer: torch.optim.Optimizer
    stage: int = 0
    seen: int = 0  # images of this stage

    def state(self) -> dict[str, object]:
        parts = {name: getattr(self, name).state_dict() for name in ("student", "averaged", "optimizer")}
        return {**parts, "stage": self.stage, "seen": self.seen}

    def restore(self, state: dict) -> None:
        for name in ("student", "averaged", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.stage, self.seen = state["stage"], state["seen"]


def begin(start: dict[str, Tensor] | None, seed: int, device: torch.device) -> Training:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        student = squeezenet1_1().eval()  # without dropout
        for layer in student.modules():
            if isinstance(layer, nn.Conv2d):
                layer.reset_parameters()  # smaller ones than torchvision's, which end far from the teacher
    if start is not None:
        student.load_state_dict(start)
    student = student.to(device, memory_format=torch.channels_last)
    averaged = AveragedModel(student, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    return Training(student, averaged, optimizer_of(student))


def optimizer_of(student: nn.Module) -> torch.optim.Optimizer:
    """Adam in the eigenbasis of Shampoo's preconditioner: channels that rise and fall together, as those of feature
    maps do, slow it down no more. Vyas et al. 2024, arXiv 2409.11321."""
    return SOAP(student.parameters(), betas=(0.9, 0.99), weight_decay=0.0, max_precondition_dim=LARGEST_BASIS)


def distill(
    teacher: nn.Module,
    large: Sequence[bytes],
    small: Sequence[bytes],
    recipe: Sequence[Stage],
    checkpoint: Path,
    *,
    start: dict[str, Tensor] | None = None,
    seed: int = SEED,
    workers: int = 0,
    bfloat16: bool = True,
    every: int = BETWEEN_CHECKPOINTS,
    progress: bool = True,
) -> nn.Module:
    """The student after all stages: the average of its weights over the last steps, on the CPU.

    A checkpoint is written after `every` images and each stage, and taken up if there is one: the result is the same.
    Stages that had not begun may be changed or added. Raises ValueError for a checkpoint of another recipe, seed,
    teacher or start, and when the weights grow beyond all bounds, instead of writing a checkpoint.
    """
    device = next(teacher.parameters()).device
    networks = [digest(teacher.state_dict()), start and digest(start)]

    def identity(stage: int, seen: int) -> str:
        begun = recipe[: stage + (seen > 0)]
        return json.dumps([[asdict(stage) for stage in begun], seed, len(large), len(small), networks])

    def keep() -> None:
        if not all(weights.isfinite().all() for weights in training.student.parameters()):
            raise ValueError(f"the weights are no longer finite: lower the rate; the last good ones: {checkpoint}")
        save(checkpoint, training.state() | {"identity": identity(training.stage, training.seen)})

    training = begin(start, seed, device)
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        if state["identity"] != identity(state["stage"], state["seen"]):
            raise ValueError(f"{checkpoint} belongs to another recipe, seed, teacher or start: delete it to begin anew")
        training.restore(state)
    while training.stage < len(recipe):
        stage = recipe[training.stage]
        crops = Crops(large, small, stage, f"{seed} {training.stage}")
        saved = training.seen
        for _ in steps(training, stage, crops, teacher, workers, bfloat16, progress):
            if training.seen - saved >= every:
                keep()
                saved = training.seen
        training.stage, training.seen = training.stage + 1, 0
        training.optimizer = optimizer_of(training.student)
        keep()
    return training.averaged.module.cpu().float()


def steps(
    training: Training,
    stage: Stage,
    crops: Crops,
    teacher: nn.Module,
    workers: int,
    bfloat16: bool,
    progress: bool,
) -> Iterator[None]:
    """The rest of a stage, step by step."""
    device = next(teacher.parameters()).device
    rest = Subset(crops, range(training.seen, len(crops)))
    batches = DataLoader(rest, stage.batch, num_workers=workers)
    title = f"stage {training.stage + 1}, {stage.kind}, {stage.size} px"
    with tqdm(total=len(crops), initial=training.seen, desc=title, unit="image", disable=not progress) as bar:
        for batch in batches:
            generator = torch.Generator().manual_seed(training.seen + 2**32 * training.stage)
            images = jittered(batch.to(device).float() / 255, generator)
            images = normalize(images, IMAGENET_MEAN, IMAGENET_STD).contiguous(memory_format=torch.channels_last)
            for group in training.optimizer.param_groups:
                group["lr"] = rate(stage, training.seen)
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                loss = loss_of(stage, images, training.student, teacher, generator)
            training.optimizer.zero_grad()
            loss.backward()
            training.optimizer.step()
            training.averaged.update_parameters(training.student)
            training.seen += len(batch)
            bar.update(len(batch))
            if not bar.disable and training.seen // stage.batch % 20 == 0:
                bar.set_postfix_str(f"loss {loss.item():.4f}")
            yield


def loss_of(stage: Stage, images: Tensor, student: nn.Module, teacher: nn.Module, generator: torch.Generator) -> Tensor:
    if stage.kind == "blocks":
        return blocks_loss(images, student, teacher, generator)
    return whole_loss(images, student, teacher)


def rate(stage: Stage, seen: int) -> float:
    done = seen / stage.images
    return stage.rate * min(1.0, (done + 1e-3) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))


def digest(state: dict[str, Tensor]) -> str:
    plain = {name: tensor.cpu().contiguous() for name, tensor in state.items()}
    return hashlib.sha256(to_safetensors(plain)).hexdigest()


def save(path: Path, state: dict[str, object]) -> None:
    content = io.BytesIO()
    torch.save(state, content)
    write_atomically(path, content.getvalue())


def export(student: nn.Module, about: dict[str, str], path: Path) -> None:
    """The weights in half precision, with what is to be known about them."""
    state = {name: tensor.half().contiguous() for name, tensor in student.state_dict().items()}
    write_atomically(path, to_safetensors(state, metadata=about))


def main(arguments: Sequence[str] | None = None) -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.training.distill", description=__doc__)
    parser.add_argument("photographs", type=Path, nargs="+", help="folders or tars of photographs")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, .safetensors")
    parser.add_argument(
        "--recipe", choices=RECIPES, default="full", help="see instructor/training/recipe.py (default: full)"
    )
    parser.add_argument("--teacher", default="imagenet", help="what load_model takes (default: imagenet)")
    parser.add_argument("--start", help="begin with these weights instead of random ones; what load_model takes")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help=f"large photographs (default: {HELD_OUT})")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=0, help="processes that cut the crops (default: none)")
    parser.add_argument("--float32", action="store_true", help="no bfloat16, for processors that are slow at it")
    options = parser.parse_args(arguments)
    if options.out.suffix != ".safetensors":
        parser.error(f"--out is {options.out}: give a name that ends in .safetensors")
    try:
        large, small, held_out = split(read_photographs(options.photographs), options.held_out)
        teacher = load_model(options.teacher, options.device)
        start = load_model(options.start).state_dict() if options.start else None
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(large)} large and {len(small)} small photographs; {len(held_out)} large ones are held out")
    checkpoint = CHECKPOINTS / f"{options.out.stem}-{options.recipe}.pt"
    settings = {"seed": options.seed, "workers": options.workers, "bfloat16": not options.float32}
    try:
        student = distill(teacher, large, small, RECIPES[options.recipe], checkpoint, start=start, **settings)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted: the same command goes on at the last checkpoint, {checkpoint}", file=sys.stderr)
        return 130
    measured = measures(student, teacher.cpu(), held_out)
    about = {
        "architecture": "torchvision squeezenet1_1",
        "teacher": options.teacher,
        "start": options.start or "random weights",
        "recipe": json.dumps([asdict(stage) for stage in RECIPES[options.recipe]]),
        "seed": str(options.seed),
        "date": datetime.date.today().isoformat(),
        "figures": json.dumps(measured),
    }
    export(student, about, options.out)
    print(table(measured))
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
