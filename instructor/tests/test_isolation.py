"""Functions that run in another process look as if they ran here, and who runs there is shut in and not believed."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import save
from torch import nn
from torchvision.models import resnet18, squeezenet1_1

from instructor.grading.isolation import nursery, syscalls
from instructor.grading.isolation import sandbox as sandboxes
from instructor.grading.isolation.blocks import Blocks
from instructor.grading.isolation.channel import Ended, ProtocolError, receive, send
from instructor.grading.isolation.models import find_class
from instructor.grading.isolation.packing import Opaque, Packer, Unpacker
from instructor.grading.isolation.remote import Remote, RemoteError, WorkerLost
from instructor.grading.isolation.sandbox import KIT, Sandbox, protection
from instructor.grading.isolation.worker import LIMITS
from tests.support import networks
from tests.support.networks import FailsForward, Interruption, SmallNet, Watches, linear_net
from tests.support.surroundings import surroundings

pytestmark = pytest.mark.long

MODULE = "visualizers.saliency"
SOURCE = """
import mmap, os, resource, socket, sys, time
import numpy as np
import torch
from torch import nn

KEPT = []

class Odd:
    pass

class OwnError(ValueError):
    pass

def echo(value): return value
def double(x): return 2 * x
def view(x): return x[0]
def squares(x): return x.square().sum(), x.pow(3), {"not": [x.detach()]}
def product(x, model): return model(x).sum()
def odd(): return [Odd(), {1, 2}, np.float32(0.5), np.arange(3), range(2)]
def layout(x): return x.is_contiguous(), x.stride(), x.storage_offset()
def memory(x): return x.untyped_storage().data_ptr()
def aliases(pair): return pair[0] is pair[1], memory(pair[0]) == memory(pair[1])
def share(model): return model[0] is model[2]
def scores(x, model): return model(x).detach()

def overwrite(x): x.mul_(2)
def ask(x): x.requires_grad_(True)
def give_gradient(x): x.grad = torch.full_like(x, 3.0)
def train(model): model.features[1].train()
def hook(model): model.features[0].register_forward_hook(print)
def tensor_hook(model): model.classifier.weight.requires_grad_().register_hook(print)
def change_weights(model): model.classifier.bias.data += 1
def change_buffers(model): model.features[1].num_batches_tracked += 1
def thaw(model): model.requires_grad_(True)
def add_gradient(model): model.classifier.weight.grad = torch.ones_like(model.classifier.weight)
def replace_child(model): model.features[2] = nn.Identity()
def change_class(model): model.features[2].__class__ = nn.ReLU6
def count(model): model.calls = 7
def lengthen(model): model.sizes.append(9)
def no_gradients(): torch.set_grad_enabled(False)
def seed(): torch.manual_seed(5)
def trace(callback): callback(1, torch.ones(2)); callback("last")

def raise_value_error(): raise ValueError("no, " + "x" * 5000)
def raise_own_error(): raise OwnError("own")
def raise_key_error(): {}["absent"]
def leave(): sys.exit(3)

def limits(): return {str(kind): resource.getrlimit(kind)[0] for kind in range(16)}
def environment(): return dict(os.environ)
def place(): return os.getcwd(), os.listdir(), sys.path[:1]
def write(path):
    with open(path, "w", encoding="utf-8") as file: file.write("x")
def user(): return os.getuid(), os.geteuid(), os.getgroups(), os.getpid()
def namespaces(): return {kind: os.readlink("/proc/self/ns/" + kind) for kind in ("net", "pid", "ipc", "uts", "mnt")}
def status(): return open("/proc/self/status", encoding="utf-8").read().splitlines()
def connect(): socket.create_connection(("127.0.0.1", 9), timeout=1)
def descriptors(): return sorted(int(number) for number in os.listdir("/proc/self/fd"))

def remember(): KEPT.append(1); return len(KEPT)
def end(status): os._exit(status)
def sleep(): time.sleep(60)
def grow(): KEPT.append(torch.ones(2**28)); time.sleep(60)
"""


@pytest.fixture(scope="module")
def remote():
    remote = Remote({f"{MODULE.replace('.', '/')}.py": SOURCE})
    yield remote
    remote.close()


@pytest.fixture
def call(remote):
    return lambda name, *args, **kwargs: remote.function(f"{MODULE}:{name}")(*args, **kwargs)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


# --------------------------------------------------------------------------------------------------------- the protocol


@pytest.fixture
def through(pair):
    """A value as it arrives on the other side, worker's or judge's."""

    def through(value, layouts=True):
        packer = Packer(layouts=layouts)
        message = {"value": packer.pack(value), "nodes": packer.nodes}
        sender = threading.Thread(target=send, args=(pair[0], message, packer.tensors))
        sender.start()
        said, tensors = receive(pair[1], 10)
        sender.join()
        return Unpacker(tensors, layouts=layouts, nodes=said["nodes"]).unpack(said["value"])

    return through


VALUES = [None, True, 3, -0.5, float("inf"), "", "é\ud800\0", [], (), [1, [2, (3,)]], {"a": {1: None}}, {1, 2}]


@pytest.mark.parametrize("layouts", [True, False])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_values_arrive_as_they_are(value, layouts, through):
    assert through(value, layouts) == value
    assert type(through(value, layouts)) is type(value)


def test_numbers_and_arrays_of_numpy_arrive(through):
    assert through(np.float32(0.5)) == 0.5
    arrived = through({"a": np.arange(6).reshape(2, 3).T})["a"]
    assert isinstance(arrived, np.ndarray)
    assert arrived.tolist() == [[0, 3], [1, 4], [2, 5]]


BASE = torch.arange(48.0).reshape(2, 3, 2, 4)
LAYOUTS = {
    "contiguous": BASE,
    "channels_last": BASE.to(memory_format=torch.channels_last),
    "transposed": BASE.mT,
    "strided": BASE[:, ::2, 1:, ::3],
    "expanded": BASE[:1].expand(4, -1, -1, -1),
    "a part": BASE[1, 2],
    "empty": torch.zeros(0, 3),
    "a scalar": torch.tensor(2.5),
    "large": torch.rand(300, 300).T,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_tensors_lie_in_memory_as_they_did(name, through):
    tensor = LAYOUTS[name]
    arrived = through(tensor)
    assert torch.equal(arrived, tensor)
    assert arrived.stride() == tensor.stride()
    assert arrived.storage_offset() == tensor.storage_offset()
    assert torch.equal(through(tensor, layouts=False), tensor), "the judge gets plain numbers"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
def test_tensors_keep_their_type(dtype, through):
    tensor = torch.tensor([0, 1, 1]).to(dtype)
    assert torch.equal(through(tensor), tensor)
    assert through(tensor).dtype == dtype


def test_tensors_keep_what_they_share_and_what_they_ask_for(through):
    x = torch.rand(4, requires_grad=True)
    x.grad = torch.ones(4)
    first, second, same = through([x, x.detach()[1:], nn.Parameter(torch.ones(2), requires_grad=False)])
    assert first.requires_grad
    assert torch.equal(first.grad, torch.ones(4))
    assert first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
    assert isinstance(same, nn.Parameter)
    assert not same.requires_grad


MODELS = {
    "SmallNet": SmallNet,
    "in train mode": lambda: SmallNet().train(),
    "PooledNet": lambda: networks.PooledNet(),
    "linear": lambda: linear_net([[1.0, 2.0]], [0.5]),
    "Watches": lambda: nn.Sequential(Watches(), nn.Conv2d(3, 2, 1)),
    "functional": lambda: nn.Sequential(*(networks.FunctionalRelu(name) for name in networks.FUNCTIONS)),
    "double": lambda: SmallNet().double(),
    "resnet18": lambda: resnet18(num_classes=7).eval(),
    "squeezenet": lambda: squeezenet1_1(num_classes=4).eval(),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_arrive_as_they_are(name, through):
    """Classes, modes, parameters, buffers, flags, and what they give."""
    model = MODELS[name]()
    arrived = through(model)
    assert [type(module) for module in arrived.modules()] == [type(module) for module in model.modules()]
    assert [module.training for module in arrived.modules()] == [module.training for module in model.modules()]
    assert arrived.state_dict().keys() == model.state_dict().keys()
    assert all(
        torch.equal(a, b) for a, b in zip(arrived.state_dict().values(), model.state_dict().values(), strict=True)
    )
    assert [p.requires_grad for p in arrived.parameters()] == [p.requires_grad for p in model.parameters()]
    x = torch.rand(2, 2) if name == "linear" else torch.rand(2, 3, 32, 4 if name == "PooledNet" else 32)
    x = x[:, :, :1] if name == "PooledNet" else x
    x = x.to(next(model.parameters(), x).dtype)
    assert torch.equal(arrived.eval()(x.clone()), model.eval()(x.clone()))


def test_numbers_are_sent_once_and_named_from_then_on():
    known, x = Blocks(), torch.rand(300, 300)

    def sent(value):
        packer = Packer(layouts=True, known=known)
        packer.pack(value)
        known.keep(packer.tensors)
        return [flat.tolist() for flat in packer.tensors.values()]

    assert sent(x) == [x.flatten().tolist()]
    assert sent(x.clone().T) == []
    x[299, 299] = 7.0
    assert sent(x) == [x.flatten().tolist()], "the same place, other numbers"
    assert sent(torch.tensor([0.0])) == [[0.0]]
    assert str(sent(torch.tensor([-0.0]))) == "[[-0.0]]", "no number is sent as another that equals it"
    assert sent(torch.tensor([0])) == [[0]]
    assert sent(torch.tensor([0.0])) == []


def test_a_module_that_is_used_twice_arrives_once(through):
    relu = nn.ReLU()
    model, again = through([nn.Sequential(relu, nn.Flatten(), relu), relu])
    assert model[0] is model[2] is again


def test_what_is_no_data_is_refused_before_it_is_sent():
    packer = Packer(layouts=True)
    hooked, patched = nn.Linear(1, 1), nn.Linear(1, 1)
    hooked.register_forward_hook(print)
    patched.forward = print
    for model, words in (
        (hooked, "with hooks"),
        (patched, "with functions in"),
        (type("A", (nn.Module,), {})(), "put"),
    ):
        with pytest.raises(TypeError, match=words):
            packer.pack(model)
    with pytest.raises(TypeError, match="a generator cannot be sent"):
        packer.pack(i for i in ())
    with pytest.raises(TypeError, match="os:system cannot be sent"):
        find_class("os:system")


def block(header, content=b""):
    whole = struct.pack("<Q", len(header)) + header + content
    return struct.pack(">Q", len(whole)) + whole


def metadata(message):
    return block(json.dumps({"__metadata__": {"message": message}}).encode())


GARBAGE = {
    "an endless message": struct.pack(">Q", 2**63),
    "an empty message": struct.pack(">Q", 0),
    "noise": struct.pack(">Q", 64) + b"\x07" * 64,
    "no JSON": block(b"{" * 100),
    "no safetensors": block(b'{"__metadata__": {"message": "{}"}, "a": [1]}'),
    "a header beyond the end": struct.pack(">Q", 16) + struct.pack("<Q", 10**6) + b"x" * 8,
    "a header without end": struct.pack(">Q", 16) + struct.pack("<Q", 2**62) + b"x" * 8,
    "no message": block(b'{"__metadata__": {}}'),
    "no header": block(b"[]"),
    "broken JSON inside": metadata("{"),
    "deep JSON": metadata("[" * 10**6),
    "a number that is too long": metadata("9" * 10**4),
    "no UTF-8": block(b'{"__metadata__": {"message": "\xff"}}'),
    "tensors out of range": block(
        b'{"__metadata__": {"message": "{}"}, "a": {"dtype": "F32", "shape": [99], "data_offsets": [0, 396]}}'
    ),
    "an unknown type": block(
        b'{"__metadata__": {"message": "{}"}, "a": {"dtype": "PICKLE", "shape": [], "data_offsets": [0, 0]}}'
    ),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_a_protocol_error(name, pair):
    sender = threading.Thread(target=pair[0].sendall, args=(GARBAGE[name],))
    sender.start()
    with pytest.raises(ProtocolError, match="a message"):
        receive(pair[1], 10)
    sender.join()


def test_silence_and_an_end_are_told_from_garbage(pair):
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        receive(pair[1], 0.1)
    assert time.monotonic() - begun < 5
    pair[0].send(b"\0\0")
    pair[0].close()
    with pytest.raises(Ended):
        receive(pair[1], 10)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"class": "subprocess:Popen"},
        {"module": 0},
        {"callback": 0},
        {"tensor": "absent", "size": [1]},
        {"tensor": "0", "size": [7]},
        {"tensor": "0", "size": [-1, -1]},
        {"tensor": "0", "size": ["x"]},
        {"tensor": "0"},
        {"tensor": [], "size": [1]},
        {"list": [{"tensor": "0", "size": [2**26]}] * 2},
    ],
    ids=lambda value: str(value)[:40],
)
def test_values_that_are_none_are_a_protocol_error(value):
    """The judge builds no classes, modules or callbacks, and no more than a message may hold."""
    zeros = torch.zeros(2**26) if "list" in value else torch.zeros(2)
    with pytest.raises((ProtocolError, KeyError)):
        Unpacker({"0": zeros}, layouts=False).unpack(value)


# ------------------------------------------------------------------------------------------------ answers that are lies


class Impostor:
    """Takes a sandbox's place. It reads one question, and answers with what it was given."""

    excess = ""

    def __init__(self, *answers):
        self.channel, self.theirs = socket.socketpair()
        self.closed = False
        threading.Thread(target=self.reply, args=(answers,), daemon=True).start()

    def reply(self, answers):
        with contextlib.suppress(OSError, Ended):
            message, _ = receive(self.theirs)
            for answer in answers:
                said = json.dumps({"id": message["id"], **answer})
                whole = save({"0": torch.zeros(4)}, {"message": said})
                self.theirs.sendall(struct.pack(">Q", len(whole)) + whole)

    def printed(self):
        return ""

    def close(self):
        self.closed = True
        self.channel.close()
        self.theirs.close()


STATE = {"changed": False, "requires_grad": False, "grad": None, "hooks": 0}
ZEROS = {"tensor": "0", "size": [4], "requires_grad": False, "grad": None}
MODULE_STATE = {
    "class": "torch.nn.modules.flatten:Flatten",
    "training": True,
    "hooks": {},
    "attributes": {"start_dim": 1, "end_dim": -1},
    "tensors": {},
    "children": {},
}


def answer(**different):
    said = {"result": ZEROS, "error": None, "requires_grad": [False], "aliases": [None], "grad_enabled": True}
    return said | {"modules": {"0": MODULE_STATE}, "tensors": [STATE], "traces": {"0": {"list": []}}} | different


def ask(*answers):
    remote, model = Remote({}, seconds=5), nn.Flatten()
    remote.sandbox = impostor = Impostor(*answers)
    try:
        return remote.call("a:b", (torch.ones(4), model, print), {}), model
    finally:
        assert impostor.closed == (remote.sandbox is None)
        remote.close()


def error(**different):
    return {"error": {"kinds": ["ValueError"], "message": "", "where": "", "line": 0} | different}


def module(**different):
    return {"modules": {"0": MODULE_STATE | different}}


LIES = {
    "no result": {"result": {"tensor": "1", "size": [4]}},
    "a result of another size": {"result": ZEROS | {"size": [5]}},
    "a result of a negative size": {"result": ZEROS | {"size": [-1, -1]}},
    "a class": {"result": {"class": "subprocess:Popen"}},
    "a function": {"result": {"callback": 0}},
    "a set of lists": {"result": {"set": [{"list": []}]}},
    "a dictionary of three": {"result": {"dict": [[1, 2, 3]]}},
    "a nested result": {"result": json.loads('{"list": [' * 400 + "]}" * 400)},
    "a large gradient": {"result": ZEROS | {"grad": ZEROS | {"size": [2, 2]}}},
    "an array of what": {"result": {"array": 3}},
    "an alias of nothing": {"aliases": [5]},
    "an alias of words": {"aliases": ["x"]},
    "too many aliases": {"aliases": [None, 0]},
    "too many wishes": {"requires_grad": [True, True]},
    "no tensors": {"tensors": []},
    "tensors of words": {"tensors": ["x"]},
    "no modules": {"modules": {}},
    "modules of words": {"modules": {"0": "x"}},
    "other parameters": module(attributes={"start_dim": 1, "end_dim": -1, "_parameters": {"dict": []}}),
    "other children": module(attributes={"start_dim": 1, "end_dim": -1, "_modules": None}),
    "other hooks": module(attributes={"start_dim": 1, "end_dim": -1, "_forward_hooks": None}),
    "odd attributes": module(attributes={"start_dim": {"class": "os:system"}, "end_dim": 0}),
    "hooks of words": module(hooks={"_forward_hooks": "many"}),
    "no traces": {"traces": {}},
    "traces of words": {"traces": {"0": {"list": [3]}}},
    "half an error": {"error": {}},
    "an error of words": {"error": "x"},
    "an error with an endless line": error(where="x", line=float("inf")),
    "an error with words for a line": error(where="x", line="x"),
    "an error that needs more": error(kinds=["ExceptionGroup"]),
    "another number": {"id": 99},
}


@pytest.mark.parametrize("name", LIES)
def test_an_answer_that_makes_no_sense_costs_the_worker(name):
    with pytest.raises(WorkerLost, match=r"^The code (gave an answer that makes no sense|wrote into the channel)"):
        ask(answer(**LIES[name]))


@pytest.mark.parametrize(
    "kind", ["Skipped", "Exit", "SystemExit", "KeyboardInterrupt", "WorkerLost", "print", "object"]
)
def test_errors_that_mean_something_to_the_judge_mean_nothing_from_a_worker(kind):
    with pytest.raises(RemoteError, match=f"{kind}: stop"):
        ask(answer(**error(kinds=[kind, "BaseException", "object"], message="stop")))


def test_an_answer_that_comes_twice_is_noticed_at_the_next_question():
    remote = Remote({}, seconds=5)
    remote.sandbox = Impostor(answer(tensors=[], modules={}, traces={}), answer())
    assert torch.equal(remote.call("a:b", (), {}), torch.zeros(4))
    with pytest.raises(WorkerLost, match="wrote into the channel"):
        remote.call("a:b", (), {})


def test_an_honest_answer_is_taken():
    result, model = ask(answer())
    assert torch.equal(result, torch.zeros(4))
    assert type(model) is nn.Flatten


# ---------------------------------------------------------------------------------------------- what a call brings back


def test_values_come_back(call):
    assert call("echo", [1, ("a", None), {"b": 2.5}]) == [1, ("a", None), {"b": 2.5}]
    assert torch.equal(call("double", torch.ones(2, 3)), 2 * torch.ones(2, 3))
    odd, numbers, half, array, other = call("odd")
    assert isinstance(odd, Opaque)
    assert isinstance(other, Opaque)
    assert (numbers, half, array.tolist()) == ({1, 2}, 0.5, [0, 1, 2])


def test_arguments_lie_in_memory_as_they_do_here(call):
    x = LAYOUTS["strided"]
    assert call("layout", x) == (False, x.stride(), x.storage_offset())
    assert call("aliases", [x, x[:1]]) == (False, True)
    relu = nn.ReLU()
    assert call("share", nn.Sequential(relu, nn.Flatten(), relu)) is True


def test_models_give_there_what_they_give_here(call):
    net, x = SmallNet(), torch.rand(2, 3, 6, 5)
    assert torch.equal(call("scores", x, net), net(x))


def test_a_result_that_shares_memory_with_an_argument_shares_it_here(call):
    x = torch.ones(2, 2)
    assert call("echo", x).data_ptr() == x.data_ptr()
    assert call("double", x).data_ptr() != x.data_ptr()


def test_what_is_overwritten_is_spoiled(call):
    """Else the code under test would choose the numbers that tests work with."""
    x, y = torch.ones(3), torch.ones(3)
    assert call("overwrite", x) is None
    assert x.isnan().all()
    call("double", y)
    assert torch.equal(y, torch.ones(3))
    labels = torch.tensor([1, 2])
    call("overwrite", labels)
    assert (labels != torch.tensor([1, 2])).all()


def test_not_a_number_that_stays_is_no_change(call):
    x = torch.tensor([1.0, float("nan")])
    call("double", x)
    assert x[0] == 1


def test_flags_and_gradients_of_arguments_come_back(call):
    x = torch.ones(3)
    call("ask", x)
    assert x.requires_grad
    y = torch.ones(3)
    call("give_gradient", y)
    assert torch.equal(y.grad, torch.full((3,), 3.0))


CHANGES = {
    "train": lambda net: net.features[1].training,
    "hook": lambda net: len(net.features[0]._forward_hooks) == 1,
    "tensor_hook": lambda net: bool(net.classifier.weight._backward_hooks),
    "change_weights": lambda net: net.classifier.bias.isnan().all() and not net.classifier.weight.isnan().any(),
    "change_buffers": lambda net: net.features[1].num_batches_tracked != 0,
    "thaw": lambda net: all(parameter.requires_grad for parameter in net.parameters()),
    "add_gradient": lambda net: net.classifier.weight.grad is not None,
    "replace_child": lambda net: type(net.features[2]) is not nn.ReLU,
    "change_class": lambda net: type(net.features[2]) is not nn.ReLU,
    "count": lambda net: getattr(net, "calls", 0) == 7,
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_becomes_of_a_model_there_becomes_of_it_here(name, call):
    net = SmallNet()
    assert not CHANGES[name](net)
    call(name, net)
    assert CHANGES[name](net)


def test_what_grows_within_an_attribute_grows_here(call):
    net = SmallNet()
    net.sizes = [1]
    call("lengthen", net)
    assert net.sizes == [1, 9]


def test_a_model_that_was_only_used_is_as_it_was(call):
    net = SmallNet()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    call("scores", torch.rand(1, 3, 4, 4), net)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not net.training


def test_callbacks_are_called_here_in_their_order(call):
    calls = []
    call("trace", lambda *args: calls.append(args))
    assert [len(args) for args in calls] == [2, 1]
    assert calls[0][0] == 1
    assert torch.equal(calls[0][1], torch.ones(2))
    assert calls[1] == ("last",)


def test_the_switch_for_gradients_goes_there_and_back(call):
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert not call("double", x).requires_grad
        assert not torch.is_grad_enabled()
    call("no_gradients")
    switched_off = not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert switched_off


def test_surroundings_are_those_of_the_worker(call, remote):
    there, here = remote.function("tests.support.surroundings:surroundings"), surroundings()
    before = there()
    assert there() == before
    call("seed")
    assert there()["random states"] != before["random states"]
    assert surroundings() == here


# ------------------------------------------------------------------------------------------------------------ gradients


def test_gradients_flow_through_results(call):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    total, cubes, rest = call("squares", x)
    assert torch.equal(torch.autograd.grad(total, x, retain_graph=True)[0], 2 * x)
    assert torch.equal(torch.autograd.grad(3 * cubes.sum() + total, x)[0], 9 * x**2 + 2 * x)
    assert not rest["not"][0].requires_grad


def test_gradients_reach_the_model_that_was_sent(call):
    x, net = torch.ones(1, 2, requires_grad=True), linear_net([[3.0, -2.0]])
    assert torch.equal(torch.autograd.grad(call("product", x, net), x)[0], torch.tensor([[3.0, -2.0]]))


def test_gradients_agree_with_finite_differences(call):
    x = torch.rand(2, 3, dtype=torch.float64).T.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: call("squares", x)[:2], x)


def test_gradients_of_an_earlier_call_can_still_be_asked_for(call):
    x, y = torch.ones(1, requires_grad=True), torch.full((1,), 5.0, requires_grad=True)
    first, second = call("squares", x)[0], call("squares", y)[0]
    assert torch.autograd.grad(first, x)[0] == 2
    assert torch.autograd.grad(second, y)[0] == 10


# --------------------------------------------------------------------------------------------------------------- errors


def test_errors_come_back_with_kind_words_and_place(call):
    with pytest.raises(ValueError, match=r"^no, x{1996}$") as raised:
        call("raise_value_error")
    line = SOURCE.splitlines().index('def raise_value_error(): raise ValueError("no, " + "x" * 5000)') + 1
    assert raised.value.where == f"raise_value_error in visualizers/saliency.py, line {line}"
    with pytest.raises(ValueError, match="own"):
        call("raise_own_error")
    with pytest.raises(KeyError, match="absent"):
        call("raise_key_error")
    with pytest.raises(RemoteError, match="SystemExit: 3"):
        call("leave")
    with pytest.raises(AttributeError, match="absent"):
        call("absent")


def test_errors_of_models_come_back(call):
    with pytest.raises(Interruption, match="on the way forward"):
        call("scores", torch.ones(1), FailsForward())


def test_a_gradient_that_fails_says_why(call):
    x = torch.ones(1, 3, 2, 2, requires_grad=True)
    result = call("product", x, nn.Sequential(networks.FailsBackward()))
    with pytest.raises(Interruption, match="on the way back"):
        torch.autograd.grad(result, x)


# ---------------------------------------------------------------------------------------------------- how it is shut in

bubblewrapped = pytest.mark.skipif(not protection().bubblewrap, reason="bubblewrap cannot start here")


FORKS = protection().forks


@pytest.fixture(scope="module", params=["forked", "started"])
def inside(request):
    """Calls a worker of either kind: a fork of the nursery, and one that imports by itself, as where there is none."""
    if request.param == "forked" and not FORKS:
        pytest.skip("the kernel lets no process into a sandbox that exists")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandboxes, "protection", lambda: replace(protection(), forks=request.param == "forked"))
        remote = Remote({f"{MODULE.replace('.', '/')}.py": SOURCE})
        remote.start()
    yield lambda name, *args, **kwargs: remote.function(f"{MODULE}:{name}")(*args, **kwargs)
    remote.close()


def test_limits_hold_in_the_worker(inside):
    limits = inside("limits")
    assert {kind: limits[str(kind)] for kind in LIMITS} == LIMITS


def test_the_environment_is_clean(inside, monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    usual = ("HOME", "TMPDIR", "LANG", "LC_CTYPE", "PATH", "PWD", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    names = [name for name in inside("environment") if name not in usual]
    assert all(name.endswith("_NUM_THREADS") or name.startswith(("KMP_", "TORCHINDUCTOR_")) for name in names), names


@pytest.mark.skipif(protection() == sandboxes.Protection(False, 0), reason="the worker is the user who runs the tests")
def test_the_working_directory_is_empty_and_the_kit_read_only(inside):
    folder, files, path = inside("place")
    python = [name for name in files if Path(sys.prefix).is_relative_to(f"{folder}/{name}")]
    assert [name for name in files if name not in python and not name.startswith("torchinductor")] == []
    assert not folder.startswith(path[0])
    for place in (f"{path[0]}/visualizers/saliency.py", f"{path[0]}/x", f"{path[0]}/tests/x"):
        with pytest.raises(OSError, match=r"Read-only|Permission denied"):
            inside("write", place)


def test_nothing_is_inherited_but_the_channel(inside):
    assert len(inside("descriptors")) <= 5  # three streams, the channel, and the listing itself


def test_there_is_no_network(inside):
    with pytest.raises(OSError, match=r"not permitted|unreachable|refused"):
        inside("connect")


@pytest.mark.skipif(not syscalls.program(), reason="the numbers of this machine's system calls are not known")
def test_system_calls_that_hide_memory_or_open_doors_are_refused(inside):
    assert "Seccomp:\t2" in inside("status")


@bubblewrapped
def test_the_worker_is_nobody_and_alone(inside):
    """Another user without groups and capabilities, in namespaces of its own."""
    real, effective, groups, number = inside("user")
    if os.geteuid() == 0:
        assert real == effective == protection().user
        assert groups == []
    assert number < 100
    ours = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "pid", "ipc", "uts", "mnt")}
    assert not ours.items() & inside("namespaces").items()
    assert {line.split()[1] for line in inside("status") if line.startswith(("CapEff", "CapPrm"))} == {"0" * 16}


@bubblewrapped
@pytest.mark.parametrize("place", ["/x", "/dev/x", "/usr/x", "/proc/x", "/etc/x"])
def test_nothing_can_be_written_but_in_its_own_folder(place, inside):
    with pytest.raises(OSError, match=r"Read-only|Permission denied|No such file"):
        inside("write", place)


def test_a_python_called_by_a_crooked_path_is_found_inside():
    crooked = os.path.relpath(sys.executable, KIT / "instructor" / "tests" / "hidden")
    command = [crooked, "-c", "from instructor.grading.isolation.sandbox import PYTHON; print(PYTHON)"]
    told = subprocess.check_output(
        command, cwd=KIT / "instructor" / "tests" / "hidden", env={"PYTHONPATH": str(KIT)}, encoding="utf-8"
    )
    assert told.strip() == sys.executable


@pytest.mark.parametrize(
    ("machine", "can"), [("x86_64", "see"), ("aarch64", "see"), ("mips", "reach the network and see")]
)
def test_what_is_missing_is_said(machine, can, monkeypatch):
    monkeypatch.setattr(sandboxes.syscalls.platform, "machine", lambda: machine)
    words = sandboxes.Protection(False, 0).missing()
    assert words[0] == f"bubblewrap cannot start here, so submissions can {can} other processes"
    assert words[1] == "submissions run as you, and can change and delete your files"
    assert words[2] == f"submissions can read {KIT}, and the references in it"
    assert "run as you" not in str(sandboxes.Protection(False, 61184).missing())
    assert sandboxes.Protection(True, 0).missing() == []


@pytest.fixture
def bwrap(tmp_path, monkeypatch):
    """Puts a script in the place of bubblewrap, and tells what is missing then."""

    def bwrap(script):
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        (tmp_path / "bwrap").chmod(0o755)
        monkeypatch.setattr(sandboxes, "environment", lambda home: {"PATH": f"{tmp_path}:/usr/bin:/bin"})
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return sandboxes.problem_with(sandboxes.Protection(True, 0))

    return bwrap


DROP_OPTIONS = 'while [ "$1" != -- ]; do shift; done; shift'


def test_the_report_on_bubblewrap_says_what_was_found(bwrap, monkeypatch, tmp_path):
    """Not installed, not allowed to make namespaces, no Python inside, or a Python without its packages."""
    assert bwrap(f'{DROP_OPTIONS}; exec "$@"') == ""
    refused = "bwrap: No permissions to create new namespace"
    assert bwrap(f"echo '{refused}' >&2; exit 1") == f"bubblewrap may not do its work here ({refused})"
    bare = bwrap(f'{DROP_OPTIONS}; case "$*" in *numpy*) echo \'No module named numpy\' >&2; exit 1;; esac; exec "$@"')
    python = sandboxes.PYTHON
    assert bare == f"bubblewrap starts, but {python} does not find its packages in it (No module named numpy)"
    absent = bwrap(f'{DROP_OPTIONS}; case "$1" in *python*) echo \'no such file\' >&2; exit 1;; esac; exec "$@"')
    assert absent == f"bubblewrap starts, but {python} does not start in it (no such file)"
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert sandboxes.problem_with(sandboxes.Protection(True, 0)).startswith("bubblewrap is not installed (Debian")


def test_what_was_found_is_part_of_the_warning(monkeypatch):
    monkeypatch.setattr(sandboxes, "problem_with", lambda candidate: "it rains" if candidate.bubblewrap else "")
    assert sandboxes.protection.__wrapped__().missing()[0].startswith("it rains, so submissions can see")


def test_processes_of_a_batch_take_over_what_was_found_but_not_whose_user_it_was(monkeypatch):
    """Two submissions that are graded at the same time are two users, who cannot disturb each other."""
    monkeypatch.setattr(sandboxes, "problem_with", lambda candidate: pytest.fail("nobody need look again"))
    found = sandboxes.Protection(True, 7, "it rains", forks=True)
    monkeypatch.setattr(sandboxes, "found_before", found)
    taken = sandboxes.protection.__wrapped__()
    assert (taken.bubblewrap, taken.why_not, taken.forks) == (True, "it rains", True)
    assert taken.user == (61184 + os.getpid() % 4096 if os.geteuid() == 0 else 0)
    monkeypatch.setattr(sandboxes, "found_before", replace(found, user=0))
    assert sandboxes.protection.__wrapped__().user == 0, "who may not choose a user there may not here"


# ------------------------------------------------------------------------------------------------ when a worker is lost


def test_a_worker_that_ends_is_started_anew_and_one_that_hangs_is_ended():
    """Also its memory is bounded, and what it knew is gone."""
    remote = Remote({f"{MODULE.replace('.', '/')}.py": SOURCE})
    remember = remote.function(f"{MODULE}:remember")
    assert [remember(), remember()] == [1, 2]
    with pytest.raises(WorkerLost, match=r"^The code ended the process that ran it\.$"):
        remote.function(f"{MODULE}:end")(0)
    assert remember() == 1
    remote.seconds = 0.5
    begun = time.monotonic()
    with pytest.raises(WorkerLost, match=r"^The code did not answer within 0 seconds\.$"):
        remote.function(f"{MODULE}:sleep")()
    assert time.monotonic() - begun < 5
    remote.close()


def test_a_worker_that_takes_too_much_memory_is_ended(monkeypatch):
    monkeypatch.setattr(sandboxes, "LARGEST_MEMORY", 2**30)
    remote = Remote({f"{MODULE.replace('.', '/')}.py": SOURCE})
    with pytest.raises(WorkerLost, match=r"^The code used more than 1 GB of memory\.$"):
        remote.function(f"{MODULE}:grow")()
    remote.close()


@pytest.mark.skipif(not FORKS, reason="the kernel lets no process into a sandbox that exists")
def test_a_nursery_that_was_killed_is_replaced(monkeypatch):
    monkeypatch.setattr(nursery, "shared", None)
    nursery.warm()
    (first,) = nurseries()
    first.kill()
    first.wait()
    remote = Remote({f"{MODULE.replace('.', '/')}.py": SOURCE})
    assert remote.function(f"{MODULE}:remember")() == 1
    remote.close()
    (second,) = nurseries()
    nursery.shared.close()
    second.wait(10)  # it ends with the last process that could ask it; otherwise this raises


def nurseries():
    """Those of this process, but not one that an earlier test has begun."""
    begun = [process for process in psutil.Process().children() if process.status() != psutil.STATUS_ZOMBIE]
    return [process for process in begun if "import births" in " ".join(process.cmdline())][-1:]


def test_closing_leaves_no_process_and_no_file():
    sandbox = Sandbox({})
    family = sandbox.descendants()
    assert family
    sandbox.close()
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left
    assert not os.path.exists(sandbox.folder.name)
