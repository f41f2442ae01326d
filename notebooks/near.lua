-- For the notebooks: near(what, a, b, tolerance) stops unless two numbers, or two matrices, agree to the tolerance in
-- every entry.
return function(what, a, b, tolerance)
  local d = a - b
  d = type(d) == "number" and math.abs(d) or d:abs():max()
  if d > tolerance or d ~= d then error(("%s: they differ by %g"):format(what, d), 2) end
  print(("%s: equal to %.0e"):format(what, tolerance))
end
