-- A document (document.lua) in Markdown, as GitHub shows it.
--
--   markdown(page, pages)   the text; pages: the page of each name

local links = require "links"
local typeset = require "typeset"

local function escape(text)
  return (text:gsub("[\\`*_%[%]<>|&]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\\"] = "\\\\",
    ["`"] = "\\`", ["*"] = "\\*", ["_"] = "\\_", ["["] = "\\[", ["]"] = "\\]", ["|"] = "\\|" }))
end

-- Code within a line; in a table a bar is escaped there, too.
local function inline(text, in_table)
  text = text:gsub("%s+", " ")
  return "`" .. (in_table and text:gsub("|", "\\|") or text) .. "`"
end

local function writer(page, pages)
  local target = links(page, pages, ".md")
  local function prose(text, class)
    return typeset(text:gsub("%s+", " "), escape, function(name)
      local found = target(name, class)
      return found and ("[`%s`](%s)"):format(name, found)
    end)
  end
  local function cell(content, class)
    if type(content) == "string" then return prose(content, class) end
    local found = target(content.code)
    local shown = inline(content.code, true)
    return found and ("[%s](%s)"):format(shown, found) or shown
  end
  return prose, cell
end

local function put_table(out, node, cell)
  out[#out + 1] = "| " .. table.concat(node.columns, " | ") .. " |"
  out[#out + 1] = "|" .. ("---|"):rep(#node.columns)
  for i, row in ipairs(node.rows) do
    local cells = {}
    for k, content in ipairs(row) do cells[k] = cell(content, node.class) end
    if node.ids then cells[1] = ('<a id="%s"></a>'):format(node.ids[i]) .. cells[1] end
    out[#out + 1] = "| " .. table.concat(cells, " | ") .. " |"
  end
end

return function(page, pages)
  local out, prose, cell = {}, writer(page, pages)
  for _, node in ipairs(page.nodes) do
    if node.heading then
      local text = node.heading.code and inline(node.heading.code) or prose(node.heading)
      if node.page then text = ("[%s](%s.md)"):format(text, node.page) end
      if node.id then
        out[#out + 1] = ('<a id="%s"></a>'):format(node.id)
        out[#out + 1] = ""
      end
      out[#out + 1] = ("#"):rep(node.level) .. " " .. text
    elseif node.prose then
      out[#out + 1] = prose(node.prose, node.class)
    elseif node.lines then
      out[#out + 1] = "```\n" .. table.concat(node.lines, "\n") .. "\n```"
    elseif node.columns then
      put_table(out, node, cell)
    else
      out[#out + 1] = "```lua\n" .. node.code .. "\n```"
    end
    out[#out + 1] = ""
  end
  out[#out] = nil
  return table.concat(out, "\n") .. "\n"
end
