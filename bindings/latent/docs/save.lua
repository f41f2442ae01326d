-- model:save and latent.load.

local entries = {
  {
    name = "save",
    topic = true,
    summary = "Models in files: every fitted model can be saved, and loaded without its data.",
    text = [[
  model:save "digits.safetensors"
  local model = latent.load "digits.safetensors"
  local bytes = model:save_string() -- the same bytes, for a host that keeps models elsewhere than in files
  local again = latent.load_string(bytes)

The file is in the safetensors format, which Python's package of that name and many others read: each parameter is
a tensor of type F64 under the name it has as a field, a list of matrices has three axes. The metadata, all strings:

  format    latent
  version   1, of this layout
  kind      the model's constructor, pca say
  options   what that was given, in JSON
  sizes     D, K and M as far as the parameters have them, in JSON
  record    how the fit went (iterations, converged, history), in JSON; infinity is 1e999 and NaN null

A classifier has its options (the classes and priors), and each of its models under names that begin with "1.", "2.",
and so on: kind, options, sizes and record of the metadata, and the tensors. It predicts as before; to be fitted
again it needs its function, so make a new one for that.

Of a model of your own functions (latent.em) the parameters are tensors; the functions you give again:

  local model = latent.load("abo.safetensors", { e_step = e_step, m_step = m_step })

A mixture whose family is a table of functions has parameters of any kind, and can't be saved.

A model with nets (vae, nonlinear) is a checkpoint of latent.nn with kind, options and record beside it: its format is
"latent.nn", its tensors have the type of the model, and training goes on from it with the same bits.

A loaded model gives the same bits as the saved one, and fit begins anew with the same options. What partial_fit
has gathered is not saved: after a load it begins anew, too. Equal models make equal files.

Files from strangers are safe to load: they hold no code, and are checked before anything is allocated. Refused,
with nil and a message, is whatever is truncated, overlaps, is not finite, or doesn't fit the model; see "files".]],
  },
  {
    name = "latent.load",
    summary = "Loads a model that was saved.",
    args = {
      { "path", "string", "of the file, whatever its ending" },
      { "functions", "table?", "for a model of latent.em: e_step, m_step and maybe feasible" },
    },
    returns = {
      { "any", "the fitted model; nil when the file is not there or not a sound model" },
      { "string?", "then, the message" },
    },
    example = 'local model, message = latent.load "digits.safetensors"',
  },
  {
    name = "latent.load_string",
    summary = "Loads a model from the bytes of a file of one, with the same checks.",
    args = {
      { "bytes", "string", "of model:save_string, or of a file" },
      { "functions", "table?", "for a model of latent.em: e_step, m_step and maybe feasible" },
    },
    returns = {
      { "any", "the fitted model; nil when the bytes are no sound model" },
      { "string?", "then, the message" },
    },
    example = "return latent.load_string(latent.pca():fit(X):save_string())",
  },
}

-- Every model has it.
for class in ("PCA Scaler KMeans GMM Mixture PPCA BPCA MPPCA FA ICA LDS EM Classifier"):gmatch "%w+" do
  entries[#entries + 1] = {
    name = class .. ":save",
    summary = "Saves the fitted model, for latent.load.",
    args = { { "path", "string", "of the file; its usual ending is .safetensors" } },
    returns = {
      { "boolean?", "true; nil when the file can't be written" },
      { "string?", "then, the message" },
    },
    text = 'See latent.help "save". Options that are functions can\'t be saved, which raises.',
  }
  entries[#entries + 1] = {
    name = class .. ":save_string",
    summary = "The bytes of the file that save writes, for latent.load_string.",
    args = {},
    returns = { { "string", "the bytes" } },
    text = 'See latent.help "save". Options that are functions can\'t be saved, which raises.',
  }
end

return entries
