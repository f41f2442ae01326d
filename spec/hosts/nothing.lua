-- What a request costs without latent.
lighty.r.resp_body:set { "0\n" }
return 200
