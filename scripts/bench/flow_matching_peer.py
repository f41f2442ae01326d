"""torchcfm's flow from eight Gaussians to two moons, for scripts/flow_matching_transport.lua to be compared with.

    build/peers/bin/python scripts/bench/flow_matching_peer.py FOLDER COUPLING SEED...

The folder has starts_SEED.npy, the 2,000 rows of eight Gaussians that draws begin from (that script writes them). For each
seed a net is trained with the same protocol (the data, the net, the steps, the optimizer) by torchcfm's matcher, and
its draws are written: COUPLING_SEED_adaptive.npy by torchdiffeq's dopri5 and COUPLING_SEED_euler.npy by one Euler step.
COUPLING is "ot" or "independent"; with a "+" after it the net is torchcfm's own, 3 x 64 SELU with t as it is.
"""
import math
import sys

import numpy as np
import torch
from torch import nn
from torchcfm.conditional_flow_matching import (ConditionalFlowMatcher,
                                                ExactOptimalTransportConditionalFlowMatcher)
from torchcfm.models.models import MLP
from torchdiffeq import odeint

STEPS, BATCH, RATE, FEATURES = 2000, 256, 1e-3, 4
torch.set_num_threads(1)


def eight_gaussians(n):
    angle = torch.randint(0, 8, (n,)) * math.pi / 4
    return 5 * torch.stack([torch.cos(angle), torch.sin(angle)], 1) + math.sqrt(0.1) * torch.randn(n, 2)


def moons(n):
    angle, second = math.pi * torch.rand(n), torch.rand(n) < 0.5
    x = torch.where(second, 1 - torch.cos(angle), torch.cos(angle))
    y = torch.where(second, 0.5 - torch.sin(angle), torch.sin(angle))
    return 3 * (torch.stack([x, y], 1) + 0.2 * torch.randn(n, 2)) - 1


class Net(nn.Module):
    """latent's: x and sines and cosines of t, 3 x 64 SiLU."""

    def __init__(self):
        super().__init__()
        half = FEATURES // 2
        self.register_buffer("w", math.pi * (100 / math.pi) ** (torch.arange(half) / (half - 1)))
        self.net = nn.Sequential(nn.Linear(2 + FEATURES, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(),
                                 nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
        self.mean, self.deviation = torch.zeros(2), torch.ones(2)

    def forward(self, t, x):
        a = t.reshape(-1, 1) * self.w
        return self.net(torch.cat([x, torch.sin(a), torch.cos(a)], 1))


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = MLP(2, w=64, time_varying=True)

    def forward(self, t, x):
        return self.net(torch.cat([x, t.reshape(-1, 1)], 1))


def run(folder, coupling, seed):
    torch.manual_seed(seed)
    own = coupling.endswith("+")
    net = Own() if own else Net()
    ot = coupling.startswith("ot")
    matcher = (ExactOptimalTransportConditionalFlowMatcher if ot else ConditionalFlowMatcher)(sigma=0.0)
    # latent's nets see units of the data's deviations; torchcfm's own is as its examples have it
    far = moons(100000)
    mean, deviation = (torch.zeros(2), torch.ones(2)) if own else (far.mean(0), far.std(0))
    adam = torch.optim.Adam(net.parameters(), lr=RATE)
    for _ in range(STEPS):
        x0, x1 = (eight_gaussians(BATCH) - mean) / deviation, (moons(BATCH) - mean) / deviation
        t, xt, ut = matcher.sample_location_and_conditional_flow(x0, x1)
        adam.zero_grad()
        loss = ((net(t, xt) - ut) ** 2).mean()
        loss.backward()
        adam.step()
    start = (torch.from_numpy(np.load("%s/starts_%d.npy" % (folder, seed))).float() - mean) / deviation
    field = lambda t, x: net(t.expand(len(x)), x)
    with torch.no_grad():
        adaptive = odeint(field, start, torch.tensor([0.0, 1.0]), rtol=1e-5, atol=1e-5, method="dopri5")[-1]
        euler = start + field(torch.zeros(()), start)
    for name, x in (("adaptive", adaptive), ("euler", euler)):
        np.save("%s/%s_%d_%s.npy" % (folder, coupling, seed, name), (x * deviation + mean).double().numpy())


for s in sys.argv[3:]:
    run(sys.argv[1], sys.argv[2], int(s))
    print(sys.argv[2], s, flush=True)
