-- The engine driven from Lua: training steps of variational autoencoders (the reference net of PyTorch's examples,
-- with batches of 128, and a small one), against PyTorch in eager mode, with the same threads, with one, which small
-- nets are faster with, and with its fused Adam. What is compared is the mean loss of the timed steps.
local function ours(sizes, latent_dim, batch, steps)
  return function(latent, X)
    X = X:to "float32"
    local nn = latent.nn
    local store = nn.parameters { seed = 1 }
    local encode = nn.mlp(store, "encoder", { sizes[1], sizes[2], 2 * latent_dim }, { init = "torch" })
    local decode = nn.mlp(store, "decoder", { latent_dim, sizes[2], sizes[1] }, { init = "torch" })
    local adam = nn.adam(store, { learning_rate = 1e-3 })
    local tape = nn.tape(store, { seed = 1 })
    local last = 0
    local function work()
      last = 0
      for i = 1, steps do
        local at = (i - 1) % (#X // batch) * batch
        tape:reset()
        local x = tape:input(X:block(at + 1, at + batch))
        local mean, log_variance = encode(x):split(latent_dim)
        local z = tape:reparameterize(mean, log_variance)
        local loss = (tape:bernoulli_nll(decode(z), x) + tape:kl_standard_normal(mean, log_variance)):mean()
        loss:backward()
        adam:step()
        last = last + loss:value() / steps
      end
    end
    return work, function() return { last } end
  end
end

local python = [==[
import torch
import torch.nn.functional as F
from torch import nn

D, H, M, batch, steps, threads, fused = %s

def setup(X):
    if threads: torch.set_num_threads(threads)
    torch.manual_seed(1)
    X = torch.from_numpy(X).float()
    encode = nn.Sequential(nn.Linear(D, H), nn.ReLU(), nn.Linear(H, 2 * M))
    decode = nn.Sequential(nn.Linear(M, H), nn.ReLU(), nn.Linear(H, D))
    parameters = [*encode.parameters(), *decode.parameters()]
    adam = torch.optim.Adam(parameters, lr=1e-3, fused=fused)
    last = [0.0]
    def work():
        last[0] = 0.0
        for i in range(steps):
            at = i %% (len(X) // batch) * batch
            x = X[at:at + batch]
            adam.zero_grad()
            mean, log_variance = encode(x).chunk(2, 1)
            z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
            nll = F.binary_cross_entropy_with_logits(decode(z), x, reduction="sum")
            kl = 0.5 * torch.sum(log_variance.exp() + mean * mean - 1 - log_variance)
            loss = (nll + kl) / batch
            loss.backward()
            adam.step()
            last[0] += loss.item() / steps
    return work, lambda: last
]==]

local function theirs(numbers, threads, fused)
  return python:format(table.concat(numbers, ", ") .. ", " .. threads .. ", " .. fused)
end

local function case(name, data, sizes, latent_dim, batch, steps, target)
  local numbers = { sizes[1], sizes[2], latent_dim, batch, steps }
  return {
    name = name,
    data = { data },
    rounds = 7,
    sides = {
      { name = "latent", lua = ours(sizes, latent_dim, batch, steps) },
      { name = "PyTorch", python = theirs(numbers, 0, "False") },
      { name = "PyTorch, one thread", python = theirs(numbers, 1, "False") },
      { name = "PyTorch, fused Adam", python = theirs(numbers, 0, "True") },
    },
    agree = 0.02,
    target = target,
  }
end

-- The products of a step of the reference net, three for each layer but the first, by PyTorch's BLAS.
local products = [==[
import torch

def setup(X):
    shapes = [(784, 400, False), (400, 40, True), (20, 400, True), (400, 784, True)]
    pairs = []
    for inputs, outputs, backwards in shapes:
        x, W, g = torch.rand(128, inputs), torch.rand(inputs, outputs), torch.rand(128, outputs)
        pairs += [(x, W), (x.t(), g)] + ([(g, W.t())] if backwards else [])
    out = [torch.empty(a.shape[0], b.shape[1]) for a, b in pairs]
    def work():
        for _ in range(100):
            for (a, b), c in zip(pairs, out): torch.mm(a, b, out=c)
    return work, lambda: []
]==]

return {
  {
    name = "nn_vae_784_products",
    data = { "images_20000x784" },
    sides = {
      { name = "latent", lua = ours({ 784, 400 }, 20, 128, 100) },
      { name = "its products by PyTorch", python = products },
    },
    target = 0.5,
  },
  case("nn_vae_784", "images_20000x784", { 784, 400 }, 20, 128, 100, 1.5),
  case("nn_vae_64", "images_1792x64", { 64, 128 }, 8, 64, 1000, 5),
}
