"""The modes of a model: training or evaluation, module by module."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from weakref import WeakKeyDictionary

from torch import nn

LOCKS: WeakKeyDictionary[nn.Module, RLock] = WeakKeyDictionary()


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Dropout off and batch norm fixed inside; every module's own mode as it was afterwards, whatever happens.

    Modes and hooks belong to the model, so threads that share one come in one at a time.
    """
    modules = list(model.modules())
    # the last one, since a wrapper around the model ends in it, too
    with LOCKS.setdefault(modules[-1], RLock()):
        training = [module for module in modules if module.training]
        for module in training:
            module.training = False
        try:
            yield
        finally:
            for module in training:
                module.training = True
