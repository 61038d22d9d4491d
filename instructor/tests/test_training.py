"""The recipe of the shipped weights: photographs, losses, training that can be stopped, and the file it makes."""

import io
import json
import random
import subprocess
import sys
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn
from torchvision.models import squeezenet1_1
from torchvision.models.squeezenet import Fire

from data import load_model
from data.pictures import STYLES
from instructor.training import evaluate
from instructor.training.distill import begin, distill, export, main, rate
from instructor.training.evaluate import measures
from instructor.training.losses import block_outputs, blocks_loss, rectified_error, relative_error, whole_loss
from instructor.training.photographs import Crops, jittered, read_photographs, split
from instructor.training.recipe import LARGE, RECIPES, Stage
from kit.paths import KIT

STAGE = Stage("whole", images=12, size=64, smallest_area=0.4, large=0.5, rate=1e-3, batch=4)


def photograph(seed, width, height):
    """A JPEG of smooth colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(content, "JPEG")
    return content.getvalue()


LARGE_ONES = [photograph(i, LARGE + 40, LARGE + 10 * i) for i in range(4)]
SMALL_ONES = [photograph(i, 64, 64) for i in range(10, 16)]


def network(seed):
    torch.manual_seed(seed)
    return squeezenet1_1().eval().requires_grad_(False)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "photographs"
    (place / "inside").mkdir(parents=True)
    (place / "notes.txt").write_text("no picture", "utf-8")
    for i, content in enumerate(LARGE_ONES):
        (place / "inside" / f"{i}.JPEG").write_bytes(content)
    return place


@pytest.fixture
def tar(tmp_path):
    place = tmp_path / "small.tar"
    with tarfile.open(place, "w") as archive:
        for i, content in enumerate(SMALL_ONES):
            entry = tarfile.TarInfo(f"{i}.jpg")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return place


def test_photographs_come_from_folders_and_tars(folder, tar):
    found = read_photographs([folder, tar])
    assert list(found.values()) == LARGE_ONES + SMALL_ONES
    assert next(iter(found)) == "photographs/inside/0.JPEG"


@pytest.mark.parametrize("kind", ["missing", "text", "empty"])
def test_what_holds_no_photographs_is_named(kind, tmp_path):
    path = tmp_path / kind
    if kind == "text":
        path.write_text("no tar", "utf-8")
    if kind == "empty":
        path.mkdir()
    with pytest.raises(ValueError, match=f"{path} .*: give folders or tars"):
        read_photographs([path])


def test_what_is_held_out_is_never_trained_on_whatever_its_name():
    named = {f"{i}.jpg": content for i, content in enumerate(LARGE_ONES + SMALL_ONES)}
    large, small, held_out = split(named, 2)
    assert len(large) == 2
    assert sorted(small) == sorted(SMALL_ONES)
    assert sorted([*large, *held_out.values()]) == sorted(LARGE_ONES)
    twice = list(named.items()) + [(f"again {name}", content) for name, content in named.items()]
    random.Random(0).shuffle(twice)
    again = split(dict(twice), 2)
    assert again[:2] == (large, small)
    assert list(again[2].values()) == list(held_out.values())


def test_too_few_photographs_to_hold_some_out_are_refused():
    with pytest.raises(ValueError, match="4 of 10 photographs have 192 px or more, and 5 are held out"):
        split(dict(enumerate(LARGE_ONES + SMALL_ONES)), 5)


def test_a_crop_depends_on_the_seed_and_its_number_alone():
    crops = Crops(LARGE_ONES, SMALL_ONES, STAGE, "0")
    backwards = [crops[i] for i in reversed(range(len(crops)))][::-1]
    assert all(torch.equal(crops[i], backwards[i]) for i in range(len(crops)))
    assert crops[0].shape == (3, 64, 64)
    assert crops[0].dtype == torch.uint8
    other = Crops(LARGE_ONES, SMALL_ONES, STAGE, "1")
    assert not any(torch.equal(crops[i], other[i]) for i in range(len(crops)))
    with pytest.raises(IndexError):
        crops[len(crops)]


@pytest.mark.parametrize(("share", "expected"), [(0.0, {64}), (1.0, {LARGE + 10, LARGE, LARGE + 20, LARGE + 30})])
def test_the_share_of_large_photographs_is_kept(share, expected, monkeypatch):
    sides = []
    crops = Crops(LARGE_ONES, SMALL_ONES, replace(STAGE, large=share), "0")
    monkeypatch.setattr(crops, "box", lambda size, chance: sides.append(min(size)) or (0, 0, *size))
    for i in range(12):
        crops[i]
    assert set(sides) <= expected


def test_a_crop_lies_inside_and_covers_at_least_the_smallest_area():
    crops = Crops(LARGE_ONES, SMALL_ONES, STAGE, "0")
    shares = []
    for number in range(300):
        left, top, right, bottom = crops.box((80, 60), random.Random(number))
        assert 0 <= left < right <= 80
        assert 0 <= top < bottom <= 60
        shares.append((right - left) * (bottom - top) / 60**2)
    assert 0.35 < min(shares) < 0.5
    assert max(shares) > 0.9


def test_jitter_changes_colours_a_little_and_each_image_differently():
    images = torch.full((2, 3, 4, 4), 0.5) * torch.tensor([1.0, 0.8, 0.6])[:, None, None]
    changed = jittered(images, torch.Generator().manual_seed(0))
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert 0 < (changed - images).abs().max() < 0.25
    assert not torch.allclose(changed[0], changed[1])
    assert torch.equal(changed, jittered(images, torch.Generator().manual_seed(0)))


def test_the_outputs_of_the_stem_and_all_eight_fire_modules_are_compared():
    model, images, seen = network(0), torch.randn(1, 3, 64, 64), []
    for layer in model.features:
        if isinstance(layer, nn.ReLU | Fire):
            layer.register_forward_hook(lambda layer, given, result: seen.append(result.clone()))
    outputs = block_outputs(images, model)
    assert len(outputs) == len(seen) == 9
    assert all(torch.equal(one, other) for one, other in zip(outputs, seen, strict=True))


def test_relative_error_is_the_share_of_energy():
    assert relative_error(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0])).item() == pytest.approx(1 / 25)


def test_rectified_error_is_the_error_after_the_relu_of_values_before_it():
    found, wanted = torch.randn(50), torch.randn(50).relu()
    found[wanted > 0] = found[wanted > 0].abs()
    expected = relative_error(found.relu(), wanted).item()
    assert rectified_error(found, wanted).item() == pytest.approx(expected)
    assert expected > 0.1


def test_a_channel_that_is_zero_everywhere_comes_back_to_life():
    found, wanted = torch.full((4,), -1.0, requires_grad=True), torch.tensor([0.0, 2.0, 0.0, 1.0])
    rectified_error(found, wanted).backward()
    assert (found.grad != 0).tolist() == [False, True, False, True]
    assert (found.grad <= 0).all()


@pytest.mark.parametrize("size", [64, 200])
def test_both_losses_vanish_for_the_teacher_itself_and_for_nothing_else(size):
    teacher, images = network(0), torch.randn(2, 3, size, size)
    random = torch.Generator().manual_seed(0)
    assert blocks_loss(images, teacher, teacher, random).item() < 1e-10
    assert whole_loss(images, teacher, teacher).item() < 1e-10
    assert blocks_loss(images, network(1), teacher, random).item() > 0.1
    assert whole_loss(images, network(1), teacher).item() > 0.1


def test_a_block_learns_from_the_teachers_features_not_from_the_blocks_before_it():
    teacher, student, images = network(0), network(0), torch.randn(2, 3, 64, 64)
    student.features[3].expand1x1.weight.mul_(2)
    student.requires_grad_()
    blocks_loss(images, student, teacher, torch.Generator().manual_seed(0)).backward()
    changed = {name.rsplit(".", 2)[0] for name, value in student.named_parameters() if value.grad.abs().max() > 1e-5}
    assert changed == {"features.3"}


def test_training_begins_with_small_weights_that_the_seed_decides():
    states = [begin(None, seed, torch.device("cpu")).student.state_dict() for seed in (0, 0, 1)]
    for name, value in states[0].items():
        if name.endswith("weight"):
            fan_in = value[0].numel()
            assert 0.9 * fan_in**-0.5 < value.abs().max() <= fan_in**-0.5, name
        assert torch.equal(value, states[1][name])
        assert not torch.equal(value, states[2][name])


def test_the_rate_rises_and_falls_to_nothing():
    stage = replace(STAGE, images=1000)
    rates = [rate(stage, seen) for seen in range(1001)]
    assert rates[0] < 0.1 * stage.rate
    assert max(rates) == pytest.approx(stage.rate, rel=0.01)
    assert rates[1000] == pytest.approx(0, abs=1e-9)


@pytest.mark.long
def test_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    recipe = (replace(STAGE, kind="blocks"), STAGE)
    settings = {"bfloat16": False, "every": 4, "progress": False}
    teacher = network(0)
    whole = distill(teacher, LARGE_ONES, SMALL_ONES, recipe, tmp_path / "whole.pt", **settings)

    original, calls = Crops.__getitem__, []

    def stops(crops, i):
        calls.append(i)
        if len(calls) == 19:
            raise KeyboardInterrupt
        return original(crops, i)

    monkeypatch.setattr(Crops, "__getitem__", stops)
    with pytest.raises(KeyboardInterrupt):
        distill(teacher, LARGE_ONES, SMALL_ONES, recipe, tmp_path / "stopped.pt", **settings)
    resumed = distill(teacher, LARGE_ONES, SMALL_ONES, recipe, tmp_path / "stopped.pt", **settings)
    assert len(calls) == 19 + 8  # the batch that was lost, and the last one
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    untrained = begin(None, 0, torch.device("cpu")).student.state_dict()
    assert not any(torch.equal(value, untrained[name]) for name, value in whole.state_dict().items())


@pytest.mark.long
def test_training_brings_the_student_closer(tmp_path):
    teacher = network(0)
    images = torch.stack([Crops(LARGE_ONES, SMALL_ONES, STAGE, "test")[i] for i in range(12)]).float() / 255 - 0.5
    before = whole_loss(images, network(1), teacher).item()
    stage = replace(STAGE, images=120, rate=5e-3)
    student = distill(
        teacher,
        LARGE_ONES,
        SMALL_ONES,
        [stage],
        tmp_path / "c.pt",
        start=network(1).state_dict(),
        bfloat16=False,
        progress=False,
    )
    assert whole_loss(images, student, teacher).item() < 0.8 * before


def test_weights_that_are_not_finite_replace_no_checkpoint(tmp_path):
    settings = {"bfloat16": False, "progress": False, "every": 100}
    photographs = {"large": LARGE_ONES, "small": SMALL_ONES}
    first, wild = replace(STAGE, kind="blocks", images=4), replace(STAGE, rate=float("inf"))
    distill(network(0), **photographs, recipe=[first], checkpoint=tmp_path / "c.pt", **settings)
    good = (tmp_path / "c.pt").read_bytes()
    with pytest.raises(ValueError, match="no longer finite: lower the rate; the last good ones: "):
        distill(network(0), **photographs, recipe=[first, wild], checkpoint=tmp_path / "c.pt", **settings)
    assert (tmp_path / "c.pt").read_bytes() == good


@pytest.mark.parametrize("other", [{"seed": 1}, {"start": network(1).state_dict()}, {"teacher": network(1)}])
def test_a_checkpoint_of_another_training_is_refused(other, tmp_path):
    settings = {"teacher": network(0), "bfloat16": False, "progress": False}
    photographs = {"large": LARGE_ONES, "small": SMALL_ONES, "recipe": [replace(STAGE, images=4)]}
    distill(**photographs, checkpoint=tmp_path / "c.pt", **settings)
    with pytest.raises(ValueError, match="another recipe, seed, teacher or start: delete it"):
        distill(**photographs, checkpoint=tmp_path / "c.pt", **{**settings, **other})


def test_a_checkpoint_goes_on_with_stages_added_to_the_recipe_but_not_with_others(tmp_path):
    settings = {"bfloat16": False, "progress": False}
    first, second = replace(STAGE, kind="blocks", images=8), replace(STAGE, images=8)

    def trained(*recipe, checkpoint):
        student = distill(network(0), LARGE_ONES, SMALL_ONES, recipe, tmp_path / checkpoint, **settings)
        return student.classifier[1].weight

    whole = trained(first, second, checkpoint="whole.pt")
    half = trained(first, checkpoint="added.pt")
    added = trained(first, second, checkpoint="added.pt")
    assert torch.equal(whole, added)
    assert not torch.equal(half, added)
    with pytest.raises(ValueError, match="another recipe"):
        trained(replace(first, rate=2e-3), second, checkpoint="added.pt")


def test_a_stage_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match='kind is \'halves\': choose "blocks" or "whole"'):
        replace(STAGE, kind="halves")


def test_the_file_is_half_precision_and_says_what_it_is(tmp_path):
    export(network(0), {"recipe": "none"}, tmp_path / "weights.safetensors")
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        assert file.metadata() == {"recipe": "none"}
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118, it is no dict
    assert (tmp_path / "weights.safetensors").stat().st_size < 2.6e6
    loaded = load_model(tmp_path / "weights.safetensors").state_dict()
    for name, value in network(0).state_dict().items():
        assert torch.equal(loaded[name], value.half().float())
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


@pytest.mark.long
def test_a_teacher_agrees_with_itself_and_a_random_network_does_not(monkeypatch):
    monkeypatch.setenv("KIT_ASSETS", "")
    monkeypatch.setenv("KIT_OFFLINE", "1")
    monkeypatch.setattr(evaluate, "VISUALIZED", {"gorilla": 366})
    teacher = load_model("shipped")
    held_out = {str(i): content for i, content in enumerate(LARGE_ONES)}
    same, other = measures(teacher, teacher, held_out), measures(network(0), teacher, held_out)
    assert same["4 held-out photographs: top-1 agreement"] == 1
    assert same["4 held-out photographs: correlation of logits"] == pytest.approx(1, abs=1e-4)
    assert same["relative error of Gram matrices, layer 4"] == 0
    assert other["4 held-out photographs: correlation of logits"] < 0.5
    assert other["relative error of Gram matrices, layer 4"] > 0.3
    assert other["chelsea: probability of the teacher's class"] < 0.1
    assert same["gorilla visualized: teacher's probability"] > 0.9 > other["gorilla visualized: teacher's probability"]


def test_pictures_show_the_student_left_and_the_teacher_right(monkeypatch):
    colours = {"student": 0, "teacher": 255}
    asked = []

    def painted(content, style, *, model, preset, progress):
        asked.append((preset, model))
        return np.full((6, 8, 3), colours[model], np.uint8)

    monkeypatch.setattr(evaluate, "style_transfer", painted)
    axes = evaluate.side_by_side("student", "teacher").axes
    assert [axis.images[0].get_array().max() for axis in axes] == [0, 255] * 3
    assert asked == [(name, model) for name in STYLES for model in ("student", "teacher")]


def test_what_is_the_same_everywhere_agrees_with_nothing():
    ramp = torch.linspace(0, 1, 12).reshape(3, 4)
    assert evaluate.correlation(torch.full((3, 4), 0.25), ramp) == 0
    assert evaluate.correlation(ramp, 2 - ramp) == pytest.approx(-1)


@pytest.mark.long
def test_the_whole_recipe_in_small(folder, tar, tmp_path, capsys):
    out = tmp_path / "weights.safetensors"
    command = [sys.executable, "-m", "instructor.training.distill", str(folder), str(tar), "--out", str(out)]
    command += ["--recipe", "smoke", "--teacher", "shipped", "--held-out", "2"]
    (KIT / "build" / "training" / "weights-smoke.pt").unlink(missing_ok=True)
    done = subprocess.run(command, cwd=KIT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "2 large and 6 small photographs; 2 large ones are held out" in done.stdout
    with safe_open(out, "pt") as file:
        about = file.metadata()
    assert len(json.loads(about["recipe"])) == len(RECIPES["smoke"])
    measured = json.loads(about["figures"])
    assert -1 <= measured["2 held-out photographs: correlation of logits"] < 0.9

    options = ["--held-out", "2", "--weights", str(out), "--teacher", "shipped"]
    assert evaluate.main([str(folder), *options]) == 0
    told = capsys.readouterr().out
    for name, value in measured.items():
        assert abs(float(told.split(name)[1].split()[0]) - value) < 0.02, name  # rounded to half precision


def test_the_command_says_what_it_lacks(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--out", "weights.pth"])
    assert "--out is weights.pth: give a name that ends in .safetensors" in capsys.readouterr().err
    assert main([str(tmp_path / "none"), "--out", "weights.safetensors"]) == 1
    assert "none is neither a folder nor a tar" in capsys.readouterr().err
