-- Mixtures of Bernoulli distributions on handwritten digits.
--
--   lua5.4 scripts/mixture_digits.lua [--help]
--
-- 1797 images of 8 x 8 pixels, made black and white. A component gives each pixel its own probability
-- of being black, so its means are an image (Bishop, Pattern Recognition and Machine Learning, figure
-- 9.10: the digits 2, 3 and 4, and one distribution for all of them beside the mixture of three). With
-- all ten digits: how well mixtures of K components predict images that they haven't seen, which digit
-- a component is, and what the lower half of an image is, given the upper half.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local grey, labels = latent.datasets.digits()
local X = grey:gt(7)

local function rows_of(test)
  local places = {}
  for i = 1, X.rows do if test(i) then places[#places + 1] = i end end
  return X:rows_at(places), places
end

-- ---- three digits -------------------------------------------------------------------------

local three = rows_of(function(i) return labels[i] >= 2 and labels[i] <= 4 end)
local one = latent.mixture { components = 1 }:fit(three)
local mixture = latent.mixture { components = 3, seed = options.seed }:fit(three)
printf("The digits 2, 3 and 4 (%d images): %.3f nats an image with one component, %.3f with three (%d iterations)",
  three.rows, one:score(three), mixture:score(three), mixture.iterations)

-- ---- how many components? -----------------------------------------------------------------

local training = rows_of(function(i) return i % 4 ~= 0 end)
local test, test_places = rows_of(function(i) return i % 4 == 0 end)
printf("\nAll digits: %d images to learn from, %d to be predicted (nats an image)", training.rows, test.rows)
print "\n     K   iterations   learnt from   predicted"
local models = {}
for _, K in ipairs { 1, 2, 5, 10, 20, 40, 80 } do
  local model = latent.mixture { components = K, smoothing = 0.2, init = "k-means", restarts = 3,
    seed = options.seed }:fit(training)
  models[K] = model
  printf("%6d   %10d   %11.3f   %9.3f", K, model.iterations, model:score(training), model:score(test))
end

-- ---- which digit is a component? ------------------------------------------------------------

local model = models[20]
local K, counts = 20, matrix.zeros(20, 10)
local components = model:predict(X)
for i = 1, X.rows do
  local k, digit = components[i] // 1, labels[i] // 1 + 1
  counts[k][digit] = counts(k, digit) + 1
end
local digit_of, right = {}, 0
for k = 1, K do digit_of[k] = counts[k]:argmax() - 1 end
for _, i in ipairs(test_places) do
  if digit_of[components[i] // 1] == labels[i] then right = right + 1 end
end
printf("\nNamed after its most frequent digit, the component of an unseen image is right in %.1f%% of cases.",
  100 * right / test.rows)

-- ---- half an image ---------------------------------------------------------------------------

local half = models[80]
local upper = test:copy()
upper:block(1, test.rows, 33, 64):fill(0 / 0)
local imputed = half:impute(upper)
local guess = models[1]:impute(upper)
local function error_of(Y)
  local difference = (Y - test):block(1, test.rows, 33, 64)
  return (difference % difference):mean()
end
printf("Mean squared error of the lower half, given the upper: %.4f; by the pixels' means alone: %.4f",
  error_of(imputed), error_of(guess))

-- ---- pictures -----------------------------------------------------------------------------------

print "\npictures:"
save("three_digits", plot.images(matrix.vstack { mixture.means, one.means }, { columns = 4, range = { 0, 1 },
  palette = "ink", titles = { "1", "2", "3", "one for all" }, title = "Three components, and a single one" }))

local order, titles = {}, {}
for k = 1, K do order[k] = k end
table.sort(order, function(a, b) return digit_of[a] < digit_of[b] or (digit_of[a] == digit_of[b] and a < b) end)
for i, k in ipairs(order) do titles[i] = ("%d"):format(digit_of[k]) end
save("components", plot.images(model.means:rows_at(order), { range = { 0, 1 }, palette = "ink", titles = titles,
  title = "Twenty components of all digits, and the digit they mostly are" }))

local shown = { 3, 8, 21, 34, 55, 89, 144, 233, 300, 377 }
local hidden = upper:rows_at(shown)
hidden = hidden:map(function(x) return x == x and x or 0.5 end)
save("lower_halves", plot.images(matrix.vstack { test:rows_at(shown), hidden, imputed:rows_at(shown) },
  { range = { 0, 1 }, palette = "ink", rows = { "image", "given", "imputed" },
  title = "The lower half, given the upper" }))
