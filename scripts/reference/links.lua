-- Where names of the documentation are: links(page, pages, ending) -> target(name, class) -> "deep.html#GAN:step", or
-- nil. What is written model.X is the class's own.

return function(page, pages, ending)
  local function target(name)
    local place = pages[name]
    return place and (place == page.page and "" or place .. ending) .. "#" .. name:gsub("^latent%.", "")
  end
  return function(name, class)
    return target(name) or class and target((name:gsub("^model([.:])", class .. "%1"))) or nil
  end
end
