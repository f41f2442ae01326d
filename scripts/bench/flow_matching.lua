-- Flow matching on two moons: steps of training of a 3 x 64 net, batches of 256, with the independent coupling and with
-- optimal transport within the batch, and draws of 100,000 rows; against the same in PyTorch in eager mode with
-- torchcfm's matchers (optimal transport by POT) and, for the adaptive solver, torchdiffeq, with one thread and with
-- two. The net is the same: x and four sines and cosines of t, SiLU. What is compared is the mean loss of the timed
-- steps, a column.
-- Turns are of a few tenths of a second: a second thread begins on the caller's processor, for 20 to 40 ms.
local STEPS, BATCH, DRAWS, EULER, TOLERANCE = 1000, 256, 100000, 20, 1e-4

local function make(latent, coupling)
  return latent.flow_matching { input_dim = 2, hidden = { 64, 64, 64 }, coupling = coupling, standardize = false,
    seed = 1 }
end

local function steps(coupling)
  return function(latent, X)
    X = X:to "float32"
    local model, sum, turn = make(latent, coupling), 0, 0
    local function work()
      sum = 0
      for _ = 1, STEPS do
        local at = turn % (#X // BATCH) * BATCH
        sum, turn = sum + model:step(X:block(at + 1, at + BATCH)), turn + 1
      end
    end
    return work, function() return { sum / STEPS / 2 } end
  end
end

local function draws(options)
  return function(latent, X)
    local model = make(latent, "independent")
    for i = 1, 50 do model:step(X:block(i * BATCH + 1, (i + 1) * BATCH)) end
    local S
    options.seed = 1
    return function() S = model:sample(DRAWS, options) end, function() return { #S } end
  end
end

local python = [==[
import math
import torch
from torch import nn
from torchcfm.conditional_flow_matching import ConditionalFlowMatcher, ExactOptimalTransportConditionalFlowMatcher

WORK, THREADS, STEPS, BATCH, DRAWS, EULER, TOLERANCE = %s
torch.set_num_threads(THREADS)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("w", torch.tensor([math.pi, 100.0]))
        self.net = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 64),
                                 nn.SiLU(), nn.Linear(64, 2))
    def forward(self, t, x):
        a = t.reshape(-1, 1) * self.w
        a = torch.cat([torch.sin(a), torch.cos(a)], 1)
        return self.net(torch.cat([x, a.expand(len(x), -1)], 1))

def setup(X):
    torch.manual_seed(1)
    X = torch.from_numpy(X).float()
    net = Net()
    ot = WORK == "ot"
    matcher = (ExactOptimalTransportConditionalFlowMatcher if ot else ConditionalFlowMatcher)(sigma=0.0)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    state = {"sum": 0.0, "turn": 0}
    def step():
        at = state["turn"] %% (len(X) // BATCH) * BATCH
        x1 = X[at:at + BATCH]
        t, xt, ut = matcher.sample_location_and_conditional_flow(torch.randn_like(x1), x1)
        adam.zero_grad()
        loss = torch.mean((net(t, xt) - ut) ** 2)
        loss.backward()
        adam.step()
        state["sum"] += loss.item()
        state["turn"] += 1
    def train():
        state["sum"] = 0.0
        for _ in range(STEPS): step()
    if WORK in ("independent", "ot"): return train, lambda: [state["sum"] / STEPS]
    for _ in range(50): step()
    def euler():
        with torch.no_grad():
            x = torch.randn(DRAWS, 2)
            for k in range(EULER): x = x + net(torch.tensor(k / EULER), x) / EULER
            state["draws"] = x
    def adaptive():
        from torchdiffeq import odeint
        with torch.no_grad():
            state["draws"] = odeint(net, torch.randn(DRAWS, 2), torch.tensor([0.0, 1.0]), rtol=TOLERANCE,
                                    atol=TOLERANCE, method="dopri5")[-1]
    return euler if WORK == "euler" else adaptive, lambda: [len(state["draws"])]
]==]

local function theirs(work, threads)
  return python:format(("%q, %d, %d, %d, %d, %d, %g"):format(work, threads, STEPS, BATCH, DRAWS, EULER, TOLERANCE))
end

local function case(name, ours, work, target, agree)
  return {
    name = name,
    data = { "moons_20480x2" },
    sides = {
      { name = "latent", lua = ours },
      { name = "torchcfm, one thread", python = theirs(work, 1) },
      { name = "torchcfm, two threads", python = theirs(work, 2) },
    },
    agree = agree,
    target = target,
  }
end

return {
  case("matching_steps", steps "independent", "independent", 4, 0.15),
  case("matching_ot_steps", steps "ot", "ot", 4, 0.3),
  case("matching_draws_euler", draws { solver = "euler", steps = EULER }, "euler", 2),
  case("matching_draws_adaptive", draws { tolerance = TOLERANCE }, "adaptive", 2),
}
