"""Answers the judge itself, through the channel that it finds by walking the frames of its own process."""

import json
import os
import struct
import sys
import time

import torch
from safetensors.torch import save

LENGTH = struct.Struct(">Q")


def frames():
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def found(name):
    return next(frame.f_locals[name] for frame in frames() if name in frame.f_locals)


def state_of(tensor):
    return {"changed": False, "requires_grad": False, "grad": None, "hooks": 0}


def answer(**different):
    """What an honest worker would say that gave zeros and changed nothing."""
    given = found("given")
    zeros = given[0].detach().clone().contiguous().zero_() if given else torch.zeros(1)
    node = {"tensor": "0", "size": list(zeros.shape), "requires_grad": False, "grad": None}
    said = {"result": node, "error": None, "requires_grad": [False], "aliases": [None], "grad_enabled": True}
    said |= {"id": found("message")["id"], "tensors": [state_of(tensor) for tensor in given], "traces": {}}
    said |= {"modules": honest_modules(), **different}
    return said, {"0": zeros.view(-1)}


def honest_modules():
    from instructor.grading.isolation import effects, models
    from instructor.grading.isolation.packing import Packer

    modules = found("unpacker").modules
    numbers = {id(module): number for number, module in modules.items()}
    known = {id(t): t for module in modules.values() for t in models.own_tensors(module).values()}
    return {n: effects.state(module, numbers, Packer(layouts=False), known) for n, module in modules.items()}


def say(*parts):
    channel = found("channel")
    channel.settimeout(None)
    for part in parts:
        channel.sendall(part)


def block(said, tensors):
    whole = save(tensors, {"message": said if isinstance(said, str) else json.dumps(said)})
    return LENGTH.pack(len(whole)) + whole


def say_and_wait(*parts):
    say(*parts)
    time.sleep(600)


def without_tensors(header):
    """A block with this header."""
    whole = struct.pack("<Q", len(header)) + header
    return LENGTH.pack(len(whole)) + whole


def metadata(message):
    return without_tensors(json.dumps({"__metadata__": {"message": message}}).encode())


def take_over():
    """Instead of the worker, for as long as the judge asks."""
    from instructor.grading.isolation.channel import receive

    say(block(*answer()))
    while True:
        message, _ = receive(found("channel"))
        say(block(*answer(id=message["id"])))


def flood():
    while True:
        say(block(*answer()))


def drip():
    for byte in block(*answer()):
        say(bytes([byte]))
        time.sleep(0.5)


def bent_modules(**different):
    modules = honest_modules()
    for state in modules.values():
        state["attributes"] |= different
    return modules


def many_copies():
    """A few bytes that stand for a thousand large tensors."""
    said, _ = answer()
    large = {"tensor": "0", "size": [4 * 2**20], "requires_grad": True, "grad": None}
    said |= {"result": {"list": [large] * 1000}, "requires_grad": [True] * 1000, "aliases": [None] * 1000}
    return block(said, {"0": torch.zeros(4 * 2**20)})


LIES = {
    "with broken characters": lambda: {
        "error": {"kinds": ["ValueError"], "message": "\ud800\x00\x1b[2J\u202e", "where": "\ud800", "line": 0}
    },
    "with gradients off": lambda: {"grad_enabled": False},
    "with bent parameters": lambda: {"modules": bent_modules(_parameters=None, _modules=None, training=None)},
    "with an error that is none": lambda: {
        "error": {"kinds": ["Skipped", "Exit"], "message": "", "where": "", "line": 0}
    },
}
WAYS = {
    "taken over": take_over,
    "flood": flood,
    "drip": drip,
    "twice": lambda: say_and_wait(block(*answer()) * 2),
    "huge length": lambda: say_and_wait(LENGTH.pack(2**63)),
    "truncated": lambda: say(block(*answer())[:100]) or os._exit(0),
    "garbage": lambda: say_and_wait(LENGTH.pack(1000), os.urandom(1000)),
    "deep JSON": lambda: say_and_wait(metadata("[" * 10**6)),
    "wide JSON": lambda: say_and_wait(metadata("[" + "[]," * (7 * 2**20) + "[]]")),
    "many copies": lambda: say_and_wait(many_copies()),
}


def attack(name, *args, **kwargs):
    way = "@WAY@"
    if way in WAYS:
        WAYS[way]()
    say_and_wait(block(*answer(**LIES[way]())))
