-- Messages of Protocol Buffers as bytes: fields in order, by number. Not exported.
--
--   pb.message{ { 1, "int", 8 }, { 2, "bytes", "latent" }, { 7, "message", other } }

local pb = {}

-- An integer >= 0 in groups of seven bits, the lowest first.
local function varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7f
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local function delimited(number, bytes) return varint(number << 3 | 2) .. varint(#bytes) .. bytes end

local kinds = {
  int = function(number, n) return varint(number << 3) .. varint(n) end,
  float = function(number, x) return varint(number << 3 | 5) .. ("<f"):pack(x) end,
  bytes = delimited,
  -- integers one after the other, in one field
  ints = function(number, list)
    local bytes = {}
    for i, n in ipairs(list) do bytes[i] = varint(n) end
    return delimited(number, table.concat(bytes))
  end,
}

-- The bytes of a list of fields; what is false is left out.
function pb.message(fields)
  local bytes = {}
  for _, field in ipairs(fields) do
    if field then bytes[#bytes + 1] = kinds[field[2]](field[1], field[3]) end
  end
  return table.concat(bytes)
end

return pb
