-- EM for PCA, step by step: data in the plane, one direction to find, no covariance formed.
--
--   lua5.4 scripts/pca_em_steps.lua [--help]
--
-- In the limit of no noise EM for probabilistic PCA alternates two least-squares fits (Roweis 1998; Bishop 12.2.2):
--
--   E-step   z_n = inv(W'W) W'(x_n - mean)              the rod W is fixed, the points slide to their feet on it
--   M-step   W = sum (x_n - mean) z_n' inv(sum z_n z_n')   the feet are fixed on the rod, which springs turn
--
-- Both are written out here, in plain matrix algebra, and drawn; latent.ppca{ noise_variance = 0 } does the same for
-- any number of dimensions, and both end in the first principal component.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 4 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local X = matrix.normal(40, 2, latent.random(options.seed)) * matrix { { 1.6, 1.1 }, { -0.35, 0.5 } }
local Y = X - X:mean(1)

-- The steps; W is 2 x 1, z is N x 1.
local function e_step(W) return (Y * W) / (W:t() * W)(1, 1) end
local function m_step(z) return (Y:t() * z) / (z:t() * z)(1, 1) end

local function distortion(W, z)
  local difference = Y - z * W:t()
  return (difference % difference):sum() / Y.rows
end

-- ---- pictures: points, the rod, and the springs from the points to their feet --------------------------

local function draw(name, title, W, z)
  local figure = plot.figure { title = title, equal = true, width = 560, height = 460, xlabel = "x1", ylabel = "x2",
    xrange = { -6, 6 }, yrange = { -6, 6 } }
  local feet = z and z * W:t()
  if z then
    local x, y = {}, {} -- one line for all springs, with a gap after each
    for i = 1, Y.rows do
      for _, at in ipairs { { Y(i, 1), Y(i, 2) }, { feet(i, 1), feet(i, 2) }, { 0 / 0, 0 / 0 } } do
        x[#x + 1], y[#y + 1] = table.unpack(at)
      end
    end
    figure:line(x, y, { color = 4, width = 1, label = "springs" })
  end
  local length = W:norm()
  figure:line({ -5 * W(1, 1) / length, 5 * W(1, 1) / length }, { -5 * W(2, 1) / length, 5 * W(2, 1) / length },
    { color = 3, width = 3, label = "W" })
  figure:points(Y:col(1), Y:col(2), { color = 1, size = 0.8, label = "data" })
  if z then figure:points(feet:col(1), feet:col(2), { color = 2, size = 0.6, label = "feet" }) end
  save(name, figure)
end

-- ---- the alternation --------------------------------------------------------------------------------------

local pca = latent.pca { latent_dim = 1 }:fit(X)
local W = matrix { { 0.6 }, { -1.2 } }
local z

local function angle()
  local cosine = math.abs((W:t() * pca.components)(1, 1)) / W:norm()
  return math.deg(math.acos(math.min(1, cosine)))
end

draw("em_pca_0", "data, and a first guess of W", W)
print "step          error J   angle to the first component"
for i = 1, 25 do
  z = e_step(W)
  local J = distortion(W, z)
  if i <= 2 then draw(("em_pca_%d_e"):format(i), ("E-step %d: the feet of the points on W"):format(i), W, z) end
  if i <= 5 then printf("E-step %-3d %10.6f   %8.4f degrees", i, J, angle()) end
  W = m_step(z)
  if i <= 2 then draw(("em_pca_%d_m"):format(i), ("M-step %d: the springs turn W"):format(i), W, z) end
  if i <= 5 then printf("M-step %-3d %10.6f   %8.4f degrees", i, distortion(W, z), angle()) end
end
z = e_step(W)
draw("em_pca_end", "converged: the first principal component", W, z)

local em = latent.ppca { latent_dim = 1, noise_variance = 0, tolerance = 1e-14 }:fit(X)
printf("\nafter 25      %10.6f   %.1g degrees", distortion(W, z), angle())
printf("latent.ppca   %10.6f   in %d iterations", em.history[#em.history], em.iterations)
printf("latent.pca    %10.6f   by the covariance", pca:distortion(X))
