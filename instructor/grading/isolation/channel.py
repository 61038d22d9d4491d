"""What the judge and a worker say to each other: JSON and plain tensors in one safetensors block, never pickles.

The judge trusts no answer: a block has a largest size, its JSON is data, its tensors are contiguous and plain.
"""

import json
import socket
import struct
import time

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

LARGEST_MESSAGE = 256 * 2**20  # bytes
LARGEST_DESCRIPTION = 16 * 2**20  # bytes of JSON, which takes many times as much when it is read
LENGTH = struct.Struct(">Q")


class ProtocolError(Exception):
    """The other side said what nobody says who keeps to the protocol."""


class Ended(Exception):
    """The other side has gone."""


def send(channel: socket.socket, message: dict, tensors: dict[str, Tensor], seconds: float | None = None) -> None:
    """Raises TimeoutError when the other side does not read."""
    block = save(tensors, {"message": json.dumps(message)})
    channel.settimeout(seconds)
    try:
        channel.sendall(LENGTH.pack(len(block)) + block)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Ended from error


def receive(channel: socket.socket, seconds: float | None = None) -> tuple[dict, dict[str, Tensor]]:
    """Raises TimeoutError, Ended, or ProtocolError."""
    deadline = None if seconds is None else time.monotonic() + seconds
    (length,) = LENGTH.unpack(receive_exactly(channel, LENGTH.size, deadline))
    if length > LARGEST_MESSAGE:
        raise ProtocolError(f"a message of {length} bytes")
    block = receive_exactly(channel, length, deadline)
    described = int.from_bytes(block[:8], "little")
    if described > LARGEST_DESCRIPTION:
        raise ProtocolError(f"a message that takes {described} bytes to describe")
    try:
        header = json.loads(block[8 : 8 + described])
        return json.loads(header["__metadata__"]["message"]), load(bytes(block))
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProtocolError(f"a message that cannot be read ({type(error).__name__})") from error


def receive_exactly(channel: socket.socket, count: int, deadline: float | None) -> bytearray:
    received = bytearray(count)
    view = memoryview(received)
    while view:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        channel.settimeout(left)
        try:
            size = channel.recv_into(view)
        except ConnectionResetError as error:
            raise Ended from error
        if not size:
            raise Ended
        view = view[size:]
    return received
