-- scripts/reference: pages in Markdown and HTML, and the command's manual page.
local helper = require "helper"
local index = require "latent.help.index"
local typeset

local folder

local function contents(name)
  local file = assert(io.open(folder .. "/" .. name))
  local text = file:read "a"
  file:close()
  return text
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  local lua = helper.interpreter
  assert(os.execute(("mkdir %s && %s scripts/reference/run.lua %s >%s/log 2>&1"):format(folder, lua, folder, folder)))
  typeset = dofile "scripts/reference/typeset.lua"
end)

teardown(function() os.execute("rm -r " .. folder) end)

local function escape(text) return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
  ['"'] = "&quot;" })) end

describe("the reference", function()
  it("has an index and a page for each family, with all that is documented, in both forms", function()
    for _, family in ipairs(index.modules().families) do
      local md, html = contents("docs/" .. family.page .. ".md"), contents("html/" .. family.page .. ".html")
      assert.equal("# " .. family.title, md:match "^[^\n]*")
      assert.truthy(html:find("<h1>" .. family.title .. "</h1>", 1, true))
      for _, name in ipairs { "docs/index.md", "html/index.html" } do
        assert.truthy(contents(name):find(family.title, 1, true))
      end
      for _, module in ipairs(family) do
        for _, entry in ipairs(module) do
          local id = ('id="%s"'):format(index.canonical(entry.name))
          assert.equal(1, select(2, md:gsub(id, "%0")), entry.name)
          assert.equal(1, select(2, html:gsub(id, "%0")), entry.name)
          local operator = entry.name:find("__", 1, true)
          assert.truthy(operator or contents "html/index.html":find(escape(entry.name), 1, true), entry.name)
          if entry.example then
            assert.truthy(md:find("```lua\n" .. entry.example .. "\n```", 1, true), entry.name)
            assert.truthy(html:find("<pre>" .. escape(entry.example) .. "</pre>", 1, true), entry.name)
          end
        end
      end
    end
  end)

  it("links to places that are there only", function()
    local ids, links, wrong = {}, 0, {}
    local pipe = assert(io.popen(("ls %s/html"):format(folder)))
    local names = {}
    for name in pipe:lines() do names[#names + 1] = name end
    pipe:close()
    for _, name in ipairs(names) do
      ids[name] = true
      for id in contents("html/" .. name):gmatch ' id="([^"]*)"' do ids[name .. "#" .. id] = true end
    end
    for _, name in ipairs(names) do
      for target in contents("html/" .. name):gmatch ' href="([^"]*)"' do
        links = links + 1
        if target:find "^#" then target = name .. target end
        if not ids[target] then wrong[#wrong + 1] = name .. ": " .. target end
      end
      for target in contents("docs/" .. name:gsub("html$", "md")):gmatch "%]%(([^)]*)%)" do
        target = target:gsub("%.md", ".html")
        if target:find "^#" then target = name .. target end
        if not ids[target] then wrong[#wrong + 1] = name .. ": " .. target end
      end
    end
    assert.equal("", table.concat(wrong, "\n"))
    assert.is_true(links > 1000)
  end)

  it("closes what it opens, and needs nothing from elsewhere", function()
    for _, family in ipairs(index.modules().families) do
      local open = {}
      local html = contents("html/" .. family.page .. ".html"):gsub("<style>.-</style>", "")
      for slash, tag in html:gmatch "<(/?)(%a%w*)[^>]*>" do
        if slash == "/" then
          assert.equal(table.remove(open), tag, family.page)
        elseif tag ~= "meta" and tag ~= "wbr" then
          open[#open + 1] = tag
        end
      end
      assert.equal("", table.concat(open, " "))
      assert.is_nil(html:find "<script" or html:find "src=" or html:find "https?:")
    end
  end)

  it("keeps the indentation of code, within what all of its lines have", function()
    local text = index.entry("rows").text
    assert.truthy(text:find("\n          reconstruct, impute", 1, true))
    for _, name in ipairs { "docs/latent.md", "html/latent.html" } do
      assert.truthy(contents(name):find("\nD = 1   the one column", 1, true), name)
      assert.truthy(contents(name):find("\n        reconstruct, impute", 1, true), name)
    end
    assert.truthy(contents "docs/latent.md":find("```\nlocal latent = require \"latent\"\n```", 1, true))
  end)

  it("sets formulas, and leaves names and words as they are typed", function()
    local function set(text)
      return typeset(text, escape, function(name) return name == "latent.gmm" and "<GMM>" or nil end)
    end
    assert.equal("p(x) = Σ<sub>k</sub> w<sub>k</sub> N(x; m<sub>k</sub>, S<sub>k</sub>)",
      set "p(x) = sum_k w_k N(x; m_k, S_k)")
    assert.equal("z<sub>t</sub> = A z<sub>t-1</sub> + w", set "z_t = A z_{t-1} + w")
    assert.equal("|x - y|<sup>2</sup>, 10<sup>−6</sup>, X<sup>p</sup>", set "|x - y|^2, 10^-6, X^p")
    assert.equal("N × D, K × D × D, 5 × 3", set "N x D, K x D x D, 5 x 3")
    assert.equal("β<sub>t</sub> ≥ 0 &lt; 1 &amp; W W<sup>T</sup>", set "beta_t >= 0 < 1 & W W'")
    assert.equal("max_iterations, on_epoch, the model's X's, A ^ p, probability x drawn",
      set "max_iterations, on_epoch, the model's X's, A ^ p, probability x drawn")
    assert.equal("&quot;x_k and a^2&quot;", set '"x_k and a^2"')
    assert.equal("see <GMM>.", set "see latent.gmm.")
    assert.truthy(contents "html/clusters.html":find("Σ<sub>k</sub> w<sub>k</sub> N(x; m<sub>k</sub>", 1, true))
  end)

  it("has a manual page that troff takes", function()
    local text = contents "man/latent.1"
    for _, line in ipairs { ".SH NAME", ".SH SYNOPSIS", "latent [OPTION...] [SCRIPT [ARGUMENT...]]", ".SH DESCRIPTION",
      ".B \\-e CODE", ".B LATENT_HISTORY" } do
      assert.truthy(text:find("\n" .. line .. "\n", 1, true), line)
    end
    if not select(2, helper.run "command -v groff") then return pending "groff is not installed" end
    assert.equal("", (helper.run(("groff -man -Tutf8 -ww -z %s/man/latent.1"):format(folder))))
  end)
end)
