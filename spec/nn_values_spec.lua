-- Values of latent.nn: operations, likelihoods, divergences, noise, products. Gradients have a spec of their own
-- (nn_gradients). Numbers called PyTorch's were computed with PyTorch 2.13.0 in float64.
local latent = require "latent"
local helper = require "helper"
local nn, matrix, fails = latent.nn, latent.matrix, helper.fails

local function double() return nn.tape { dtype = "float64" } end

describe("values", function()
  it("are computed at once, and are matrices", function()
    local tape = double()
    local x = tape:input { { 1, -2 }, { 3, 4 } }
    assert.are.equal(2, x.rows)
    assert.are.equal(2, x.cols)
    assert.near_matrix({ { 1, 0 }, { 3, 4 } }, x:relu():matrix(), 0)
    assert.are.equal(6, x:sum():value())
    assert.are.equal(1.5, x:mean():value())
    assert.near_matrix({ { 4, 2 } }, x:sum(1):matrix(), 0)
    assert.near_matrix({ { -0.5 }, { 3.5 } }, x:mean(2):matrix(), 0)
    assert.near_matrix({ { 1 }, { 3 } }, x:columns(1):matrix(), 0)
    assert.near_matrix({ { -2 }, { 4 } }, x:columns(-1):matrix(), 0)
    assert.near_matrix({ { 3, 4 }, { 1, -2 }, { 3, 4 } }, x:gather({ 2, 1, 2 }):matrix(), 0)
    assert.near_matrix({ { 1, 3 }, { -2, 4 } }, x:t():matrix(), 0)
    assert.near_matrix({ { 1, -2, 1 }, { 3, 4, 3 } }, x:concat(x:columns(1)):matrix(), 0)
    assert.is_truthy(tostring(x):find "2x2" or tostring(x):find "%-2")
  end)

  it("have the operators of matrices", function()
    local tape = double()
    local A, B = matrix { { 1, 2 }, { 3, 4 } }, matrix { { 5, 6 }, { 7, 8 } }
    local a, b = tape:input(A), tape:input(B)
    assert.near_matrix(A * B, (a * b):matrix(), 0)
    assert.near_matrix(A % B, (a % b):matrix(), 0)
    assert.near_matrix(A / B, (a / b):matrix(), 1e-16)
    assert.near_matrix(A + B, (a + B):matrix(), 0)
    assert.near_matrix(A - B, (a - b):matrix(), 0)
    assert.near_matrix(A * -2, (-2 * a):matrix(), 0)
    assert.near_matrix({ { 0, -1 }, { -2, -3 } }, (1 - a):matrix(), 0)
    assert.near_matrix({ { 1, 1 / 2 }, { 1 / 3, 1 / 4 } }, (1 / a):matrix(), 1e-16)
    assert.near_matrix({ { 11, 22 }, { 13, 24 } }, (a + { { 10, 20 } }):matrix(), 0)
  end)

  it("agree with PyTorch's activations", function()
    local tape = double()
    local x = tape:input({ { -3, -0.5, 0, 0.5, 2 } }, { gradient = true })
    local expected = {
      gelu = { { -0.00404969409489031, -0.15426876936299344, 0, 0.34573123063700656, 1.9544997361036416 },
        { -0.01194564720418392, 0.13250487534383712, 0.5, 0.8674951246561629, 1.085231801078197 } },
      silu = { { -0.14227761953270035, -0.1887703343990727, 0, 0.3112296656009273, 1.7615941559557646 },
        { -0.08810410601516962, 0.2600388126973482, 0.5, 0.7399611873026519, 1.0907842487848955 } },
      softplus = { { 0.04858735157374206, 0.4740769841801067, 0.6931471805599453, 0.9740769841801067,
        2.1269280110429727 },
        { 0.04742587317756679, 0.37754066879814546, 0.5, 0.6224593312018546, 0.8807970779778824 } },
      elu = { { -0.950212931632136, -0.3934693402873666, 0, 0.5, 2 },
        { 0.049787068367863944, 0.6065306597126334, 1, 1, 1 } },
    }
    for name, numbers in pairs(expected) do
      local y = x[name](x)
      y:sum():backward()
      assert.near_matrix({ numbers[1] }, y:matrix(), 1e-15)
      assert.near_matrix({ numbers[2] }, x:gradient(), 1e-15)
    end
  end)

  it("keep NaN: no activation hides it", function()
    local tape = double()
    local x = tape:input { { 0 / 0 } }
    for f in ("relu leaky_relu elu tanh sigmoid softplus silu gelu abs square"):gmatch "%S+" do
      local y = x[f](x):value()
      assert.is_true(y ~= y, f)
    end
    local s = nn.parameters { dtype = "float64" }
    local y = nn.linear(s, "l", 1, 1, { activation = "relu" })(x):value()
    assert.is_true(y ~= y)
  end)

  it("don't overflow where the result doesn't", function()
    local tape = nn.tape()
    local x = tape:input { { 1000, 1001, 999 }, { -1000, -1001, -999 } }
    local expected = 1 + math.log(1 + math.exp(-1) + math.exp(-2))
    assert.near_matrix({ { 1000 + expected }, { -1000 + expected } }, x:log_sum_exp():matrix(), 1e-4)
    assert.near_matrix({ { 1000, 0 } }, tape:input({ { 1000, -1000 } }):softplus():matrix(), 0)
    local infinite = double():input({ { -1 / 0, -1 / 0 } }, { gradient = true })
    local y = infinite:log_sum_exp()
    assert.are.equal(-1 / 0, y:value())
    assert.near_matrix({ { math.log(3) } }, double():input({ { 0 }, { math.log(5) } }):log_mean_exp(2):matrix(), 1e-15)
  end)
end)

describe("likelihoods and divergences", function()
  it("agree with PyTorch's", function()
    local tape = double()
    local mean, v, mean2, v2 = { { 1, -2 } }, { { 0.3, -1 } }, { { 0, 0.5 } }, { { -0.2, 0.7 } }
    assert.near_matrix({ { 0.8976643357538487 }, { 1.0064088680781682 } },
      tape:bernoulli_nll({ { -3, 0.5, 40 }, { 0, -200, 1 } }, { { 0, 0.25, 1 }, { 0.5, 0, 1 } }):matrix(), 1e-14)
    -- PyTorch expands its normalizer to second order near 1/2, so 1e-6 here
    assert.near_matrix({ { -2.419066226563832 }, { -3.4544073793355605 } },
      tape:continuous_bernoulli_nll({ { -3, 0.5, 4 }, { 1e-3, -20, 1 } }, { { 0, 0.25, 1 }, { 0.5, 0, 1 } }):matrix(),
      1e-6)
    assert.near_matrix(2.708869124373723, tape:kl_standard_normal(mean, v):value(), 1e-14)
    assert.near_matrix(2.708869124373723, tape:kl_units(mean, v):sum():value(), 1e-14)
    assert.near_matrix(2.6782328508046715, tape:kl_normal(mean, v, mean2, v2):value(), 1e-14)
    assert.near_matrix(2.708869124373723, tape:kl_normal(mean, v, 0, 0):value(), 1e-14)
    assert.near_matrix(10.35291689068472, tape:gaussian_nll(mean, v, mean2):value(), 1e-13)
    assert.near_matrix(3.653641320344727, tape:gaussian_mixture_nll({ { 0.3, -1 } }, { { 1, -2 }, { 0, 0.5 } },
      { { 0.3, -1 }, { -0.2, 0.7 } }, { { 0.2, 0.4 } }):value(), 1e-14)
    assert.near_matrix({ { 2.4076059644443806 }, { 0.009174484591734727 } },
      tape:categorical_nll({ { 1, 2, 3 }, { 0, -1, 5 } }, { 1, 3 }):matrix(), 1e-14)
  end)

  it("of the continuous Bernoulli distribution integrate to 1, also beside 0", function()
    local tape = double()
    for _, l in ipairs { -30, -3, -0.31, -0.29, -1e-3, 0, 1e-9, 0.2999, 0.3001, 2, 30 } do
      local n, sum = 2000, 0 -- Simpson's rule
      local nll = tape:continuous_bernoulli_nll(matrix(n + 1, 1, l), matrix.linspace(0, 1, n + 1):column()):matrix()
      for i = 1, n + 1 do
        local weight = (i == 1 or i == n + 1) and 1 or i % 2 == 0 and 4 or 2
        sum = sum + weight * math.exp(-nll(i, 1)) / (3 * n)
      end
      assert.is_true(math.abs(sum - 1) < 1e-9, ("logit %g: %.12g"):format(l, sum))
    end
  end)

  it("take groups of categories", function()
    local tape = double()
    local logits = matrix.normal(4, 6, 5)
    local labels = matrix { { 1, 3 }, { 2, 2 }, { 3, 1 }, { 1, 1 } }
    local left = tape:categorical_nll(logits:block(1, 4, 1, 3), labels:block(1, 4, 1, 1))
    local right = tape:categorical_nll(logits:block(1, 4, 4, 6), labels:block(1, 4, 2, 2))
    local both = tape:categorical_nll(logits, labels, { categories = 3 })
    assert.near_matrix((left + right):matrix(), both:matrix(), 1e-14)
  end)

  it("refuse data and labels outside of their range, and say where", function()
    local tape = nn.tape()
    local l = tape:input(matrix.zeros(2, 3))
    fails("x has 1.5 at row 2, column 1; it must be between 0 and 1", tape.bernoulli_nll, tape, l,
      { { 0, 0, 0 }, { 1.5, 0, 0 } })
    fails("x has NaN at row 1", tape.continuous_bernoulli_nll, tape, l, { { 0 / 0, 0, 0 }, { 1, 0, 0 } })
    fails("tape:categorical_nll: label 4.0 in row 2 is none of 1..3", tape.categorical_nll, tape, l, { 1, 4 })
    fails("label 0.0 in row 1", tape.categorical_nll, tape, l, { 0, 1 })
    fails("label 1.5", tape.categorical_nll, tape, l, { 1.5, 1 })
    fails("the labels are 3x1, for these logits they must be 2x1", tape.categorical_nll, tape, l, { 1, 1, 1 })
    fails("no multiple of 2", tape.categorical_nll, tape, l, { 1, 1 }, { categories = 2 })
  end)

  it("draw noise that depends on seed, step and place only", function()
    local function draws(seed, step)
      local tape = nn.tape { seed = seed }
      tape:state { step = step }
      local zero = tape:input(matrix.zeros(200, 30))
      local z = tape:reparameterize(zero, zero)
      return z:matrix(), tape:reparameterize(zero, zero):matrix()
    end
    local a, b = draws(1, 5)
    assert.is_false(a == b)
    assert.is_true(a == (draws(1, 5)))
    assert.is_false(a == (draws(1, 6)))
    assert.is_false(a == (draws(2, 5)))
    assert.is_true(math.abs(a:mean()) < 0.05 and math.abs(a:var() - 1) < 0.05)
    local tape = nn.tape { seed = 1 }
    assert.is_false(tape:normal(2, 2):matrix() == tape:normal(2, 2):matrix())
    local u = tape:uniform(100, 100):matrix()
    assert.is_true(u:min() >= 0 and u:max() < 1 and math.abs(u:mean() - 0.5) < 0.01)
  end)
end)

describe("products", function()
  it("are right for sizes that are cut up, and for every transpose", function()
    local tape = nn.tape()
    for _, s in ipairs { { 130, 1100, 70 }, { 1, 2050, 33 }, { 700, 40, 16 }, { 25, 64, 200 }, { 3000, 17, 5 } } do
      local A, B = matrix.normal(s[1], s[2], 1):to "float32", matrix.normal(s[2], s[3], 2):to "float32"
      local expected = A:to "float64" * B:to "float64"
      for _, left in ipairs { false, true } do
        for _, right in ipairs { false, true } do
          tape:reset()
          local a, b = tape:input(left and A:t() or A), tape:input(right and B:t() or B)
          local y = a:product(b, { left_transposed = left, right_transposed = right })
          -- each sum is of s[2] products: errors of some ulp of their root mean square
          assert.near_matrix(expected, y:matrix(), 1e-6 * s[2] ^ 0.5 * 5)
        end
      end
    end
  end)
end)
