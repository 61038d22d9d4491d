"""A History keeps what the callback saw."""

import torch

from style_transfer import History, Iterate


def test_losses_and_times_are_kept_in_order():
    history = History()
    for number in (1, 2, 3):
        history(Iterate(number, 0.1, 10.0 / number, 5.0, 1.0 * number, torch.zeros(1, 3, 2, 2)))
    assert history.content == [10.0, 5.0, 10.0 / 3]
    assert history.style == [5.0] * 3
    assert history.tv == [1.0, 2.0, 3.0]
    assert history.total == [16.0, 12.0, 10.0 / 3 + 8.0]
    assert history.seconds == sorted(history.seconds)
    assert history.seconds[0] < 0.1
    assert len(history.seconds) == 3
