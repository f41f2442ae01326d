-- EM for models of one's own: latent.em takes an E-step and an M-step as Lua functions.
--
--   lua5.4 scripts/em_own_model.lua [--help]
--
-- Three problems that made EM known, each with a published answer: genetic linkage (Rao 1965; Dempster,
-- Laird, Rubin 1977), blood groups (Smith 1957; numbers in Lange, Numerical Analysis for Statisticians),
-- and deaths by day in the London Times (Hasselblad 1969), on which EM is famously slow and
-- acceleration (SQUAREM; Varadhan, Roland 2008) shows what it is worth. Ends in a picture of the errors.

local _, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {}

local latent = require "latent"
local log = math.log

-- ---- linkage: cells with probabilities (2+t)/4, (1-t)/4, (1-t)/4, t/4 -----------------------

local linkage = latent.em {
  parameters = { theta = 0.5 },
  e_step = function(p, y)
    local t = p.theta
    return { linked = y[1] * t / (2 + t) + y[4], others = y[2] + y[3] }, -- of the first cell, t/(2+t) are hidden
      y[1] * log(2 + t) + (y[2] + y[3]) * log(1 - t) + y[4] * log(t)
  end,
  m_step = function(s) return { theta = s.linked / (s.linked + s.others) } end,
  tolerance = 0, max_iterations = 20, -- exactly twenty
}
linkage:fit { 125, 18, 20, 34 }
local exact = (15 + math.sqrt(53809)) / 394 -- the root of the likelihood equation 197t^2 - 15t - 68 = 0
printf("linkage       theta %.10f   closed form %.10f   %d iterations", linkage.parameters.theta, exact,
  linkage.iterations)

-- ---- blood groups -----------------------------------------------------------------------------

local abo = latent.em {
  parameters = { p = 0.3, q = 0.2, r = 0.5 },
  e_step = function(t, n)
    local AA, BB = n.A * t.p / (t.p + 2 * t.r), n.B * t.q / (t.q + 2 * t.r)
    return { p = n.A + AA + n.AB, q = n.B + BB + n.AB, r = n.A - AA + n.B - BB + 2 * n.O },
      n.A * log(t.p * (t.p + 2 * t.r)) + n.B * log(t.q * (t.q + 2 * t.r)) + n.AB * log(2 * t.p * t.q)
      + 2 * n.O * log(t.r)
  end,
  m_step = function(s)
    local n = s.p + s.q + s.r
    return { p = s.p / n, q = s.q / n, r = s.r / n }
  end,
}
abo:fit { A = 186, B = 38, AB = 13, O = 284 }
printf("blood groups  A %.4f B %.4f O %.4f   published 0.2136 0.0501 0.7363   %d iterations", abo.parameters.p,
  abo.parameters.q, abo.parameters.r, abo.iterations)

-- ---- two Poisson distributions: on how many days did n women over 80 die? ------------------------

local days = { [0] = 162, 267, 271, 185, 111, 61, 27, 8, 3, 1 }

local function deaths(accelerate)
  return latent.em {
    parameters = { share = 0.5, rate1 = 1, rate2 = 4 },
    e_step = function(p, counts)
      local s, objective, factorial = { n1 = 0, n2 = 0, x1 = 0, x2 = 0 }, 0, 1
      for x = 0, 9 do
        factorial = factorial * math.max(x, 1)
        local a = p.share * math.exp(-p.rate1) * p.rate1 ^ x / factorial
        local b = (1 - p.share) * math.exp(-p.rate2) * p.rate2 ^ x / factorial
        local n1 = counts[x] * a / (a + b)
        local n2 = counts[x] - n1
        s.n1, s.n2, s.x1, s.x2 = s.n1 + n1, s.n2 + n2, s.x1 + n1 * x, s.x2 + n2 * x
        objective = objective + counts[x] * log(a + b)
      end
      return s, objective
    end,
    m_step = function(s) return { share = s.n1 / (s.n1 + s.n2), rate1 = s.x1 / s.n1, rate2 = s.x2 / s.n2 } end,
    feasible = function(p) return p.share > 0 and p.share < 1 and p.rate1 > 0 and p.rate2 > 0 end,
    accelerate = accelerate, tolerance = 1e-14, max_iterations = 5000,
  }:fit(days)
end

local plain, fast = deaths(false), deaths(true)
for _, case in ipairs { { "plain EM", plain }, { "SQUAREM", fast } } do
  local name, model = table.unpack(case)
  local p = model.parameters
  printf("deaths        share %.4f rates %.4f %.4f   log-likelihood %.4f   %4d iterations  %s", p.share, p.rate1,
    p.rate2, model.history[#model.history], model.iterations, name)
end
print "              published 0.3599 1.2561 2.6634   -1989.9459"

-- ---- the picture: how far from the best, iteration by iteration ----------------------------------------

local function errors(model)
  local best, x, y = math.max(plain.history[#plain.history], fast.history[#fast.history]), {}, {}
  for i, objective in ipairs(model.history) do
    local e = best - objective
    if e > 1e-10 then x[#x + 1], y[#y + 1] = i, e end
  end
  return x, y
end

local figure = latent.plot.figure { title = "EM on the London Times data, plain and accelerated",
  logx = true, logy = true, xlabel = "iteration", ylabel = "log-likelihood still to gain" }
local x, y = errors(plain)
figure:line(x, y, { label = "EM" })
x, y = errors(fast)
figure:line(x, y, { label = "SQUAREM" })
save("own_model", figure)
