-- Numbers and tables as text, for what models say of themselves. Not exported.
local layout = {}

local WIDTH, MOST_ROWS, EDGE = 80, 24, 8 -- of a longer table the first and last EDGE rows are shown

function layout.number(x)
  if x ~= x then return "NaN" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  if math.type(x) == "integer" or x == math.floor(x) and math.abs(x) < 1e7 then return ("%d"):format(x) end
  return ("%.4g"):format(x)
end

function layout.shape(X)
  return type(X[1]) == "number" and ("vector of %d"):format(#X) or ("%dx%d matrix"):format(#X, X.cols)
end

local function length(s) return utf8.len(s) or #s end

-- The words of a line, filled into lines of WIDTH behind an indent; the first begins with `head` instead.
function layout.wrap(text, indent, out, head)
  local line = head or indent
  local empty = true
  for word in text:gmatch "%S+" do
    if not empty and length(line) + 1 + length(word) > WIDTH then
      out[#out + 1] = line
      line, empty = indent, true
    end
    line = line .. (empty and "" or " ") .. word
    empty = false
  end
  out[#out + 1] = line
end

-- Rows of cells, right-aligned but for the first column.
function layout.rows(rows, out)
  local widths = {}
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do widths[c] = math.max(widths[c] or 0, length(cell)) end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for c, cell in ipairs(row) do
      local space = (" "):rep(widths[c] - length(cell))
      cells[c] = c == 1 and cell .. space or space .. cell
    end
    out[#out + 1] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
end

-- Columns { title, function(i) }, of n rows that are numbered.
function layout.columns(columns, n, out, label)
  local rows = { { "" } }
  for c, column in ipairs(columns) do rows[1][c + 1] = column[1] end
  for i = 1, n do
    if n <= MOST_ROWS or i <= EDGE or i > n - EDGE then
      local row = { label and label(i) or tostring(i) }
      for c, column in ipairs(columns) do
        local value = column[2](i)
        row[c + 1] = type(value) == "number" and layout.number(value) or tostring(value)
      end
      rows[#rows + 1] = row
    elseif i == EDGE + 1 then
      rows[#rows + 1] = { "..." }
    end
  end
  layout.rows(rows, out)
end

function layout.title(text, out)
  out[#out + 1] = ""
  out[#out + 1] = text
end

-- What pairs goes through of a model, by name: asking the model for a field that it hasn't would raise.
function layout.fields(model)
  local fields = {}
  for name, value in pairs(model) do fields[name] = value end
  return fields
end

-- The names of the data's D columns.
function layout.names(model, D)
  local names, list = layout.fields(model).names or {}, {}
  for j = 1, D do list[j] = names[j] or ("x%d"):format(j) end
  return list
end

-- A matrix with names of its rows and columns; at most so many columns.
function layout.matrix(X, row_name, column_name, out)
  local most, columns = 10, {}
  for j = 1, math.min(X.cols, most) do columns[j] = { column_name(j), function(i) return X(i, j) end } end
  layout.columns(columns, #X, out, row_name)
  if X.cols > most then out[#out + 1] = ("  (%d more columns)"):format(X.cols - most) end
end

return layout
