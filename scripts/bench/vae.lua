-- Variational autoencoders: a step of the optimizer, against PyTorch in eager mode with the same nets, start, loss
-- (grey Bernoulli, mean over the batch) and Adam. The wide one has MNIST's shape, the small one that of digits 8x8.
-- What is compared is the loss after the timed steps, whose noise is not the same.
local python = [==[
import os
import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

D, H, M, B, STEPS, PASSES = %d, %d, %d, %d, %d, %d

class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.mean, self.log_variance = nn.Linear(D, H), nn.Linear(H, M), nn.Linear(H, M)
        self.back, self.out = nn.Linear(M, H), nn.Linear(H, D)

    def forward(self, x):
        h = torch.relu(self.hidden(x))
        m, v = self.mean(h), self.log_variance(h)
        z = m + torch.randn_like(m) * torch.exp(0.5 * v)
        return self.out(torch.relu(self.back(z))), m, v

def setup(X):
    torch.set_num_threads(int(os.environ.get("TORCH_THREADS", "2")))
    torch.manual_seed(0)
    X = torch.tensor(X.astype("f4"))
    vae = Vae()
    adam = torch.optim.Adam(vae.parameters(), lr=1e-3)
    last = []
    def work():
        for _ in range(PASSES):
            epoch()
    def epoch():
        order, total = torch.randperm(len(X)), 0.0
        for k in range(STEPS):
            x = X[order[k * B:(k + 1) * B]]
            adam.zero_grad()
            logits, m, v = vae(x)
            loss = (bce(logits, x, reduction="sum") - 0.5 * torch.sum(1 + v - m * m - v.exp())) / B
            loss.backward()
            adam.step()
            total += loss.item()
        last[:] = [total / STEPS]
    return work, lambda: last
]==]

local function case(name, data, D, H, M, B, steps, passes, target)
  local source = python:format(D, H, M, B, steps, passes)
  local function one(threads) -- the peer with its own best number of threads is the better of these two
    return { name = "PyTorch, " .. threads .. " thread" .. (threads > 1 and "s" or ""),
      python = ('import os\nos.environ["TORCH_THREADS"] = "%d"\n'):format(threads) .. source }
  end
  return {
    name = name,
    data = { data },
    sides = {
      { name = "latent", lua = function(latent, X)
        X = X:to "float32"
        local vae = latent.vae { input_dim = D, latent_dim = M, hidden = H, seed = 1 }
        local epoch, last, out = 0, {}, latent.matrix.zeros(B, D, { dtype = "float32" })
        return function()
          for _ = 1, passes do
            epoch = epoch + 1
            local sum, k = 0, 0
            for x in latent.batches(X, B, { seed = latent.random(1):stream(epoch), out = out }) do
              sum, k = sum + vae:step(x), k + 1
              if k == steps then break end
            end
            last[1] = sum / steps
          end
        end, function() return last end
      end },
      one(1), one(2),
    },
    agree = 0.02,
    target = target,
  }
end

return {
  case("vae_784_400_20", "images_20000x784", 784, 400, 20, 128, 150, 1, 1.5),
  case("vae_64_128_8", "images_1792x64", 64, 128, 8, 64, 28, 20, 5),
}
