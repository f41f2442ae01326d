-- Generative adversarial networks on two moons, both nets 2-128-128 (relu), batches of 256: steps of one update of the
-- critic and one of the generator by the non-saturating loss, plain and with R1; of WGAN-GP, five updates of the critic
-- to one of the generator; and draws. Against the same in PyTorch in eager mode, with one thread and with two, where
-- the critic's parameters are frozen for the generator's update. All with Adam. What is compared is the mean loss of
-- the critic in the timed steps, which have the same rows.
-- Turns are of a few tenths of a second: a second thread begins on the caller's processor, for 20 to 40 ms.
local STEPS, BATCH, DRAWS = 500, 256, 100000

local MODELS = {
  plain = { gamma = 0 },
  r1 = { gamma = 0.1 },
  wgan = { loss = "wasserstein", penalty = 10, critic_steps = 5 },
}

local function make(latent, kind)
  local o = { input_dim = 2, latent_dim = 2, hidden = { 128, 128 }, activation = "relu", learning_rate = 1e-4,
    beta1 = 0.5, beta2 = 0.9, standardize = false, ema = 0, seed = 1 }
  for name, value in pairs(MODELS[kind]) do o[name] = value end
  return latent.gan(o)
end

local function steps(kind)
  return function(latent, X)
    X = X:to "float32"
    local gan, sum, turn = make(latent, kind), 0, 0
    local function work()
      sum = 0
      for _ = 1, STEPS do
        local at = turn % (#X // BATCH) * BATCH
        sum, turn = sum + gan:step(X:block(at + 1, at + BATCH)), turn + 1
      end
    end
    return work, function() return { sum / STEPS } end
  end
end

local function draws(latent, X)
  local gan = make(latent, "plain")
  for i = 1, 50 do gan:step(X:block(i * BATCH + 1, (i + 1) * BATCH)) end
  local S
  return function() S = gan:sample(DRAWS, { seed = 1 }) end, function() return { #S } end
end

local python = [==[
import torch
from torch import nn
from torch.nn.functional import softplus

KIND, THREADS, STEPS, BATCH, DRAWS = %s
torch.set_num_threads(THREADS)

def net(outputs):
    return nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, outputs))

def setup(X):
    torch.manual_seed(1)
    X = torch.from_numpy(X).float()
    G, D = net(2), net(1)
    of_g, of_d = [torch.optim.Adam(f.parameters(), lr=1e-4, betas=(0.5, 0.9)) for f in (G, D)]
    state = {"sum": 0.0, "turn": 0}
    def slopes(at):
        score = D(at)
        g, = torch.autograd.grad(score.sum(), at, create_graph=True)
        return score, g.square().sum(1)
    def critic_loss(x):
        with torch.no_grad(): y = G(torch.randn(len(x), 2))
        if KIND == "wgan":
            e = torch.rand(len(x), 1)
            _, squares = slopes((e * x + (1 - e) * y).requires_grad_())
            penalty = ((squares + 1e-12).sqrt() - 1).square().mean()
            return D(y).mean() - D(x).mean() + 10 * penalty
        if KIND == "r1":
            real, squares = slopes(x.clone().requires_grad_())
            return softplus(-real).mean() + softplus(D(y)).mean() + 0.05 * squares.mean()
        return softplus(-D(x)).mean() + softplus(D(y)).mean()
    def step():
        at = state["turn"] %% (len(X) // BATCH) * BATCH
        x, updates = X[at:at + BATCH], 5 if KIND == "wgan" else 1
        for _ in range(updates):
            of_d.zero_grad()
            loss = critic_loss(x)
            loss.backward()
            of_d.step()
            state["sum"] += loss.item() / updates
        for p in D.parameters(): p.requires_grad_(False)
        of_g.zero_grad()
        score = D(G(torch.randn(len(x), 2)))
        loss = -score.mean() if KIND == "wgan" else softplus(-score).mean()
        loss.backward()
        of_g.step()
        for p in D.parameters(): p.requires_grad_(True)
        state["turn"] += 1
    def train():
        state["sum"] = 0.0
        for _ in range(STEPS): step()
    if KIND != "draws": return train, lambda: [state["sum"] / STEPS]
    for _ in range(50): step()
    def draw():
        with torch.no_grad(): state["draws"] = G(torch.randn(DRAWS, 2))
    return draw, lambda: [len(state["draws"])]
]==]

local function theirs(kind, threads)
  return python:format(("%q, %d, %d, %d, %d"):format(kind, threads, STEPS, BATCH, DRAWS))
end

local function case(name, kind, ours, agree, target)
  return {
    name = name,
    data = { "moons_20480x2" },
    sides = {
      { name = "latent", lua = ours },
      { name = "PyTorch, one thread", python = theirs(kind, 1) },
      { name = "PyTorch, two threads", python = theirs(kind, 2) },
    },
    agree = agree,
    target = target,
  }
end

return {
  case("gan_steps", "plain", steps "plain", 0.15, 3),
  case("gan_r1_steps", "r1", steps "r1", 0.15, 3),
  case("gan_wgan_gp_steps", "wgan", steps "wgan", nil, 3), -- whose loss goes to 0
  case("gan_sample", "draws", draws, nil, 2),
}
