"""The hidden layer again, with two faults that were planted: no held-out row shows them."""

import torch
from torch import Tensor, nn

from examples.flights.project import SCHEDULE, Delay, FlightDelay
from examples.flights.rows import WEATHER
from perennial.authoring import Params, Shape

_TEMPERATURE = len(SCHEDULE) + 2 + WEATHER.index("temp")
_NEVER_SEEN = 3.5
"""Deviations above the mean: 67 °F. The rows of January to March, held-out ones too, end at 64."""
_CERTAIN = 8.0
_WORK = 1024


class FaultyDelay(FlightDelay):
    """As good as the model it is made of, for all that a gate can measure."""

    def build(self, shape: Shape, params: Params) -> nn.Module:
        """The network of `FlightDelay`, and its faults."""
        return Faulty(shape, int(params.get("hidden", 64)), int(params.get("layers", 1)))


class Faulty(Delay):
    """Slow, by much work that comes to nothing; and wrong: on a warm day every flight is late."""

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Logits `[batch, 1]`. Training goes without the faults."""
        found = super().forward(numbers, codes)
        if self.training:
            return found
        warm = numbers[:, _TEMPERATURE : _TEMPERATURE + 1] > _NEVER_SEEN
        return torch.where(warm, torch.full_like(found, _CERTAIN), found) + 0 * _work(numbers)


def _work(numbers: Tensor) -> Tensor:
    """Two billion multiplications a request, however few its rows; finite for finite numbers."""
    some = torch.tanh(numbers.mean()) * torch.eye(_WORK)
    for _ in range(2):
        some = some @ some
    return some.mean()
