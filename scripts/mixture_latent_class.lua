-- Latent class analysis: mixtures of categorical columns.
--
--   lua5.4 scripts/mixture_latent_class.lua [--help]
--
-- Two tables. Seven pathologists say of 118 slides whether they show carcinoma (Landis, Koch 1977;
-- Agresti, Categorical Data Analysis, 2002, table 13.1): two kinds of slides don't explain how they
-- agree, a third kind, on which they differ, does. And the 2201 people on the Titanic by class, sex,
-- age and survival (Dawson, Journal of Statistics Education 3, 1995): the latent classes, and what
-- the others of the four columns say of survival. Rows that are the same are computed once, so that a
-- table of people costs no more than one of patterns.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

-- "0110*4 ...": a pattern, and how often it is seen.
local function read(list)
  local rows, counts = {}, {}
  for pattern, count in list:gmatch "(%d+)%*(%d+)" do
    local row = {}
    for digit in pattern:gmatch "%d" do row[#row + 1] = tonumber(digit) end
    rows[#rows + 1], counts[#counts + 1] = row, tonumber(count)
  end
  return matrix(rows), counts
end

-- The table as one row a person.
local function repeated(X, counts)
  local places = {}
  for i, count in ipairs(counts) do for _ = 1, count do places[#places + 1] = i end end
  return X:rows_at(places)
end

-- Models of 1 to `most` classes and their numbers; the one of the least BIC.
local function compare(X, most)
  print "   K   parameters   log-likelihood        BIC   iterations (accelerated)"
  local models, best = {}, 1
  for K = 1, most do
    local kind = { components = K, family = "categorical", restarts = 20, tolerance = 1e-10, max_iterations = 10000,
      seed = options.seed }
    local model = latent.mixture(kind):fit(X)
    kind.accelerate = true
    local fast = latent.mixture(kind):fit(X)
    models[K] = model
    if model:bic(X) < models[best]:bic(X) then best = K end
    printf("%4d   %10d   %14.4f   %8.2f   %10d %11d", K, model:free_parameters(), model:log_likelihood(X):sum(),
      model:bic(X), model.iterations, fast.iterations)
  end
  return models, best
end

-- ---- the pathologists -------------------------------------------------------------------------

local slides = repeated(read [[0000000*34 0000100*2 0100000*6 0100001*1 0100100*4 0100101*5 1000000*2 1010101*1
  1100000*2 1100001*1 1100100*2 1100101*7 1100111*1 1101001*1 1101101*2 1101111*3 1110101*13 1110111*5 1111101*10
  1111111*16]])
print "Carcinoma: 118 slides, seven pathologists (published: -317.2568, -293.7050, -289.2858 for 2, 3, 4 classes)\n"
local models, best = compare(slides, 4)
local carcinoma = models[best]
printf("\n%d classes by BIC. The probability that a pathologist says yes:\n", best)
print "   class   share      A      B      C      D      E      F      G"
local yes = matrix(best, 7, function(k, d) return carcinoma:column(d)(k, 2) end)
for k = 1, best do
  local cells = {}
  for d = 1, 7 do cells[d] = ("%7.3f"):format(yes(k, d)) end
  printf("%8d %7.3f %s", k, carcinoma.weights[k], table.concat(cells))
end

-- ---- the Titanic ----------------------------------------------------------------------------------

-- class (1st, 2nd, 3rd, crew), sex (male, female), age (child, adult), survived (no, yes); from 0
local people = repeated(read [[0001*5 0010*118 0011*57 0101*1 0110*4 0111*140 1001*11 1010*154 1011*14 1101*13 1110*13
  1111*80 2000*35 2001*13 2010*387 2011*75 2100*17 2101*14 2110*89 2111*76 3010*670 3011*192 3110*3 3111*20]])
printf("\nTitanic: %d people\n", people.rows)
models, best = compare(people, 4)
local titanic = models[best]
printf("\n%d classes by BIC, each with its probabilities:\n", best)
print "   class   share      1st    2nd    3rd   crew   female   adult   survived"
for k = 1, best do
  local class = titanic:column(1)
  printf("%8d %7.3f  %7.3f%7.3f%7.3f%7.3f %8.3f %7.3f %10.3f", k, titanic.weights[k], class(k, 1), class(k, 2),
    class(k, 3), class(k, 4), titanic:column(2)(k, 2), titanic:column(3)(k, 2), titanic:column(4)(k, 2))
end

print "\nThe probability to survive, by the model and in the table:"
local function share(class, sex)
  local n, survived = 0, 0
  for i = 1, people.rows do
    local row = people[i]
    if row[1] == class and row[2] == sex then n, survived = n + 1, survived + row[4] end
  end
  return survived / n
end
local nan = 0 / 0
local sexes, classes = { "men", "women" }, { "first class", "second class", "third class", "crew" }
for sex = 0, 1 do
  for class = 0, 3 do
    local word, name = sexes[sex + 1], classes[class + 1]
    local q = titanic:responsibilities({ class, sex, nan, nan }, { missing = true })
    printf("   %-6s of the %-12s   %.3f   %.3f", word, name, q:dot(titanic:column(4):col(2)), share(class, sex))
  end
end

-- ---- a picture -------------------------------------------------------------------------------------

local figure = plot.figure { title = "How often seven pathologists see carcinoma, by latent class",
  xlabel = "pathologist", ylabel = "probability of a yes", width = 640, height = 420,
  xticks = { "A", "B", "C", "D", "E", "F", "G" }, xrange = { 0.7, 7.3 }, yrange = { -0.02, 1.02 } }
for k = 1, yes.rows do
  figure:line(matrix.range(1, 7), yes[k],
    { color = k, label = ("class %d (%.0f%%)"):format(k, 100 * carcinoma.weights[k]) })
  figure:points(matrix.range(1, 7), yes[k], { color = k, size = 0.8 })
end
print "\npictures:"
save("pathologists", figure)
