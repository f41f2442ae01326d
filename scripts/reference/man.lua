-- The manual page of the command, for section 1, from its page of help.
--
--   man(entry, version)   the text, for troff -man

local setting = require "latent.help.setting"

local function escape(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"))
end

-- A block of lines that have a name and, after two blanks at least, what it means.
local function is_list(lines)
  for _, line in ipairs(lines) do
    if not line:find "^%s+%S.-%s%s+%S" then return false end
  end
  return true
end

local function put_lines(out, lines)
  if is_list(lines) then
    for _, line in ipairs(lines) do
      local name, meaning = line:match "^%s+(%S.-)%s%s+(%S.*)$"
      out[#out + 1] = ".TP\n.B " .. escape(name) .. "\n" .. escape(meaning)
    end
  else
    out[#out + 1] = ".nf"
    for _, line in ipairs(lines) do out[#out + 1] = escape(line:gsub("^%s+", "")) end
    out[#out + 1] = ".fi"
  end
end

return function(entry, version)
  local out = { ('.TH LATENT 1 "" "latent %s"'):format(version), ".SH NAME",
    "latent \\- " .. escape(entry.summary:gsub("^The command latent: ", ""):gsub("%.$", "")), ".SH SYNOPSIS" }
  for i, block in ipairs(setting.blocks(entry.text)) do
    if i == 2 then out[#out + 1] = ".SH DESCRIPTION" end
    if type(block) == "table" then
      put_lines(out, block)
    else
      out[#out + 1] = ".PP"
      out[#out + 1] = escape(block)
    end
  end
  out[#out + 1] = ".SH SEE ALSO\n.BR lua5.4 (1)"
  return table.concat(out, "\n") .. "\n"
end
