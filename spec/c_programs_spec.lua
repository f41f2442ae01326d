-- The numbered C programs of scripts/c: each is compiled as its head says, run from the top of the tree, and prints
-- what is known of it.
local helper = require "helper"

-- Where a figure isn't the program's own "1" (true), its source is said here.
local EXPECTED = {
  -- X = ((1, 2), (3, 4), (5, 7)): X'X by hand; its determinant is 14, hence the inverse's first column (69, -49)/14,
  -- and the eigenvalues 52 +- sqrt(52^2 - 14)
  ["00_matrix"] = [[
X'
1  3  5
2  4  7
[2x3 float64 matrix]
its second column without the first element
4  7
[2 float64 vector]
X'X
35  49
49  69
[2x2 float64 matrix]
means of the columns
3.0000  4.3333
[2 float64 vector]
inv(S) (1, 0)'
 4.9286  -3.5000
[2 float64 vector]
eigenvalues
103.8652    0.1348
[2 float64 vector]
singular matrix: A is not positive definite: its leading minor of order 1 isn't positive
]],
  -- three triples at -1, 0 and 1 about centres: J = 3 (1 + 0 + 1); (3, 4) is 5 from (0, 0)
  ["01_kmeans"] = [[
inertia 6.000000 converged 1
rows of the same cluster 9 of 9
(3, 4) is 5.000000 from its centre, which is that of its label: 1
loaded: 3 clusters, the same centres 1
from given centres: 3 iterations, centre 2 is (10.000000, 0.000000)
mini-batches: 200 iterations, inertia below 9: 1
]],
  -- mclust finds a log-likelihood of -1130.2641 (spec/gmm_spec.lua)
  ["02_gmm"] = [[
272 rows, log-likelihood -1130.26, 11 free parameters, converged 1
0.3559 of them about (2.036, 54.48)
0.6441 of them about (4.290, 79.97)
an eruption of 3.1 minutes after 65: log p -8.372, component 2, by 0.963
the same bits from a file: 1
]],
  ["17_prepared"] = [[
rows one at a time with the bits of all at once: 2000 of 2000
the last row, had it missing entries: the same 1
]],
  -- a third of the rows are about (0, 0)
  ["18_lua_host"] = [[
written in Lua, read in C: 0.125
fitted in Lua, weights 0.33 and 0.67; the same bits in C: 600 of 600
fitted in C, converged true, the first and last reading are together: false
taken back: 1
released 1 time
]],
  -- the classes' means, which are also what EM finds where classes are so far apart
  ["03_mixture"] = [[
class 1: weight 0.5000 rates 1.0000 1.0000
class 2: weight 0.5000 rates 11.0000 20.0000
by EM: rates 1.000 1.000 and 11.000 20.000, converged 1
(9, ?) is of component 2, and ? about 20.00
loaded: family 1, the same rates 1
waiting times: mean 0.2000 and 10.0000, 3 free parameters
]],
  -- noise variances of 0.01; a missing entry has the noise's deviation, and a third of its variance for z
  ["04_mppca"] = [[
one component: the noise is the eigenvalues' left out: 1
component 1: noise 0.010, along (1.0, 1.0, 1.0, 1.0)
component 2: noise 0.011, along (-1.0, 1.0, -1.0, 1.0)
component 2, |z| 2.1, the entry is -2.0 +- 0.12
]],
  -- An ellipse with half-axes 3 and 1 has variances 9/2 and 1/2 along them; its axis is (cos 30, sin 30).
  ["05_pca"] = [[
mean        10.000000 -5.000000
component   0.866025 0.500000
eigenvalue  4.500000, 0.9000 of the variance
z           3.000000 (first row), distortion 0.500000
pieces      4.500000
loaded      4.500000
]],
  -- PPCA's maximum is (Lambda - s2)^(1/2) with the mean of the eigenvalues left out (Tipping, Bishop 1999), and z =
  -- 2 * 3 / (4 + 0.5); the other columns aren't correlated with a missing entry, whose variance is 4 + 0.5. The chi-
  -- squares, uniquenesses and loadings are R 4.2.2's (factanal).
  ["06_ppca_fa"] = [[
closed_form: noise 0.5000, w (2.0000, 0.0000, 0.0000), the likelihood is known: 1
em: noise 0.5000, W to 1e-5: 1
z 1.3333; the missing entry 0.0000, with the variance 4.5000
dimensions: 1 of 2 by evidence, 1 by priors
1: chi-square 75.18 with 9 degrees of freedom, p 1.46e-12; first uniqueness 0.5346
2: chi-square 6.11 with 4 degrees of freedom, p 0.191; first uniqueness 0.4552
from a file: loadings of the first test 0.501 0.542 by its deviation
]],
  -- Deviations of the sources: sqrt(1/5) = 0.4472 and sqrt((1 - 1/1600)/3) = 0.57717; kurtosis 2 and -1.2 1601/1599.
  ["07_ica"] = [[
mixing      0.4472 1.1543
            1.3416 0.5772
kurtosis    2.0000 -1.2015
converged   1, identifiable 1
s           -2.2361 -1.6893 (first row)
step by step 0.4472
loaded      0.4472
]],
  -- Durbin, Koopman, Time Series Analysis by State Space Methods, 2nd ed.: the variances and the likelihood in 2.10.2
  -- (with the 1/2 log 2 pi of the first year), the rest by its recursions (spec/lds_spec.lua)
  ["08_lds"] = [[
noise 15098.5, level 1469.2, log-likelihood -633.4646, converged 1
the same from a file: 1
missing years on a line: 1
1872: level 1140.9278 +- sqrt(7899.7364); 1871, after a hundred years: 1111.6683
log-likelihood -633.4646, -633.4646
1971: the last level 1, with a variance of 1 Q and R more: 1
1972: the last level 1, with a variance of 2 Q and R more: 1
1973: the last level 1, with a variance of 3 Q and R more: 1
1971, with a probability of 95 %: 517.06 to 1079.68
invalid argument: forecasts are of at least one step ahead
]],
  -- Do, Batzoglou 2008, figure 1: 0.71 and 0.58 after the first iteration, 0.80 and 0.52 after ten
  ["09_own_model"] = [[
iteration 1: 0.71 0.58
iteration 10: 0.80 0.52
maximum: 0.7968 0.5196, log-likelihood -31.5702
from a file: 1
]],
  ["10_time_budget"] = [[
given up: 1, after 0 iterations
slices before the first iteration: 1
several slices: 1, a frame before each: 1
converged 1, means of the first column 0.0 0.0 4.0
the same bits as a whole fit: 21 of 21 numbers, after as many iterations: 1
]],
  ["11_vae"] = [[
the loss is less than at first: 1, and near its least: 1
bound <= log-likelihood: 1, below -log 2: 1, by less than 0.1: 1
the same step after a file: 1
]],
  ["12_threads"] = [[
three fits: ok, 21 of 21 numbers are the same
interrupted: cancelled
out of time: ok, some iterations: 1
not enough memory; held afterwards: 0 bytes
]],
  -- The moons with noise 0.1 have 1.002 nats, by quadrature; three nets 1-64-64-46 (the other column sees nothing),
  -- mean and deviation of two columns, are 3 (2 64 + 65 64 + 65 46) + 4 numbers.
  ["13_flow"] = [[
21841 parameters
-log p of new rows is within 0.15 of the entropy: 1
the density integrates to 1.00
back within 1e-10: 1, the change of variables within 1e-5: 1
-log p of its draws, too: 1
]],
  -- log 4 + log(2 pi e 0.04) = 1.0055 nats; a net 34-128-128-128-2 has 35 128 + 2 129 128 + 129 2 numbers.
  ["14_diffusion"] = [[
37762 parameters
the bound on -log p is within 0.4 nats of the entropy: 1
ancestral: nine of ten draws near a centre: 1, all centres: 1
DDIM in 20 steps: nine of ten draws near a centre: 1, all centres: 1
noise of 40 steps taken away: more rows near a centre than before: 1
]],
  ["15_flow_matching"] = [[
8898 parameters
W2 of the sources: 1.3; of where they are carried below 0.3: 1
by one step of Euler's method below 0.4: 1
back within 1e-4: 1
]],
  -- The nets 8-128-128-2 and 2-128-128-1 are 17922 and 17025 numbers.
  ["16_gan"] = [[
34947 parameters
the critic knows less than a tenth of a nat: 1
the draws were closer to each other than the data: 1, and no longer: 1
modes: 8, more than 0.7 of the draws are in one: 1
scores of two rows are finite: 1
]],
}

local build = os.getenv "LATENT_BUILD" or "build"
local LINK = ("-Icore %s/liblatent.a -pthread %s"):format(build, helper.libraries)

-- The command of the program's head: "cc -std=c11 ... " up to an "-o", with this build's compiler and library.
local function command_of(path)
  local file = assert(io.open(path))
  local head = file:read "a":match "^/%*(.-)%*/"
  file:close()
  local command = assert(head:match "\n %*   cc ([^\n]*)", path .. " doesn't say how it is compiled")
  assert.is_truthy(command:find(path, 1, true), command)
  command = command:gsub(" %-o .*", ""):gsub("build/", build .. "/"):gsub("%$%(pkg%-config [^)]* latent%)", LINK)
    :gsub("%-lopenblas %-llapacke %-lm", helper.libraries)
  return command
end

describe("scripts/c", function()
  local names = {}
  for path in helper.run("ls scripts/c/*.c"):gmatch "[^\n]+" do names[#names + 1] = path:match "([^/]+)%.c$" end

  for _, name in ipairs(names) do
    it(name, function()
      local program = ("%s/spec/c_%s"):format(build, name)
      local output, ok = helper.run(("mkdir -p %s/spec && %s -Wall -Wextra -Wpedantic -Werror -g -o %s %s")
        :format(build, os.getenv "CC" or "gcc", program, command_of(("scripts/c/%s.c"):format(name))))
      assert.is_truthy(ok, output)
      assert.equal("", output)
      output, ok = helper.run(helper.started(program))
      assert.is_truthy(ok, output)
      assert.equal(assert(EXPECTED[name], "nothing is said here of what " .. name .. " prints"), output)
    end)
  end

  it("has no program missing", function()
    for name in pairs(EXPECTED) do
      assert.is_truthy((table.concat(names, " ") .. " "):find(name .. " ", 1, true), name)
    end
  end)
end)
