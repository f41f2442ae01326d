-- Denoising diffusion of moons: steps of the simple loss, and draws. A net 34-128-128-128-2, batches of 128, T = 100
-- with the cosine schedule and v, Adam; against the same in PyTorch in eager mode, with one thread and with two.
-- latent's steps also keep the averages of the weights and the residuals of each time. Draws are DDIM's of ten steps,
-- of nets of 50 steps. What is compared is the mean loss of the timed steps.
-- Turns are of a few tenths of a second: a second thread begins on the caller's processor, for 20 to 40 ms.
local STEPS, BATCH, DRAWS, T = 1000, 128, 100000, 100

local function make(latent)
  return latent.diffusion { input_dim = 2, timesteps = T, standardize = false, clamp = false, seed = 1 }
end

local function steps(latent, X)
  X = X:to "float32"
  local model, sum, turn = make(latent), 0, 0
  local function work()
    sum = 0
    for _ = 1, STEPS do
      local at = turn % (#X // BATCH) * BATCH
      sum, turn = sum + model:step(X:block(at + 1, at + BATCH)), turn + 1
    end
  end
  return work, function() return { sum / STEPS } end
end

local function draws(latent, X)
  local model = make(latent)
  for i = 1, 50 do model:step(X:block(i * BATCH + 1, (i + 1) * BATCH)) end
  local S
  return function() S = model:sample(DRAWS, { method = "ddim", steps = 10, seed = 1 }) end, function() return { #S } end
end

local python = [==[
import math
import torch
from torch import nn

THREADS, TRAIN, STEPS, BATCH, DRAWS, T = %s
torch.set_num_threads(THREADS)

def setup(X):
    torch.manual_seed(1)
    X = torch.from_numpy(X).float()
    g = lambda u: math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
    kept, a = [1.0], 1.0
    for t in range(1, T + 1):
        a *= 1 - min(0.999, 1 - g(t / T) / g((t - 1) / T))
        kept.append(a)
    A = torch.tensor(kept, dtype=torch.float64)
    signal, noise = A.sqrt().float()[1:, None], (1 - A).sqrt().float()[1:, None]
    w = torch.tensor([math.pi * (30 / math.pi) ** (k / 15) for k in range(16)])
    angles = torch.arange(1, T + 1)[:, None] / T * w
    features = torch.cat([angles.sin(), angles.cos()], 1)
    net = nn.Sequential(nn.Linear(34, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
                        nn.Linear(128, 2))
    with torch.no_grad(): net[0].weight[:, :2] *= 4 * math.sqrt(34 / 2)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    state = {"sum": 0.0, "turn": 0}
    def step():
        at = state["turn"] %% (len(X) // BATCH) * BATCH
        x = X[at:at + BATCH]
        t = torch.randint(0, T, (BATCH,))
        e = torch.randn_like(x)
        s, n = signal[t], noise[t]
        out = net(torch.cat([s * x + n * e, features[t]], 1))
        loss = (s * e - n * x - out).square().sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        state["sum"] += loss.item()
        state["turn"] += 1
    def train():
        state["sum"] = 0.0
        for _ in range(STEPS): step()
    if TRAIN: return train, lambda: [state["sum"] / STEPS]
    for _ in range(50): step()
    def draw():
        with torch.no_grad():
            x = torch.randn(DRAWS, 2)
            for t in range(T, 0, -T // 10):
                before = kept[t - T // 10]
                d = math.sqrt(1 - before) / math.sqrt(1 - kept[t])
                c = math.sqrt(before) - d * math.sqrt(kept[t])
                out = net(torch.cat([x, features[t - 1].expand(DRAWS, -1)], 1))
                x0 = math.sqrt(kept[t]) * x - math.sqrt(1 - kept[t]) * out
                x = c * x0 + d * x
            state["draws"] = x
    return draw, lambda: [len(state["draws"])]
]==]

local function theirs(threads, train)
  return python:format(("%d, %s, %d, %d, %d, %d"):format(threads, train and "True" or "False", STEPS, BATCH, DRAWS, T))
end

local function case(name, ours, train, target)
  return {
    name = name,
    data = { "moons_20480x2" },
    sides = {
      { name = "latent", lua = ours },
      { name = "PyTorch, one thread", python = theirs(1, train) },
      { name = "PyTorch, two threads", python = theirs(2, train) },
    },
    agree = train and 0.1 or nil,
    target = target,
  }
end

return {
  case("diffusion_steps", steps, true, 3),
  case("diffusion_draws", draws, false, 2),
}
