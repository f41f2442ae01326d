-- A service of HAProxy: /score?1,2,... answers with the log-likelihood of the row, by an exported model.
local model = dofile(os.getenv "HOST_MODEL")

core.register_service("score", "http", function(applet)
  local row = {}
  for number in applet.qs:gmatch "[^,]+" do row[#row + 1] = tonumber(number) end
  local body = ("%.17g\n"):format(model.log_likelihood(row))
  applet:set_status(200)
  applet:add_header("content-length", tostring(#body))
  applet:start_response()
  applet:send(body)
end)
