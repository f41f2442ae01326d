-- Normalizing flows on two moons: steps of maximum likelihood, and draws. RealNVP (8 couplings, nets 1-64-64-2, batches
-- of 256) against the same in PyTorch in eager mode, with one thread and with two; the neural spline flow of three
-- masked layers against zuko's, which is PyTorch's. All with Adam and the gradient's norm clipped at 5. What is
-- compared is the mean loss of the timed steps, which have the same rows.
local STEPS, BATCH, DRAWS = 100, 256, 100000

local function make(latent, kind)
  return latent.flow { input_dim = 2, kind = kind, clip = 5, standardize = false, seed = 1 }
end

local function steps(kind)
  return function(latent, X)
    X = X:to "float32"
    local flow, sum, turn = make(latent, kind), 0, 0
    local function work()
      sum = 0
      for _ = 1, STEPS do
        local at = turn % (#X // BATCH) * BATCH
        sum, turn = sum + flow:step(X:block(at + 1, at + BATCH)), turn + 1
      end
    end
    return work, function() return { sum / STEPS } end
  end
end

local function draws(kind)
  return function(latent, X)
    local flow = make(latent, kind)
    for i = 1, 50 do flow:step(X:block(i * BATCH + 1, (i + 1) * BATCH)) end
    local S
    return function() S = flow:sample(DRAWS, { seed = 1 }) end, function() return { #S } end
  end
end

local python = [==[
import math
import torch
from torch import nn

KIND, THREADS, TRAIN, STEPS, BATCH, DRAWS = %s
torch.set_num_threads(THREADS)

class RealNVP(nn.Module):
    def __init__(self):
        super().__init__()
        self.nets = nn.ModuleList()
        for k in range(8):
            last = nn.Linear(64, 2)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.nets.append(nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), last))
    def log_prob(self, x):
        halves, rise = list(x.split(1, 1)), 0
        for k, net in enumerate(self.nets):
            t, o = net(halves[k %% 2]).chunk(2, 1)
            s = 2 * torch.tanh(o / 2)
            halves[1 - k %% 2] = halves[1 - k %% 2] * torch.exp(s) + t
            rise = rise + s
        z = torch.cat(halves, 1)
        return rise.sum(1) - 0.5 * (z * z).sum(1) - math.log(2 * math.pi)
    def sample(self, n):
        halves = list(torch.randn(n, 2).split(1, 1))
        for k in reversed(range(8)):
            t, o = self.nets[k](halves[k %% 2]).chunk(2, 1)
            halves[1 - k %% 2] = (halves[1 - k %% 2] - t) * torch.exp(-2 * torch.tanh(o / 2))
        return torch.cat(halves, 1)

def setup(X):
    torch.manual_seed(1)
    X = torch.from_numpy(X).float()
    if KIND == "realnvp":
        flow = RealNVP()
        log_prob, sample = flow.log_prob, flow.sample
    else:
        import zuko
        flow = zuko.flows.NSF(2, transforms=3, bins=8, hidden_features=(64, 64))
        log_prob, sample = (lambda x: flow().log_prob(x)), (lambda n: flow().sample((n,)))
    adam = torch.optim.Adam(flow.parameters(), lr=1e-3)
    state = {"sum": 0.0, "turn": 0}
    def step():
        at = state["turn"] %% (len(X) // BATCH) * BATCH
        adam.zero_grad()
        loss = -log_prob(X[at:at + BATCH]).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 5)
        adam.step()
        state["sum"] += loss.item()
        state["turn"] += 1
    def train():
        state["sum"] = 0.0
        for _ in range(STEPS): step()
    if TRAIN: return train, lambda: [state["sum"] / STEPS]
    for _ in range(50): step()
    def draw():
        with torch.no_grad(): state["draws"] = sample(DRAWS)
    return draw, lambda: [len(state["draws"])]
]==]

local function theirs(kind, threads, train)
  local numbers = ("%q, %d, %s, %d, %d, %d"):format(kind, threads, train and "True" or "False", STEPS, BATCH, DRAWS)
  return python:format(numbers)
end

local function case(name, kind, ours, train, peer, target)
  return {
    name = name,
    data = { "moons_20480x2" },
    sides = {
      { name = "latent", lua = ours },
      { name = peer .. ", one thread", python = theirs(kind, 1, train) },
      { name = peer .. ", two threads", python = theirs(kind, 2, train) },
    },
    agree = train and 0.15 or nil,
    target = target,
  }
end

return {
  case("flow_realnvp_steps", "realnvp", steps "realnvp", true, "PyTorch", 6),
  case("flow_nsf_steps", "nsf", steps "nsf", true, "zuko", 4),
  case("flow_realnvp_draws", "realnvp", draws "realnvp", false, "PyTorch", 2),
  case("flow_nsf_draws", "nsf", draws "nsf", false, "zuko", 2),
}
