-- latent.scaler as a program (export/program.lua), and in front of another model's. Not exported.

local program = require "latent.export.program"

-- A function of one name for a family, and another for what stands before one.
local function add_arrays(p, scaler)
  program.array(p, "scaler_mean", scaler.mean)
  program.array(p, "scaler_deviation", scaler.deviation)
end

local STANDARDIZE = [[
  for i < D
    z[i] = (row[i] - scaler_mean[i]) / scaler_deviation[i]
  end
]]
local RESTORE = [[
  for i < D
    x[i] = scaler_mean[i] + scaler_deviation[i] * z[i]
  end
]]

local function family(model)
  local D = #model.mean
  local p = program.new { D = D }
  add_arrays(p, model)
  program.add(p, { name = "transform", args = "row[D], out z[D]", public = true, body = STANDARDIZE,
    about = "z := (row - mean)/deviation." })
  program.add(p, { name = "inverse_transform", args = "z[D], out x[D]", public = true, body = RESTORE,
    about = "x := mean + deviation z." })
  return p, { what = ("a scaler of D = %d columns"):format(D) }
end

-- The same methods of rows that are standardized first; results in data space, which are called x, are put back.
local function before(p, scaler)
  local D = p.sizes.D
  local all = program.new(p.sizes, p.flags)
  all.scaled = true
  program.include(all, p, "_of")
  add_arrays(all, scaler)
  program.add(all, { name = "standardize", args = "row[D], out z[D]", body = STANDARDIZE })
  program.add(all, { name = "restore", args = "z[D], out x[D]", body = RESTORE })
  for _, f in ipairs(p.functions) do
    if f.public then
      local names, lines, back = {}, {}, nil
      for i, arg in ipairs(f.args) do
        names[i] = arg.name
        if arg.name == "row" then
          lines[#lines + 1] = ("real scaled[%d]"):format(D)
          lines[#lines + 1] = "standardize(row, scaled)"
          names[i] = "scaled"
        elseif arg.name == "x" and arg.out then
          back = true
        end
      end
      local call = ("%s_of(%s)"):format(f.name, table.concat(names, ", "))
      local kept = f.returns and back
      if f.returns == "real" then lines[#lines + 1] = (kept and "real value = " or "return ") .. call
      elseif f.returns == "int" then lines[#lines + 1] = "int value = " .. call
      else lines[#lines + 1] = call end
      if back then lines[#lines + 1] = "restore(x, x)" end
      if kept or f.returns == "int" then lines[#lines + 1] = "return value" end
      all.functions[#all.functions + 1] = { name = f.name, args = f.args, returns = f.returns, public = true,
        about = f.about, makes = f.makes, lines = lines }
    end
  end
  return all
end

return setmetatable({ before = before }, { __call = function(_, ...) return family(...) end })
