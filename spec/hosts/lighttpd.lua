-- A script of lighttpd's mod_magnet: /score?1,2,... answers with the log-likelihood of the row, and /learn?1,2,...
-- learns it before. lighttpd runs the script at each request in one Lua state that lives on, so what is made once
-- stays in package.loaded.
local host = package.loaded["host.model"]
if not host then
  local latent = require "latent"
  local model = assert(latent.load(os.getenv "HOST_MODEL"))
  host = { model = model, row = latent.matrix.zeros(1, model.means.cols), out = latent.matrix.zeros(1) }
  package.loaded["host.model"] = host
end
local request = lighty.r.req_attr
local j = 0
for number in request["uri.query"]:gmatch "[^,]+" do
  j = j + 1
  host.row:set(1, j, tonumber(number))
end
if request["uri.path"] == "/learn" then host.model:partial_fit(host.row, { rate = 0.01 }) end
host.model:log_likelihood(host.row, { out = host.out })
lighty.r.resp_body:set { ("%.17g\n"):format(host.out[1]) }
return 200
