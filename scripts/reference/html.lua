-- A document (document.lua) as a page of static HTML: the families and the page's own headings on the left; no scripts.
--
--   html(page, pages, families)   the text; pages: the page of each name

local links = require "links"
local typeset = require "typeset"

local STYLE = [[
:root { color-scheme: light dark; --line: #ccc; --soft: #f4f4f2; --link: #0a5c8c; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #222; --link: #7cc4ee; } }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; display: flex; }
nav { width: 17rem; flex: none; height: 100vh; position: sticky; top: 0; overflow-y: auto; padding: 1rem;
  box-sizing: border-box; border-right: 1px solid var(--line); font-size: 0.9rem; }
nav ul { list-style: none; margin: 0; padding: 0 0 0 0.8rem; }
nav > ul { padding: 0; }
nav li { margin: 0.2rem 0; overflow-wrap: anywhere; }
main { padding: 1rem 2rem 4rem; max-width: 56rem; min-width: 0; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { margin-top: 2rem; }
code, pre { font: 0.9em/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.7rem 1rem; overflow-x: auto; }
table { border-collapse: collapse; margin: 0.7rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: normal; font-size: 0.85rem; opacity: 0.75; }
sub, sup { line-height: 0; font-size: 0.75em; }
details > ul { font-size: 0.95em; }
@media (max-width: 50rem) { body { display: block; } nav { width: auto; height: auto; position: static; border: 0; }
  main { padding: 1rem; } }
]]

local function escape(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

local function writer(page, pages)
  local target = links(page, pages, ".html")
  local function link(name, found) return ('<a href="%s"><code>%s</code></a>'):format(found, escape(name)) end
  local function prose(text, class)
    return typeset(text:gsub("%s+", " "), escape, function(name)
      local found = target(name, class)
      return found and link(name, found)
    end)
  end
  local function cell(content, class)
    if type(content) == "string" then return prose(content, class) end
    local found = target(content.code)
    return found and link(content.code, found)
      or "<code>" .. escape(content.code):gsub("|", "|<wbr>") .. "</code>" -- long unions of words
  end
  return prose, cell
end

local function put_table(out, node, cell)
  out[#out + 1] = "<table>"
  if table.concat(node.columns) ~= "" then
    out[#out + 1] = "<tr><th>" .. table.concat(node.columns, "</th><th>") .. "</th></tr>"
  end
  for i, row in ipairs(node.rows) do
    local cells = {}
    for k, content in ipairs(row) do cells[k] = "<td>" .. cell(content, node.class) .. "</td>" end
    local id = node.ids and (' id="%s"'):format(node.ids[i]) or ""
    out[#out + 1] = ("<tr%s>%s</tr>"):format(id, table.concat(cells))
  end
  out[#out + 1] = "</table>"
end

-- A link to a heading of the page; an operator is shown as it is written.
local function anchor(node)
  return ('<a href="#%s">%s</a>'):format(node.id, escape(node.id:find("__", 1, true) and node.heading.code or node.id))
end

-- What the page has, and below functions and classes what they have, to be unfolded.
local function put_headings(out, page)
  local groups = {}
  for _, node in ipairs(page.nodes) do
    if node.level == 2 and node.id then
      groups[#groups + 1] = { node, inside = {} }
    elseif node.level == 3 then
      table.insert(groups[#groups].inside, "<li>" .. anchor(node) .. "</li>")
    end
  end
  out[#out + 1] = "<ul>"
  for _, group in ipairs(groups) do
    local inside = table.concat(group.inside)
    out[#out + 1] = inside == "" and "<li>" .. anchor(group[1]) .. "</li>"
      or ("<li><details><summary>%s</summary><ul>%s</ul></details></li>"):format(anchor(group[1]), inside)
  end
  out[#out + 1] = "</ul>"
end

-- The families, and below the one that is shown what it has.
local function put_navigation(out, page, families)
  out[#out + 1] = '<nav><ul><li><a href="index.html">Index</a>'
  if page.page == "index" then put_headings(out, page) end
  for _, family in ipairs(families) do
    local here = family.page == page.page
    out[#out + 1] = ('</li>\n<li><a href="%s.html"%s>%s</a>'):format(family.page, here and ' aria-current="page"' or "",
      escape(family.title))
    if here then put_headings(out, page) end
  end
  out[#out + 1] = "</li></ul></nav>"
end

return function(page, pages, families)
  local prose, cell = writer(page, pages)
  local out = { "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">', ("<title>%s</title>"):format(escape(page.title)),
    "<style>\n" .. STYLE .. "</style></head><body>" }
  put_navigation(out, page, families)
  out[#out + 1] = "<main>"
  for _, node in ipairs(page.nodes) do
    if node.heading then
      local text = node.heading.code and "<code>" .. escape(node.heading.code) .. "</code>" or prose(node.heading)
      if node.page then text = ('<a href="%s.html">%s</a>'):format(node.page, text) end
      local id = node.id and (' id="%s"'):format(node.id) or ""
      out[#out + 1] = ("<h%d%s>%s</h%d>"):format(node.level, id, text, node.level)
    elseif node.prose then
      out[#out + 1] = "<p>" .. prose(node.prose, node.class) .. "</p>"
    elseif node.columns then
      put_table(out, node, cell)
    else
      out[#out + 1] = "<pre>" .. escape(node.code or table.concat(node.lines, "\n")) .. "</pre>"
    end
  end
  out[#out + 1] = "</main></body></html>"
  return table.concat(out, "\n") .. "\n"
end
