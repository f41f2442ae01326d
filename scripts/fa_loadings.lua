-- Factor analysis of 24 psychological tests: loadings before and after rotation, as heat maps.
--
--   lua5.4 scripts/fa_loadings.lua [--help]
--
-- Correlations of the tests that 145 children took in a school of Chicago (Holzinger, Swineford 1939; Harman, Modern
-- Factor Analysis, 1976, table 7.4). Four factors explain them. As the likelihood gives them, all tests load on the
-- first; rotated to simple structure, which is as likely, each factor belongs to one kind of test.

local _, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local names = { "visual perception", "cubes", "paper form board", "flags", "general information",
  "paragraph comprehension", "sentence completion", "word classification", "word meaning", "addition", "code",
  "counting dots", "straight-curved capitals", "word recognition", "number recognition", "figure recognition",
  "object-number", "number-figure", "figure-word", "deduction", "numerical puzzles", "problem reasoning",
  "series completion", "arithmetic problems" }

-- a thousand times the correlations of each test with those before it
local below = [[
318
403 317
468 230 305
321 285 247 227
335 234 268 327 622
304 157 223 335 656 722
332 157 382 391 578 527 619
326 195 184 325 723 714 685 532
116 57 -75 99 311 203 246 285 170
308 150 91 110 344 353 232 300 280 484
314 145 140 160 215 95 181 271 113 585 428
489 239 321 327 344 309 345 395 280 408 535 512
125 103 177 66 280 292 236 252 260 172 350 131 195
238 131 65 127 229 251 172 175 248 154 240 173 139 370
414 272 263 322 187 291 180 296 242 124 314 119 281 412 325
176 5 177 187 208 273 228 255 274 289 362 278 194 341 345 324
368 255 211 251 263 167 159 250 208 317 350 349 323 201 334 344 448
270 112 312 137 190 251 226 274 274 190 290 110 263 206 192 258 324 358
365 292 297 339 398 435 451 427 446 173 202 246 241 302 272 388 262 301 167
369 306 165 349 318 263 314 362 266 405 399 355 425 183 232 348 173 357 331 413
413 232 250 380 441 386 396 357 483 160 304 193 279 243 246 283 273 317 342 463 374
474 348 383 335 435 431 405 501 504 262 251 350 382 242 256 360 287 272 303 509 451 503
282 211 203 248 420 433 437 388 424 531 412 414 358 304 165 262 326 405 374 366 448 375 434
]]

local R, i = matrix.eye(#names), 1
for line in below:gmatch "[^\n]+" do
  local j = 0
  i = i + 1
  for number in line:gmatch "%S+" do
    j = j + 1
    R[i][j], R[j][i] = number / 1000, number / 1000
  end
end

-- ---- how many factors ---------------------------------------------------------------------

print "factors  chi-square  degrees  p-value   Heywood cases"
for M = 1, 6 do
  local fa = latent.fa { latent_dim = M }:fit_covariance(R, 145)
  local test = fa:test()
  printf("%4d %13.2f %8d %10.2g   %s", M, test.statistic, test.degrees_of_freedom, test.p_value,
    #fa.heywood > 0 and table.concat(fa.heywood, " ") or "none")
end

-- ---- the picture --------------------------------------------------------------------------------

local titles = { none = "as the likelihood gives them", varimax = "varimax", promax = "promax" }
local figures = {}
for at, rotation in ipairs { "none", "varimax", "promax" } do
  local fa = latent.fa { latent_dim = 4, rotation = rotation }:fit_covariance(R, 145)
  printf("\n%s: loadings above 0.4", titles[rotation])
  for m = 1, 4 do
    local tests = {}
    for j, name in ipairs(names) do
      if math.abs(fa.W(j, m)) > 0.4 then tests[#tests + 1] = name end
    end
    printf("  %d: %s", m, #tests > 9 and #tests .. " of the 24 tests" or table.concat(tests, ", "))
  end
  if rotation == "promax" then
    print "correlations of the factors:"
    print(fa.factor_correlations)
  end
  -- the tests are named once, on the left
  figures[at] = plot.figure { title = titles[rotation], xlabel = "factor", width = at == 1 and 430 or 270, height = 620,
    yticks = at == 1 and names or false }
  figures[at]:heatmap(fa.W, { palette = "diverging", range = { -1.15, 1.15 } })
end
local figure = plot.figure { title = "Loadings of 24 tests on four factors" }:panels(figures, { columns = 3 })

save("loadings", figure)
