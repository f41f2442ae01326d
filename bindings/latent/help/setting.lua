-- How pages are set: paragraphs and tables of at most WIDTH columns, as lists of lines. Not exported.

local setting = {}

local WIDTH <const> = 80
setting.WIDTH = WIDTH

function setting.length(s) return utf8.len(s) or #s end

-- Fills lines of at most `width` with the words of a paragraph.
function setting.fill(paragraph, width)
  local lines, line = {}, ""
  for word in paragraph:gmatch("%S+") do
    if line ~= "" and setting.length(line) + 1 + setting.length(word) > width then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

-- A text as a list of paragraphs, strings of one line, and of blocks of lines that begin with spaces and stand as they
-- are, tables of lines; empty lines in a block are its own.
function setting.blocks(text)
  local blocks, paragraph, lines, empty = {}, {}, {}, 0
  local function finish()
    if #paragraph > 0 then blocks[#blocks + 1] = table.concat(paragraph, " ") end
    if #lines > 0 then blocks[#blocks + 1] = lines end
    paragraph, lines, empty = {}, {}, 0
  end
  for line in (text:gsub("%s+$", "") .. "\n"):gmatch "(.-)\n" do
    if not line:find "%S" then
      if #lines > 0 then empty = empty + 1 else finish() end
    elseif line:find "^%s" then
      if #paragraph > 0 then finish() end
      for _ = 1, empty do lines[#lines + 1] = "" end
      lines[#lines + 1], empty = line, 0
    else
      if #lines > 0 then finish() end
      paragraph[#paragraph + 1] = line
    end
  end
  finish()
  return blocks
end

-- Paragraphs are filled; a line that begins with spaces stands as it is.
function setting.flow(text, indent, out)
  for i, block in ipairs(setting.blocks(text)) do
    if i > 1 then out[#out + 1] = "" end
    local lines = type(block) == "table" and block or setting.fill(block, WIDTH - #indent)
    for _, line in ipairs(lines) do out[#out + 1] = line == "" and "" or indent .. line end
  end
end

-- Rows of cells under each other; the last cell is filled into what is left of the line.
function setting.columns(rows_of_cells, indent, out)
  local count, widths, left = #rows_of_cells[1], {}, #indent
  for c = 1, count - 1 do
    widths[c] = 0
    for _, row in ipairs(rows_of_cells) do
      if setting.length(row[c]) <= 30 then widths[c] = math.max(widths[c], setting.length(row[c])) end
    end
    left = left + widths[c] + 2
  end
  for _, row in ipairs(rows_of_cells) do
    local head = indent
    for c = 1, count - 1 do head = head .. row[c] .. (" "):rep(widths[c] - setting.length(row[c])) .. "  " end
    local lines = setting.fill(row[count], WIDTH - left)
    if setting.length(head) > left then -- a cell too wide for its column: the text goes below
      out[#out + 1] = (head:gsub("%s+$", ""))
      head = (" "):rep(left)
    end
    for i, line in ipairs(lines) do
      out[#out + 1] = ((i == 1 and head or (" "):rep(left)) .. line):gsub("%s+$", "")
    end
  end
end

-- A head line, and the rows of cells below it; nothing where there are none.
function setting.section(title, rows_of_cells, out)
  if #rows_of_cells == 0 then return end
  out[#out + 1] = ""
  out[#out + 1] = title
  setting.columns(rows_of_cells, "  ", out)
end

-- Names and summaries of entries under a title.
function setting.list(title, found)
  local out, lines = { title }, {}
  for i, entry in ipairs(found) do lines[i] = { entry.name, entry.summary } end
  if #lines > 0 then setting.columns(lines, "  ", out) end
  return table.concat(out, "\n")
end

return setting
