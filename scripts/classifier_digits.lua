-- Handwritten digits classified by densities: a probabilistic PCA for each digit, and Bayes' theorem.
--
--   lua5.4 scripts/classifier_digits.lua [--help]
--
-- Ten-fold cross-validation of 1797 images of 8 x 8 pixels: accuracy and held-out log-likelihood for PPCA of several
-- dimensions, from the isotropic Gaussian (M = 0) on, and for mixtures of Gaussians. Then, of the best, the confusion
-- matrix, and how sure the classifier was where it was wrong. Ends in a picture of both.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local X, labels = latent.datasets.digits()

-- All that ten folds say of a kind of model.
local function validate(make)
  local result = { confusion = matrix.zeros(10, 10), log_likelihood = 0, wrong = {} }
  for train, test in latent.folds(#X, 10, { seed = options.seed, labels = labels }) do
    local c = latent.classifier(make):fit(X:rows_at(train), labels:rows_at(train))
    local Y, y = X:rows_at(test), labels:rows_at(test)
    local posteriors, predicted = c:posteriors(Y), c:predict(Y)
    result.confusion = result.confusion + c:confusion(Y, y)
    result.log_likelihood = result.log_likelihood + c:log_likelihood(Y):sum() / #X
    result.parameters = c:free_parameters()
    for i = 1, #Y do
      if predicted[i] ~= y[i] then
        table.insert(result.wrong, { image = Y[i], truth = y[i] // 1 | 0, said = predicted[i] // 1 | 0,
          posterior = posteriors[i]:max() })
      end
    end
  end
  result.accuracy = result.confusion:trace() / #X
  return result
end

-- ---- numbers ------------------------------------------------------------------------------------

local kinds = {}
for _, M in ipairs { 0, 1, 2, 4, 8, 12, 16, 24 } do
  kinds[#kinds + 1] = { "PPCA, M = " .. M, function() return latent.ppca { latent_dim = M } end }
end
for _, K in ipairs { 2, 4, 8 } do
  kinds[#kinds + 1] = { ("%d spherical Gaussians"):format(K), function()
    return latent.gmm { components = K, covariance = "spherical", seed = options.seed, restarts = 2 }
  end }
end
kinds[#kinds + 1] = { "a diagonal Gaussian", function()
  return latent.gmm { components = 1, covariance = "diag", regularization = 0.1 }
end }

printf("%d digits, 10-fold cross-validation\n", #X)
print "each digit's density        parameters   accuracy   held-out nats an image"
local best
for _, kind in ipairs(kinds) do
  local result = validate(kind[2])
  result.name = kind[1]
  printf("%-26s %11d   %7.2f%%   %10.3f", kind[1], result.parameters, 100 * result.accuracy, result.log_likelihood)
  if not best or result.accuracy > best.accuracy then best = result end
end

printf("\n%s: %d of %d are wrong. Rows are the true digits, columns what was said:\n", best.name, #best.wrong, #X)
print("     " .. ("%5d"):rep(10):format(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
for k = 1, 10 do
  local line = ("%5d"):format(k - 1)
  for j = 1, 10 do
    local count = best.confusion(k, j) // 1 | 0
    line = line .. (count > 0 and ("%5d"):format(count) or "    .")
  end
  print(line)
end
local unsure = 0
for _, w in ipairs(best.wrong) do if w.posterior < 0.99 then unsure = unsure + 1 end end
printf("\nIn %d of the %d mistakes the posterior probability of what was said is below 0.99.", unsure, #best.wrong)

-- ---- pictures -----------------------------------------------------------------------------------

local digits = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" }
local figure = plot.figure { width = 560, height = 560, xlabel = "predicted", ylabel = "true",
  title = ("%s for each digit: %.2f %% right"):format(best.name, 100 * best.accuracy) }
figure:heatmap(best.confusion, { palette = "ink", rows = digits, columns = digits })
print "\npictures:"
save("confusion", figure)

table.sort(best.wrong, function(a, b) return a.posterior > b.posterior end)
local images, titles = {}, {}
for i, w in ipairs(best.wrong) do
  if i > 20 then break end
  images[i], titles[i] = w.image, ("%d: said %d"):format(w.truth, w.said)
end
save("mistakes", plot.images(matrix.vstack(images), { columns = 10, titles = titles, palette = "ink",
  range = { 0, 16 }, zoom = 8, title = "The surest mistakes" }))
