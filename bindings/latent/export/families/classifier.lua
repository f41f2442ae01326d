-- latent.classifier as a program (export/program.lua): the programs of its models, and Bayes' theorem. Not exported.

local latent = require "latent"
local check = require "latent.check"
local program = require "latent.export.program"
local mixtures = require "latent.export.families.mixtures"

-- The names of classes in a sentence.
local function list_of(classes)
  local names = {}
  for i, class in ipairs(classes) do names[i] = tostring(class):gsub("%*/", "* /"):gsub("[%c]", "?") end
  return table.concat(names, ", ")
end

-- Adds the models' programs; a line each for their log-likelihoods.
local function add_models(p, model, options)
  local lines = {}
  for k, one in ipairs(model.models) do
    local kind = check.maker(check.class(one) or "")
    local part, message = require("latent.export").program(one, kind, options)
    if not part then return nil, ("class %s: %s"):format(check.show(model.classes[k]), message) end
    if not program.find(part, "log_likelihood") then
      return nil, ("class %s: a %s has no log_likelihood"):format(check.show(model.classes[k]), kind)
    end
    if p.sizes.D and part.sizes.D ~= p.sizes.D then return nil, "the models are of different widths" end
    p.sizes.D = part.sizes.D
    program.include(p, part, "_" .. k)
    lines[k] = ("joints[%d] = log_priors[%d] + log_likelihood_%d(row)"):format(k - 1, k - 1, k)
  end
  return table.concat(lines, "\n")
end

local function add_predict(p, classes)
  local whole = true
  for _, class in ipairs(classes) do whole = whole and math.type(class) == "integer" and math.abs(class) < 2 ^ 31 end
  local labels = {}
  for k, class in ipairs(classes) do labels[k] = whole and class or k end
  program.array(p, "labels", labels)
  if not whole then p.classes = classes end
  program.add(p, { name = "predict", args = "row[D]", returns = "label", public = true, body = [[
    int k = best(row)
    return labels[k]
  ]], about = whole and "The most probable class." or "The most probable class, by its place in the list." })
end

return function(model, options)
  local K = #model.models
  local p = program.new { K = K }
  local body, message = add_models(p, model, options)
  if not body then return nil, message end
  program.array(p, "log_priors", latent.matrix(model.priors):log())
  program.add(p, { name = "log_joints", args = "row[D], out joints[K]", body = body })
  mixtures.add_methods(p, ", of the mixture of all classes")
  local kept = {} -- methods of a classifier have names of their own
  for _, f in ipairs(p.functions) do if f.name ~= "predict" then kept[#kept + 1] = f end end
  p.functions = kept
  local r = program.find(p, "responsibilities")
  r.about = ("r := p(class | row), %d probabilities in the classes' order."):format(K)
  add_predict(p, model.classes)
  program.add(p, { name = "posteriors", args = "row[D], out r[K]", public = true, about = "The same.",
    body = "responsibilities(row, r)" })
  program.add(p, { name = "log_posteriors", args = "row[D], out r[K]", public = true,
    about = "r := log p(class | row).", body = [[
    real joints[K]
    log_joints(row, joints)
    for k < K
      r[k] = joints[k]
    end
    real total = normalize(joints)
    for k < K
      if total == -INFINITY
        r[k] = -log(K.0)
      else
        r[k] = r[k] - total
      end
    end
  ]] })
  return p, { what = ("a classifier of K = %d classes, D = %d columns"):format(K, p.sizes.D),
    notes = { ("The classes, in order: %s."):format(list_of(model.classes)) } }
end
