"""What a callback saw is kept, or shown while the transfer runs."""

import torch

from style_transfer import History, Iterate, Preview


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


def test_the_preview_shows_one_picture_and_renews_it(published):
    preview = Preview(every=2)
    for number in range(1, 6):
        preview(Iterate(number, 0.1, 3.0, 2.0, 1.0, torch.zeros(1, 3, 10, 12)))
    assert [message["update"] for message in published] == [False, True]
    assert len({message["transient"]["display_id"] for message in published}) == 1
    assert all("image/png" in message["data"] for message in published)
