"""The model: which weights were loaded is said, damaged or foreign ones are refused, and modes are given back."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from data import assets, load_model
from data.assets import AssetUnavailable
from data.model import IMAGENET, IMAGENET_ROUNDED, SHIPPED_WEIGHTS
from kit.modes import evaluation_mode

BIAS = "classifier.1.bias"


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch, tmp_path):
    """Nothing downloaded yet, no network, nothing set, and relative paths start in a temporary folder."""
    monkeypatch.setenv("KIT_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(assets, "DOWNLOADS", tmp_path / "downloads")
    for name in ("KIT_ASSETS", "KIT_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def state():
    """The shipped state dict."""
    return {name: tensor.float() for name, tensor in load_file(SHIPPED_WEIGHTS).items()}


@pytest.fixture
def marked(state):
    """The shipped state dict with a recognizable bias: `marked(7)`."""
    return lambda value: state | {BIAS: torch.full((1000,), float(value))}


@pytest.fixture
def list_as(monkeypatch, tmp_path):
    """Save weights under a listed name in a folder, and list their own hash, as if they were the published ones."""

    def write(weights, name, folder):
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(weights, folder / name)
        table = assets.ASSETS.read_text("utf-8")
        table = table.replace(assets.read_assets()[name].sha256, assets.sha256(folder / name))
        monkeypatch.setattr(assets, "ASSETS", tmp_path / "assets.toml")
        assets.ASSETS.write_text(table, "utf-8")

    return write


def torch_cache():
    return Path(torch.hub.get_dir()) / "checkpoints"


def bias(model):
    return model.state_dict()[BIAS][0].item()


def legacy_bytes(weights):
    buffer = io.BytesIO()
    torch.save(weights, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


class Malicious:
    """Makes a file in the working folder as soon as it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("executed"),)


# --- what a loaded model is like


def test_the_model_is_frozen_in_eval_mode_float32_and_channels_last(capsys):
    model = load_model("shipped")
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    kernels = [parameter for parameter in model.parameters() if parameter.ndim == 4]
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    assert capsys.readouterr().out == "", "whoever names the weights needs no message"


def test_the_model_computes_finite_scores_for_a_thousand_classes_at_other_sizes():
    scores = load_model("shipped", device="cpu")(torch.zeros(2, 3, 96, 128))
    assert scores.shape == (2, 1000)
    assert scores.isfinite().all()


def test_the_model_has_exactly_the_shipped_values(state):
    loaded = load_model("shipped", device="cpu").state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def test_loading_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    load_model("shipped")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("device", "expected"), [(None, "cpu"), ("meta", "meta"), (torch.device("meta"), "meta")])
def test_the_model_goes_to_the_device_asked_for(device, expected):
    assert {parameter.device.type for parameter in load_model("shipped", device).parameters()} == {expected}


# --- a path


@pytest.mark.parametrize("name", ["own.pth", "own.pt", "own.safetensors"])
@pytest.mark.parametrize("kind", [str, Path])
def test_every_kind_of_file_loads_its_values(marked, name, kind):
    weights = marked(7)
    save_file(weights, name) if name.endswith("safetensors") else torch.save(weights, name)
    loaded = load_model(kind(name), device="cpu").state_dict()
    assert all(torch.equal(loaded[key], weights[key]) for key in weights)


@pytest.mark.parametrize("word", ["Shipped", "", "resnet18", "weights.npz", "folder"])
def test_an_unknown_word_is_refused_and_the_known_ones_listed(word):
    with pytest.raises(ValueError, match=f'weights is {word!r}: choose "auto", "imagenet", "shipped" or a'):
        load_model(word)


@pytest.mark.parametrize("name", ["nowhere.pth", "nowhere.safetensors"])
def test_a_missing_file_is_said_to_be_missing(name):
    with pytest.raises(FileNotFoundError, match=name):
        load_model(name)


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
@pytest.mark.parametrize("kept", [0, 7, 1000, 1_000_000])
def test_a_truncated_file_is_refused(state, name, kept):
    save_file(state, name) if name.endswith("safetensors") else torch.save(state, name)
    Path(name).write_bytes(Path(name).read_bytes()[:kept])
    with pytest.raises(ValueError, match=rf"{name} holds no readable weights"):
        load_model(name)


def test_a_file_of_the_older_format_is_refused_wherever_it_was_cut(state):
    content = legacy_bytes({BIAS: state[BIAS]})
    for kept in range(0, len(content), 9):
        Path("cut.pth").write_bytes(content[:kept])
        with pytest.raises(ValueError, match=r"cut\.pth holds no readable weights"):
            load_model("cut.pth")


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>", b"404: Not Found", b"PK\x03\x04", b"\x80\x02."])
@pytest.mark.parametrize("name", ["page.pth", "page.safetensors"])
def test_a_file_that_holds_something_else_is_refused(name, content):
    Path(name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} holds no readable weights"):
        load_model(name)


def test_code_in_a_pickle_is_refused_and_not_run(state):
    for content in (state | {"extra": Malicious()}, {BIAS: Malicious()}):
        torch.save(content, "evil.pth")
        with pytest.raises(ValueError, match=r"evil\.pth holds no readable weights"):
            load_model("evil.pth")
        assert not Path("executed").exists()
    with zipfile.ZipFile("evil.pth") as archive:
        pickle.loads(archive.read("evil/data.pkl"))
    assert Path("executed").exists(), "the trap itself does not work"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda state: nn.Linear(2, 2).state_dict(), r"missing \['classifier\.1\.bias'.*not in the network \['bias'"),
        (lambda state: {name: state[name] for name in state if name != BIAS}, rf"missing \['{BIAS}'\]"),
        (lambda state: state | {"extra": torch.zeros(1)}, r"not in the network \['extra'\]"),
        (lambda state: state | {0: torch.zeros(1), "extra": torch.zeros(1)}, "not in the network"),
        (lambda state: state | {BIAS: torch.zeros(10)}, rf"{BIAS} is \(10,\), must be \(1000,\)"),
        (lambda state: state | {BIAS: torch.full((1000,), torch.nan)}, f"{BIAS} has values that are not finite"),
        (lambda state: state | {BIAS: torch.full((1000,), -torch.inf)}, f"{BIAS} has values that are not finite"),
        (lambda state: state | {BIAS: torch.full((1000,), 1e300, dtype=torch.float64)}, BIAS),
        (lambda state: state | {BIAS: 0.0}, "not a state dict of tensors"),
        (lambda state: {"weights of mine": state}, "not a state dict of tensors"),
        (lambda state: list(state.values()), "a list, not a state dict of tensors"),
        (lambda state: state[BIAS], "a Tensor, not a state dict of tensors"),
        (lambda state: {}, r"missing \['classifier\.1\.bias'"),
    ],
    ids=[
        "another network",
        "a missing name",
        "an unknown name",
        "a name that is a number",
        "a wrong shape",
        "NaN",
        "infinity",
        "too large for float32",
        "no tensor",
        "nested",
        "a list",
        "a tensor",
        "empty",
    ],
)
def test_weights_of_another_network_are_refused_in_one_clear_error(state, change, named):
    torch.save(change(state), "other.pth")
    with pytest.raises(ValueError, match=rf"(?s)SqueezeNet 1\.1 does not fit the weights in other\.pth: .*{named}"):
        load_model("other.pth")


CHECKPOINTS = {
    "DataParallel": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "compiled": lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()},
    "both": lambda state: {f"module._orig_mod.{name}": tensor for name, tensor in state.items()},
    "in training": lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}},
    "Lightning": lambda state: {"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}, "epoch": 3},
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_weights_are_found_as_training_leaves_them(state, kind):
    torch.save(CHECKPOINTS[kind](state), "mine.pth")
    loaded = load_model("mine.pth").state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], tensor.float()) for name, tensor in state.items())


# --- "imagenet" and "auto"


@pytest.mark.parametrize("place", ["torchvision's cache", "KIT_ASSETS"])
def test_imagenet_weights_are_taken_from_this_machine(monkeypatch, tmp_path, marked, list_as, place):
    folder = torch_cache() if place == "torchvision's cache" else tmp_path / "folder" / "weights"
    list_as(marked(7), IMAGENET, folder)
    monkeypatch.setenv("KIT_ASSETS", str(tmp_path / "folder") if place == "KIT_ASSETS" else "")
    assert bias(load_model("imagenet")) == 7


def test_rounded_imagenet_weights_serve_only_without_the_exact_ones(monkeypatch, capsys, tmp_path, marked, list_as):
    monkeypatch.setenv("KIT_ASSETS", str(tmp_path / "folder"))
    list_as(marked(8), IMAGENET_ROUNDED, tmp_path / "folder")
    assert bias(load_model("imagenet")) == 8
    assert bias(load_model()) == 8
    assert "rounded" in capsys.readouterr().out
    list_as(marked(7), IMAGENET, torch_cache())
    assert bias(load_model("imagenet")) == 7


def test_auto_prefers_imagenet_weights_and_says_so_in_one_line(capsys, marked, list_as):
    list_as(marked(7), IMAGENET, torch_cache())
    assert bias(load_model()) == 7
    assert capsys.readouterr().out == "SqueezeNet 1.1 with ImageNet weights.\n"


def test_without_network_imagenet_weights_are_unavailable():
    with pytest.raises(AssetUnavailable, match=IMAGENET):
        load_model("imagenet")


def test_without_network_auto_gives_the_shipped_weights_and_says_so_in_one_line(capsys, state):
    assert bias(load_model()) == state[BIAS][0]
    (line,) = capsys.readouterr().out.splitlines()
    assert "shipped weights" in line
    assert "KIT_OFFLINE" in line


def test_a_damaged_file_in_torchvisions_cache_is_not_used_and_named(capsys, marked, state):
    torch_cache().mkdir(parents=True)
    torch.save(marked(7), torch_cache() / IMAGENET)
    assert bias(load_model()) == state[BIAS][0]
    (line,) = capsys.readouterr().out.splitlines()
    assert str(torch_cache() / IMAGENET) in line
    with pytest.raises(AssetUnavailable, match="damaged"):
        load_model("imagenet")


@pytest.mark.parametrize("absolute", [True, False])
def test_kit_weights_wins_in_auto_and_is_named(monkeypatch, capsys, tmp_path, marked, list_as, absolute):
    list_as(marked(7), IMAGENET, torch_cache())
    torch.save(marked(9), "mine.pth")
    monkeypatch.setenv("KIT_WEIGHTS", str(tmp_path / "mine.pth") if absolute else "mine.pth")
    assert bias(load_model()) == 9
    (line,) = capsys.readouterr().out.splitlines()
    assert str(tmp_path / "mine.pth") in line
    assert "KIT_WEIGHTS" in line


def test_kit_weights_may_be_relative_to_the_kit(monkeypatch, state):
    monkeypatch.setenv("KIT_WEIGHTS", "data/weights/squeezenet1_1-shipped.safetensors")
    assert bias(load_model()) == state[BIAS][0]


def test_kit_weights_does_not_change_what_was_asked_for_by_name(monkeypatch, marked, state):
    torch.save(marked(8), "asked_for.pth")
    torch.save(marked(9), "mine.pth")
    monkeypatch.setenv("KIT_WEIGHTS", "mine.pth")
    assert bias(load_model("shipped")) == state[BIAS][0]
    assert bias(load_model("asked_for.pth")) == 8


def test_kit_weights_naming_a_missing_file_is_an_error_and_no_fallback(monkeypatch):
    monkeypatch.setenv("KIT_WEIGHTS", "nowhere.pth")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth.*KIT_WEIGHTS"):
        load_model()


def test_kit_weights_naming_a_damaged_file_is_an_error_and_no_fallback(monkeypatch):
    Path("torn.pth").write_bytes(b"PK\x03\x04")
    monkeypatch.setenv("KIT_WEIGHTS", "torn.pth")
    with pytest.raises(ValueError, match=r"torn\.pth holds no readable weights"):
        load_model()


# --- evaluation_mode


def mixed_network():
    """Training outside, one half in eval mode: batch norm fixed, dropout active."""
    model = nn.Sequential(nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()), nn.Dropout())
    model[0][0].eval()
    return model


def modes(model):
    return [module.training for module in model.modules()]


def test_evaluation_mode_reaches_every_module_and_gives_each_its_own_mode_back():
    model = mixed_network()
    before = modes(model)
    with evaluation_mode(model):
        assert not any(modes(model))
    assert modes(model) == before == [True, True, False, True, True]


def test_evaluation_mode_gives_the_modes_back_after_an_exception():
    model = mixed_network()
    before = modes(model)
    with pytest.raises(ZeroDivisionError), evaluation_mode(model):
        raise ZeroDivisionError
    assert modes(model) == before


def test_evaluation_mode_leaves_a_model_in_eval_mode_there():
    model = mixed_network().eval()
    with evaluation_mode(model):
        pass
    assert not any(modes(model))
