-- A tracker of 4 states and 2 outputs, one observation at a time: 100,000 updates, so that 100 ms are a microsecond
-- each. From Lua and from C; the peer is the same filter in NumPy, as a host in Python would write it.

local N = 100000

local function model(latent, A, C, Q, R)
  local n = A.rows
  return latent.lds { A = A, C = C, Q = Q, R = R, initial_mean = latent.matrix.zeros(n),
    initial_covariance = latent.matrix.eye(n) }
end

local function from_lua(options)
  return function(latent, Y, A, C, Q, R)
    local rows, tracker = {}, model(latent, A, C, Q, R):tracker(options)
    for i = 1, 1000 do rows[i] = { Y(i, 1), Y(i, 2) } end
    return function()
      tracker:reset()
      for i = 1, N do tracker:update(rows[(i - 1) % 1000 + 1]) end
    end, function() return { tracker.log_likelihood, tracker.state[1] } end
  end
end

-- The C host is compiled before, whose start (about 2 ms) is counted.
local function from_c(_, Y, A, C, Q, R)
  local build = os.getenv "LATENT_BUILD" or "build"
  local base = os.tmpname()
  local source = "scripts/bench/lds_tracker.c"
  local libraries = build .. "/liblatent.a " .. (os.getenv "LATENT_LIBS" or "-llapacke -lopenblas -lm")
  assert(os.execute(("gcc -std=c11 -D_GNU_SOURCE -O2 -pthread -Icore -o %s.bin %s %s")
    :format(base, source, libraries)))
  local file = assert(io.open(base, "w"))
  for _, X in ipairs { A, C, Q, R, Y:block(1, 1000) } do
    for i = 1, X.rows do
      for j = 1, X.cols do file:write(("%.17g\n"):format(X(i, j))) end
    end
  end
  file:close()
  local result
  return function()
    local pipe = assert(io.popen(("%s.bin %d <%s"):format(base, N, base)))
    result = { pipe:read("n", "n") }
    pipe:close()
  end, function() return result end
end

local numpy = [[
import numpy as np

def setup(Y, A, C, Q, R):
    rows = [Y[i] for i in range(1000)]
    kept = []
    const = len(C) * np.log(2 * np.pi)

    def work():
        m, P, total = np.zeros(len(A)), np.eye(len(A)), 0.0
        for i in range(%d):
            if i > 0:
                m, P = A @ m, A @ P @ A.T + Q
            e, CP = rows[i %% 1000] - C @ m, C @ P
            S = CP @ C.T + R
            K = np.linalg.solve(S, CP).T
            m = m + K @ e
            P = P - K @ CP
            total -= 0.5 * (const + np.log(np.linalg.det(S)) + e @ np.linalg.solve(S, e))
        kept[:] = (total, m[0])

    return work, lambda: kept
]]

local data = { "lds_4_Y", "lds_4_A", "lds_4_C", "lds_4_Q", "lds_4_R" }

return {
  { name = "lds_tracker_lua", data = data, rounds = 3, agree = 1e-9,
    sides = { { name = "latent", lua = from_lua() }, { name = "NumPy", python = numpy:format(N) } } },
  { name = "lds_tracker_steady", data = data, rounds = 3, agree = 1e-4,
    sides = { { name = "latent", lua = from_lua { steady_state = true } },
      { name = "NumPy", python = numpy:format(N) } } },
  { name = "lds_tracker_c", data = data, rounds = 3, agree = 1e-9,
    sides = { { name = "latent from C", lua = from_c }, { name = "NumPy", python = numpy:format(N) } } },
}
