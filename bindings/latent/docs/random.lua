-- latent.random and the generators it makes; matrix.random and matrix.normal.

local size = {
  { "n", "integer?", "how many, or how many rows; without it the result is one number" },
  { "m", "integer?", "columns; without it the result is a vector" },
  { "options", "table?", "see options" },
}
local dtype = { "dtype", "string", '"float64"', '"float64" or "float32"; of out, where out is given' }
local out = { "out", "latent.Matrix", "nil", "a matrix to fill (any view) instead of a fresh one" }
local scale = { "scale", "number", "1", "what the standard numbers are multiplied by" }
local seed = { "seed", "integer|latent.Random", "nil", "the generator, or a seed for one" }
local low = { "low", "number", "0", "the least number" }
local high = { "high", "number", "1", "above all numbers (except where rounding low + (high - low) u gives it)" }
local mean = { "mean", "number", "0", "the mean" }
local deviation = { "deviation", "number", "1", "the standard deviation, >= 0" }
local drawn = { { "number|latent.Matrix", "the number, vector or matrix" } }

-- The arguments before the sizes, and these.
local function with(...)
  local list = { ... }
  return table.move(size, 1, #size, #list + 1, list)
end

local sized = {
  { "rows", "integer", "number of rows" },
  { "cols", "integer?", "number of columns; without it the result is a vector" },
  { "rng", "latent.Random|integer?", "the generator, or a seed for one; without it the module's own" },
  { "options", "table?", "see options" },
}

return {
  {
    name = "random",
    summary = "A generator of random numbers.",
    args = { { "seed", "integer?", "any integer; without it the operating system gives one, which rng.seed tells" } },
    returns = { { "latent.Random", "the generator, at position 0 of stream 0" } },
    text = [[
The same seed gives the same numbers on every machine and for every number of threads. Functions that draw
without being given a generator or a seed use one that the module keeps, with seed 0 at the start: a script
gives the same numbers at each run.]],
    example = "local rng = latent.random(42)\nlocal X = rng:normal(100, 2)",
  },
  {
    name = "Random",
    summary = "A generator of random numbers: three integers, seed, stream and position.",
    text = [[
Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011) is a function of these three and has no other state:
the 64-bit word at a position is a fixed number. So streams never overlap, a jump costs nothing, the state can
be saved, and filling a matrix gives the numbers that as many single draws would give, row by row.

A uniform, normal or exponential number, an index of categorical: one word each. Integers and permutations
take a word a number, rarely one more; a gamma number takes two, at times two or four more, and a beta number is
made of two; a Poisson number takes one for a mean below 10 and two, at times more, above. Normals come from Box and
Muller's transform (of a half of Philox's words that nothing else uses), gamma numbers from Marsaglia and Tsang's
method (2000), Poisson numbers from inversion and Hoermann's transformed rejection (1993), bounded integers from
Lemire's (2019, no bias), categories from Walker's alias table.

Two generators are equal (==) when seed, stream and position are.]],
    example = "local rng = latent.random(7)\nprint(rng, rng:uniform(), rng:integer(1, 6))",
  },
  {
    name = "Random:__eq",
    summary = "True when both will give the same numbers.",
    args = { { "other", "latent.Random", "another generator" } },
    returns = { { "boolean", "whether seed, stream and position agree" } },
    example = "assert(latent.random(1) == latent.random(1))",
  },
  { name = "Random.seed", summary = "The seed, an integer." },
  { name = "Random.position", summary = "How many words of its stream the generator has used, an integer." },
  {
    name = "Random:uniform",
    summary = "Uniform numbers, low <= x < high.",
    args = size,
    options = { low, high, dtype, out },
    returns = drawn,
    text = "Multiples of 2^-53 in [0, 1) (float32: of 2^-24), scaled.",
    example = "local rng = latent.random(1)\nlocal u = rng:uniform(5, { low = -1, high = 1 })",
  },
  {
    name = "Random:normal",
    summary = "Normal (Gaussian) numbers.",
    args = size,
    options = { mean, deviation, dtype, out },
    returns = drawn,
    example = "local rng = latent.random(1)\nlocal X = rng:normal(100, 3, { mean = 5, deviation = 2 })",
  },
  {
    name = "Random:exponential",
    summary = "Exponential numbers, density exp(-x/scale)/scale.",
    args = size,
    options = { scale, dtype, out },
    returns = drawn,
    example = "local waiting = latent.random(1):exponential(10, { scale = 3 })",
  },
  {
    name = "Random:gamma",
    summary = "Gamma numbers, density proportional to x^(shape - 1) exp(-x/scale).",
    args = with { "shape", "number", "positive" },
    options = { scale, dtype, out },
    returns = drawn,
    text = "A chi-squared number with k degrees of freedom is gamma(k/2, { scale = 2 }). For a shape near 0 many " ..
      "numbers are too small for their type, and 0.",
    example = "local g = latent.random(1):gamma(2.5, 1000)",
  },
  {
    name = "Random:beta",
    summary = "Beta numbers, density proportional to x^(a - 1) (1 - x)^(b - 1) on 0 to 1.",
    args = with({ "a", "number", "positive" }, { "b", "number", "positive" }),
    options = { dtype, out },
    returns = drawn,
    text = "The mean is a/(a + b). For small a and b numbers are near 0 and 1, and the nearest are rounded to these.",
    example = "local share = latent.random(1):beta(2, 5, 1000)",
  },
  {
    name = "Random:poisson",
    summary = "Poisson numbers: counts k with probability mean^k exp(-mean)/k!.",
    args = with { "mean", "number", "0 to 2^52, up to which counts are exact (in float32: counts up to 2^24)" },
    options = { dtype, out },
    returns = { { "integer|latent.Matrix", "the count, vector or matrix" } },
    example = "local counts = latent.random(1):poisson(3.5, 1000)",
  },
  {
    name = "Random:integer",
    summary = "Integers from low to high, both included, all equally likely.",
    args = {
      { "low", "integer", "the least" },
      { "high", "integer", "the greatest" },
      { "n", "integer?", "how many, or how many rows; without it the result is one integer" },
      { "m", "integer?", "columns; without it the result is a vector" },
      { "options", "table?", "see options" },
    },
    options = { dtype, out },
    returns = { { "integer|latent.Matrix", "the integer, vector or matrix" } },
    text = "A single integer may have any range; in a matrix they lie within 2^53, up to which numbers are exact " ..
      "(float32: 2^24).",
    example = "local rng = latent.random(1)\nlocal die, dice = rng:integer(1, 6), rng:integer(1, 6, 100)",
  },
  {
    name = "Random:categorical",
    summary = "Indices 1..K with probabilities proportional to K weights.",
    args = {
      { "weights", "latent.Matrix|table", "a vector: finite, >= 0, not all 0" },
      { "n", "integer?", "how many; without it the result is one integer" },
    },
    returns = { { "integer|latent.Matrix", "the index, or a vector of them" } },
    text = "The table is built in K steps at each call, a draw then costs the same for every K: draw many at once.",
    example = "local labels = latent.random(1):categorical({ 0.2, 0.5, 0.3 }, 1000)",
  },
  {
    name = "Random:permutation",
    summary = "The numbers 1..n in random order.",
    args = { { "n", "integer", "how many" } },
    returns = { { "latent.Matrix", "a vector" } },
    example = "local order = latent.random(1):permutation(10)",
  },
  {
    name = "Random:split",
    summary = "Independent generators, whose seed and stream are drawn from this one.",
    args = { { "k", "integer?", "how many, at most 1048576" } },
    returns = { { "latent.Random|table", "a generator; with k, a list of k" } },
    text = "Each child takes two words. That two generators coincide has a probability of 2^-128.",
    example = "local rng = latent.random(1)\nlocal child = rng:split()\nlocal workers = rng:split(4)",
  },
  {
    name = "Random:stream",
    summary = "A generator with the same seed, at the start of another stream.",
    args = { { "i", "integer", "the stream's number; latent.random makes stream 0" } },
    returns = { { "latent.Random", "the generator" } },
    text = "Streams are for what must be repeatable one by one: stream i is the same whatever else was drawn.",
    example = "local third = latent.random(1):stream(3)",
  },
  {
    name = "Random:jump",
    summary = "Passes over n words.",
    args = { { "n", "integer", "how many; a negative number goes back" } },
    returns = { { "latent.Random", "the generator itself" } },
    example = "local rng = latent.random(1)\nlocal a = rng:uniform()\nassert(rng:jump(-1):uniform() == a)",
  },
  {
    name = "Random:state",
    summary = "The whole state as a table, or sets it.",
    args = { { "state", "table?", "fields seed, stream and position; the last two are 0 when absent" } },
    returns = { { "table|latent.Random", "seed, stream and position, integers; the generator when it was set" } },
    example = "local rng = latent.random(1)\nlocal saved = rng:state()\nlocal a = rng:normal()\n" ..
      "assert(rng:state(saved):normal() == a)",
  },
  {
    name = "Random:copy",
    summary = "A second generator in the same state.",
    args = {},
    returns = { { "latent.Random", "the copy" } },
    example = "local rng = latent.random(1)\nassert(rng:copy():uniform() == rng:uniform())",
  },
  {
    name = "matrix.random",
    summary = "A matrix or vector of uniform numbers, low <= x < high.",
    args = sized,
    options = { low, high, seed, dtype, out },
    returns = { { "latent.Matrix", "the matrix" } },
    example = "local X = matrix.random(3, 4, 42)",
  },
  {
    name = "matrix.normal",
    summary = "A matrix or vector of normal numbers.",
    args = sized,
    options = { mean, deviation, seed, dtype, out },
    returns = { { "latent.Matrix", "the matrix" } },
    example = "local X = matrix.normal(100, 2, { mean = 1, seed = 42 })",
  },
}
