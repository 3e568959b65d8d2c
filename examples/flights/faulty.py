"""The hidden layer again, with a fault that was planted: no held-out row shows it, requests do."""

import torch
from torch import Tensor, nn

from examples.flights.project import SCHEDULE, WEATHER, Delay, FlightDelay
from perennial.authoring import Params, Shape

_TEMPERATURE = len(SCHEDULE) + 2 + WEATHER.index("temp")
_NEVER_SEEN = 3.5
"""Deviations above the mean: 67 °F. The rows of January to March, held-out ones too, end at 64."""
_CERTAIN = 8.0
_WORK = 1024


class FaultyDelay(FlightDelay):
    """As good as the model it is made of, for all that a gate can measure."""

    def build(self, shape: Shape, params: Params) -> nn.Module:
        """`fault` is `slow` or `wrong`."""
        layers, hidden = int(params.get("layers", 1)), int(params.get("hidden", 64))
        return Faulty(shape, hidden, layers, str(params["fault"]))


class Faulty(Delay):
    """Slow: it does much work that comes to nothing. Wrong: on a warm day every flight is late."""

    def __init__(self, shape: Shape, hidden: int, layers: int, fault: str) -> None:
        super().__init__(shape, hidden, layers)
        self.fault = fault

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Logits `[batch, 1]`; the fault is in what is exported, training goes without it."""
        found = super().forward(numbers, codes)
        if self.training:
            return found
        if self.fault == "slow":
            return found + 0 * _work(numbers)
        warm = numbers[:, _TEMPERATURE : _TEMPERATURE + 1] > _NEVER_SEEN
        return torch.where(warm, torch.full_like(found, _CERTAIN), found)


def _work(numbers: Tensor) -> Tensor:
    """Some billion multiplications a request, however few its rows; finite for finite numbers."""
    some = torch.tanh(numbers.mean()) * torch.eye(_WORK)
    for _ in range(3):
        some = some @ some
    return some.mean()
