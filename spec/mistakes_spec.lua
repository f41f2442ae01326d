-- What new users type, with the habits of other libraries, and what the message says then: the names that are meant,
-- never Lua's own "attempt to call a nil value".
local latent = require "latent"
local helper = require "helper"
local check = require "latent.check"
local matrix = latent.matrix

local X, y, about = latent.datasets.iris()
local fresh, gmm = latent.gmm { components = 2 }, latent.gmm { components = 2 }:fit(X)
local pca, kmeans = latent.pca { latent_dim = 2 }:fit(X), latent.kmeans { clusters = 3 }:fit(X)
local fa, ppca = latent.fa { latent_dim = 1 }:fit(X), latent.ppca { latent_dim = 1 }:fit(X)
local lds, vae = latent.lds { latent_dim = 1 }, latent.vae { input_dim = 4, latent_dim = 1, hidden = 4 }
local series = latent.lds { A = matrix.eye(1), C = matrix.ones(4, 1), Q = matrix.eye(1), R = matrix.eye(4),
  initial_mean = matrix { 0 }, initial_covariance = matrix.eye(1) }
local scaler, ica = latent.scaler():fit(X), latent.ica { latent_dim = 2 }:fit(X)
local classifier = latent.classifier(function() return latent.ppca { latent_dim = 1 } end)
local mixture = latent.mixture { components = 2 }
local figure, random = latent.plot.figure(), latent.random(1)
local gap = X:copy()
gap[3][2] = 0 / 0
local IRIS = "bindings/latent/data/iris.csv"
local nowhere = "/nowhere/at/all.csv"

-- The mistake, which parts the message has.
local MISTAKES = {
  -- a method or field that isn't there: a slip of the pen
  { function() return gmm:fitt(X) end, "gmm.fitt: there is no such field or method, did you mean 'fit'?" },
  { function() return fresh:ftt(X) end, "gmm.ftt", "'fit'" },
  { function() return gmm.wieghts end, "gmm.wieghts", "'weights'" },
  { function() return gmm:loglikelihood(X) end, "'log_likelihood'" },
  { function() return gmm:logLikelihood(X) end, "'log_likelihood'" },
  { function() return pca:inverseTransform(X) end, "'inverse_transform'" },
  { function() return pca.Mean end, "pca.Mean", "'mean'" },
  { function() return X:rowz(1) end, "A.rowz", "'row" },
  { function() return random:unifrom(2) end, "random.unifrom", "'uniform'" },
  { function() return figure:elipse({ 0, 0 }, { { 1, 0 }, { 0, 1 } }) end, "figure.elipse", "'ellipse'" },
  { function() return lds:smoth(X) end, "lds.smoth", "'smooth'" },
  { function() return vae:encod(X) end, "vae.encod", "'encode'" },
  { function() return classifier:predit(X) end, "classifier.predit", "'predict'" },
  { function() return latent.nn.parameters():sav "x" end, "store.sav", "'save'" },
  { function() return gmm.something_else end, "gmm.something_else", 'latent.help "GMM"' },
  { function() return X:cov() end, "A.cov", "it is A:covariance()" },
  { function() return X:corrcoef() end, "it is A:correlation()" },
  { function() return X:value_counts() end, "it is A:unique()" },
  { function() return random:randn(3) end, "it is rng:normal(n, m)" },
  { function() return latent.matrix.cov(X) end, "it is A:covariance()" },
  { function() return latent.matrix.unique(X) end, "latent.matrix.unique", "it is A:unique()" },
  { function() return latent.datasets.make_spirals(9) end, "it is latent.datasets.spiral(n)" },
  { function() return X < 3 end, "matrix <: matrices aren't ordered; the mask is A:lt(B), that of A > B A:gt(B)" },
  { function() return X:where(X >= 3) end, "matrix <=", "that of A >= B A:ge(B)" },
  { function() return X:rows_at(y:eq(1)) end, "row 0 (element 51 of the list)", "rows of a mask are A:where(mask)" },
  { function() return X:tail(3) end, "it is A:block(-5, -1, 1, -1)" },
  { function() return X:save "x.csv" end, "it is latent.write(path, A)" },
  { function() return X:print() end, "A.print", "it is print(A)" },
  { function() return X:describe() end, "it is A:mean(1)" },
  { function() return X:eig() end, "it is latent.eigen.general(A)" },
  { function() return X:mean { axis = 1 } end, "'axis': it is the argument dim: A:mean(dim)" },
  { function() return X:argmax { dim = 1 } end, "'dim': it is the argument dim: A:argmax(dim)" },
  -- the beginning of a name; and nothing that only looks a little like it
  { function() return gmm:resp(X) end, "gmm.resp", "did you mean 'responsibilities'?" },
  { function() return latent.gmm { comp = 2 } end, "did you mean 'components'?" },
  { function() return gmm.foo end, 'gmm.foo: there is no such field or method; latent.help "GMM" lists them' },
  { function() return X.foo end, 'A.foo: there is no such field or method; latent.help "Matrix" lists them' },
  { function() return latent.datasets.wine() end, "no such function; latent.help(latent.datasets) lists them" },
  -- what is elsewhere: an option, another model's, a matrix's, a table's
  { function() return gmm.components end, "gmm.components", "it is an option: model.options.components" },
  { function() return gmm.n_components end, "it is an option: model.options.components" },
  { function() return gmm:get_params() end, "it is model.options" },
  { function() return figure:title "a" end, "it is an option: latent.plot.figure{ title = ... }" },
  { function() return figure:xlabel "a" end, "it is an option: latent.plot.figure{ xlabel = ... }" },
  { function() return figure:legend() end, "it is an option: latent.plot.figure{ key = ... }" },
  { function() return pca:score(X) end, "pca.score", "models that have it: latent.ppca, latent.bpca", ", ..." },
  { function() return pca.noise_variance_ end, "models that have it: latent.ppca" },
  { function() return lds:predict(X) end, "it is model:forecast(Y, h)" },
  { function() return latent.impute(gap) end, "latent.impute", "models have it: model:impute, of latent.ppca" },
  { function() return latent.cov(X) end, "latent.cov", "it is A:covariance()" },
  { function() return latent.eigen(X) end, "latent.eigen: it is a table of functions, latent.help(latent.eigen)" },
  { function() return latent.plot(X) end, "latent.plot: it is a table of functions" },
  -- what isn't here, by its words
  { function() return latent.TSNE {} end, "no embeddings of neighbourhoods here", "latent.pca" },
  { function() return latent.umap(X) end, "no embeddings of neighbourhoods here" },
  { function() return latent.arima(X) end, "latent.arima", "LDS:forecast" },
  { function() return latent.fastica() end, "it is latent.ica()" },
  { function() return latent.lda(X, y) end, "it is latent.classifier(make)" },
  { function() return latent.split(X, { test_size = 0.3 }) end, "it is called 'test' here" },
  { function() return latent.cross_validate(latent.ppca, X, { cv = 5 }) end, "it is called 'folds' here" },
  { function() return latent.datasets.blobs(9, { centers = 3 }) end, "it is called 'components' here" },
  { function() return figure:line({ 1, 2 }, { 1, 2 }, { linestyle = "--" }) end, "it is called 'dash' here" },
  { function() return latent.lds { n_states = 2 } end, "it is called 'latent_dim' here" },
  -- from scikit-learn
  { function() return pca:fit_transform(X) end, "model:fit(X):transform(X)" },
  { function() return gmm:fit_predict(X) end, "model:fit(X):predict(X)" },
  { function() return gmm:fit_transform(X) end, "model:fit(X):responsibilities(X)" },
  { function() return gmm:predict_proba(X) end, "model:responsibilities(X)" },
  { function() return classifier:predict_proba(X) end, "model:responsibilities(X)" },
  { function() return gmm:score_samples(X) end, "model:log_likelihood(X)" },
  { function() return gmm.means_ end, "'means'" },
  { function() return kmeans.cluster_centers_ end, "model.centers" },
  { function() return kmeans.labels_ end, "'labels'" },
  { function() return pca.components_ end, "'components'" },
  { function() return pca.explained_variance_ratio_ end, "it is model.explained_ratio" },
  { function() return gmm.n_iter_ end, "model.iterations" },
  { function() return gmm.mean end, "model.means" },
  { function() return fa.loadings end, "model.W" },
  { function() return fa.uniqueness end, "model.noise_variances" },
  { function() return scaler.scale_ end, "model.deviation" },
  { function() return ica.components_ end, "model.mixing" },
  { function() return ppca.sigma end, "model.noise_variance" },
  { function() return vae:forward(X) end, "vae.forward: there is no" },
  { function() return vae:generate(5) end, "model:sample(n)" },
  { function() return lds:kalman_filter(X) end, "model:filter(Y)" },
  -- matrices of NumPy, pandas, R, torch
  { function() return X.shape end, "A.shape", "A.rows", "A.cols", "#A" },
  { function() return X.T end, "A:t()" },
  { function() return X:transpose() end, "A:t()" },
  { function() return X.size end, "A.rows" },
  { function() return X.nrow end, "A.rows" },
  { function() return X.ncol end, "A.cols" },
  { function() return X:astype "float32" end, "A:to(dtype)" },
  { function() return X:tolist() end, "A:table()" },
  { function() return X:numpy() end, "A:table()" },
  { function() return X:inv() end, "A:inverse()" },
  { function() return X:mm(X) end, "A * B" },
  { function() return X:multiply(X) end, "A % B" },
  { function() return X:head() end, "A:block(" },
  { function() return X:clip(0, 1) end, "A:clamp(low, high)" },
  { function() return X:ravel() end, "A:flatten()" },
  { function() return X:isna() end, "A:isnan()" },
  { function() return X[{}] end, "index must be an integer or a name, got table" },
  { function() return random:randn(2) end, "random.randn", "normal(n, m)" },
  -- figures
  { function() return figure:scatter({ 1 }, { 2 }) end, "figure:points(x, y)" },
  { function() return figure:plot({ 1 }, { 2 }) end, "figure:line(x, y)" },
  { function() return figure:savefig "x.png" end, "figure:save(path)" },
  { function() return figure:imshow(X) end, "figure:image(X)" },
  { function() return figure:hist { 1 } end, "figure:histogram(x)" },
  { function() return figure:axhline(1) end, "figure:hline(y)" },
  { function() return figure:subplots() end, "figure:panels{ a, b }" },
  -- functions of the module
  { function() return latent.PCA() end, "latent.PCA", "latent.pca?" },
  { function() return latent.GMM { components = 2 } end, "latent.gmm?" },
  { function() return latent.FlowMatching {} end, "latent.flow_matching?" },
  { function() return latent.read_csv "x.csv" end, 'latent.read "x.csv"' },
  { function() return latent.GaussianMixture {} end, "latent.gmm{" },
  { function() return latent.KalmanFilter {} end, "latent.lds{" },
  { function() return latent.StandardScaler() end, "latent.scaler()" },
  { function() return latent.train_test_split(X) end, "latent.split(X)" },
  { function() return latent.load_iris() end, "latent.datasets.iris()" },
  { function() return latent.randn(2, 2) end, "latent.matrix.normal(n, m)" },
  { function() return latent.save("x", gmm) end, "model:save(path)" },
  { function() return latent.zeros(2, 2) end, "latent.matrix.zeros(n, m)" },
  { function() return latent.matrix.zero(2) end, "latent.matrix.zeros?" },
  { function() return latent.matrix.array { 1 } end, "latent.matrix{ ... }" },
  { function() return latent.matrix.arange(1, 3) end, "latent.matrix.range(a, b)" },
  { function() return latent.matrix.concatenate { X, X } end, "latent.matrix.vstack(list)" },
  { function() return latent.eigen.eigh(X) end, "latent.eigen.symmetric(A)" },
  { function() return latent.datasets.make_moons(9) end, "latent.datasets.moons(n)" },
  { function() return latent.datasets.irsi() end, "latent.datasets.iris?" },
  { function() return latent.plot.scatter({ 1 }, { 2 }) end, "latent.plot.figure():points(x, y)" },
  { function() return latent.nn.Linear(2, 3) end, "latent.nn.linear(" },
  { function() return latent.metrics.energy_dist(X, X) end, "latent.metrics.energy_distance?" },
  { function() return latent.progress.baar(3) end, "latent.progress.bar?" },
  { function() return latent.help.txt "gmm" end, "latent.help.text?" },
  -- before a fit
  { function() return fresh.means end, "gmm: means: the model is not fitted yet" },
  { function() return fresh.history end, "gmm: history: the model is not fitted yet" },
  { function() return latent.pca().components end, "pca: components: the model is not fitted yet" },
  { function() return mixture.weights end, "mixture: weights: the model is not fitted yet" },
  { function() return latent.lds { latent_dim = 1 }.A end, "lds: A: the model is not fitted yet" },
  { function() return classifier.priors end, "classifier: priors: the model is not fitted yet" },
  { function() return fresh:predict(X) end, "gmm:predict: the model is not fitted yet" },
  -- a dot and a colon
  { function() return gmm.fit(X) end, "gmm:fit: self must be a gmm, got latent.Matrix; use a colon: gmm:fit(...)" },
  { function() return X.get(1, 1) end, "A:get: self must be a matrix, got number; use a colon: A:get(...)" },
  { function() return random.uniform(3) end, "use a colon", "uniform(...)" },
  { function() return classifier.fit(X, y) end, "use a colon: classifier:fit(...)" },
  { function() return figure.points({ 1 }, { 2 }) end, "use a colon: figure:points(...)" },
  { function() return latent.matrix:zeros(2) end, "got latent.matrix; use a dot: latent.matrix.NAME(...)" },
  { function() return latent.pca:fit(X) end, "latent.pca makes a model, which has it: latent.pca{ ... }:fit(...)" },
  { function() return latent.classifier:fit(X, y) end, "latent.classifier(make):fit(...)" },
  { function() return latent.gmm.components end, "latent.gmm.components" },
  -- what constructors are given
  { function() return latent.pca(2) end, "got 2: latent.pca{ latent_dim = 2 }" },
  { function() return latent.gmm(3) end, "got 3: latent.gmm{ components = 3 }" },
  { function() return latent.kmeans(3) end, "got 3: latent.kmeans{ clusters = 3 }" },
  { function() return latent.pca(X) end, "got latent.Matrix; data are for fit: latent.pca():fit(X)" },
  { function() latent.gmm.components = 2 end, "gmm: 'components' can't be set: options are given to latent.gmm{" },
  { function() return latent.classifier(2) end, "must be a function that makes a model" },
  -- options of other libraries, and in other places
  { function() return latent.gmm { n_components = 2 } end, "'n_components': it is called 'components' here" },
  { function() return latent.pca { n_components = 2 } end, "it is called 'latent_dim' here" },
  { function() return latent.kmeans { n_clusters = 2 } end, "it is called 'clusters' here" },
  { function() return latent.kmeans { k = 2 } end, "it is called 'clusters' here" },
  { function() return latent.gmm { max_iter = 2 } end, "it is called 'max_iterations' here" },
  { function() return latent.gmm { tol = 1 } end, "it is called 'tolerance' here" },
  { function() return latent.gmm { random_state = 1 } end, "it is called 'seed' here" },
  { function() return latent.gmm { n_init = 3 } end, "it is called 'restarts' here" },
  { function() return latent.kmeans { clusters = 2, nstart = 3 } end, "it is called 'restarts' here" },
  { function() return latent.gmm { covariance_type = "full" } end, "it is called 'covariance' here" },
  { function() return latent.fa { rotate = "varimax" } end, "it is called 'rotation' here" },
  { function() return latent.vae { input_dim = 2, z_dim = 2 } end, "it is called 'latent_dim' here" },
  { function() return latent.vae { input_dim = 2, latent_dim = 1, lr = 1 } end, "it is called 'learning_rate' here" },
  { function() return vae:fit(X, { batch_size = 2 }) end, "it is called 'batch' here" },
  { function() return vae:fit(X, { n_epochs = 2 }) end, "it is called 'epochs' here" },
  { function() return latent.plot.figure { xlab = "x" } end, "it is called 'xlabel' here" },
  { function() return gmm:fit(X, { sample_weight = y }) end, "it is called 'weights' here" },
  { function() return latent.write("x.csv", X, { sep = ";" }) end, "it is called 'delimiter' here" },
  { function() return latent.gmm { compnents = 2 } end, "did you mean 'components'?" },
  { function() return latent.gmm { missing = true } end, "it belongs to fit: model:fit(X, { missing = ... })" },
  { function() return latent.gmm { weights = y } end, "it belongs to fit" },
  { function() return latent.vae { input_dim = 2, latent_dim = 1, epochs = 3 } end, "it belongs to fit" },
  { function() return gmm:fit(X, { tolerance = 1 }) end, "belongs to the constructor: latent.gmm{ tolerance = ... }" },
  { function() return pca:fit(X, { n_components = 1 }) end, "it is called 'latent_dim' here, and belongs to the" },
  { function() return vae:fit(X, { hidden = 4 }) end, "latent.vae{ hidden = ... }" },
  { function() return gmm:fit(X, X:col(1)) end, "got latent.Matrix; weights are { weights = w }" },
  { function() return latent.gmm { covariance = "diagonal" } end, "unknown covariance 'diagonal': it is 'diag'" },
  { function() return latent.gmm { covariance = "Full" } end, "did you mean 'full'?" },
  { function() return latent.gmm { covariance = "VVV" } end, "it is 'full'" },
  { function() return latent.mixture { family = "gaussian" } end, "unknown family 'gaussian': it is latent.gmm" },
  { function() return latent.ica { contrast = "tanh" } end, "it is 'logcosh'" },
  { function() return latent.vae { input_dim = 2, latent_dim = 1, likelihood = "mse" } end, "it is 'gaussian'" },
  { function() return X:to "double" end, "float64" },
  -- data that isn't there, or has gaps
  { function() return gmm:fit(latent.read(nowhere)) end, "gmm:fit: " .. nowhere, "No such file" },
  { function() return pca:transform(latent.read(nowhere)) end, "pca:transform: " .. nowhere, "No such file" },
  { function() return lds:filter(latent.read(nowhere)) end, "lds:filter: " .. nowhere },
  { function() return vae:fit(latent.read(nowhere)) end, "vae:fit: " .. nowhere },
  { function() return classifier:fit(latent.read(nowhere)) end, "classifier:fit: " .. nowhere },
  { function() return latent.gmm_select(latent.read(nowhere)) end, "gmm_select: " .. nowhere },
  { function() return latent.eigen.symmetric(latent.read(nowhere)) end, "eigen.symmetric: " .. nowhere },
  { function() return latent.write("x.csv", latent.read(nowhere)) end, "latent.write: " .. nowhere },
  { function() return pca:fit(gap) end, "row 3, column 2", "latent.ppca knows missing entries" },
  { function() return kmeans:predict(gap) end, "row 3, column 2", "latent.gmm knows missing entries" },
  { function() return gmm:fit(gap) end, "row 3, column 2", "missing = true" },
  { function() return gmm:predict(gap) end,
    "row 3, column 2", "missing = true makes it a missing entry, here or at fit" },
  { function() return pca:fit(X, { missing = true }) end, "latent.ppca knows missing entries" },
  -- names in another table of the module, generators, data sets that aren't called
  { function() return latent.accuracy(y, y) end, "it is latent.metrics.accuracy(truth, predicted)" },
  { function() return latent.silhouette_score(X, y) end, "it is latent.metrics.silhouette" },
  { function() return latent.blobs(9) end, "it is latent.datasets.blobs(n [, options])" },
  { function() return latent.mean(X) end, "it is A:mean([dim [, options]])" },
  { function() return matrix.det(X) end, "it is A:det()" },
  { function() return latent.random.seed(1) end, "latent.random.seed", "it is latent.random(seed)" },
  { function() return latent.random.normal(3) end, "it is rng:normal([n" },
  { function() return latent.random.randn(3) end, "it is rng:normal(n, m)" },
  { function() return latent.random:uniform(3) end, "latent.random.uniform", "it is rng:uniform([n" },
  { function() return random:randint(1, 6) end, "it is rng:integer(low, high, n, m)" },
  { function() return random:choice { 1, 2 } end, "it is rng:categorical(weights, n)" },
  { function() return random:mvn() end, "it is rng:normal(n, #mean) * covariance:cholesky():t() + mean" },
  { function() return gmm:fit(latent.datasets.iris) end, "X is the function latent.datasets.iris itself", "iris()" },
  { function() return latent.ica():fit(latent.datasets.iris) end, "call it: latent.datasets.iris()" },
  { function() return gmm:fit(latent.datasets) end, "X must be a matrix, got latent.datasets" },
  { function() return gmm:means() end, "got latent.GMM; a matrix itself, such as a model's field, has no parentheses" },
  { function() return pca.eigenvalues() end, "got nothing; a matrix itself, such as a model's field" },
  { function() return latent.gmm.load "x" end, "it is latent.load(path)" },
  { function() return gmm:load "x" end, "it is latent.load(path)" },
  -- models, of all kinds
  { function() return gmm:copy() end, "it is latent.load_string(model:save_string())" },
  { function() return gmm:describe() end, "it is model:summary()" },
  { function() return kmeans:print() end, "it is print(model)" },
  { function() return gmm:set_params {} end, "it is options of the constructor, of a new model" },
  { function() return gmm:cluster(X) end, "it is model:predict(X)" },
  { function() return gmm:update(X) end, "it is model:partial_fit(X)" },
  { function() return gmm:entropy() end, "it is -model:score((model:sample(10000)))" },
  { function() return kmeans.sizes end, "it is model.labels:unique(), the second value" },
  { function() return pca.W end, "it is model.components" },
  { function() return pca:biplot(X) end, "it is model:plot(X)" },
  { function() return lds.F end, "it is model.A" },
  { function() return lds.H end, "it is model.C" },
  { function() return lds:rts(X) end, "it is model:smooth(Y)" },
  { function() return classifier:accuracy(X, y) end, "it is model:score(X, y)" },
  { function() return vae:cuda() end, "there is no GPU" },
  { function() return vae:zero_grad() end, "it is done by model:step(batch)" },
  { function() return vae:to_onnx "x" end, 'it is model:export "model.onnx"' },
  -- options, and what there is none for
  { function() return vae:fit(X, { validation = 0.1 }) end, "got 0.1; latent.split(X, { test = 0.1 }) gives rows" },
  { function() return vae:fit(X, { validation_split = 0.1 }) end, "it is called 'validation' here" },
  { function() return vae:fit(X, { device = "cuda" }) end, "there is no GPU here" },
  { function() return vae:fit(X, { callbacks = {} }) end, "it is called 'on_epoch' here" },
  { function() return latent.vae { input_dim = 2, latent_dim = 1, dropout = 0.5 } end, "nets here have no dropout" },
  { function() return latent.vae { input_dim = 2, latent_dim = 1, kl_weight = 2 } end, "it is called 'beta' here" },
  { function() return latent.diffusion { input_dim = 2, n_steps = 9 } end, "it is called 'timesteps' here" },
  { function() return latent.gan { input_dim = 2, noise_dim = 2 } end, "it is called 'latent_dim' here" },
  { function() return latent.gan { input_dim = 2, latent_dim = 1, loss = "wgan-gp" } end, "it is 'wasserstein'" },
  { function() return gmm:fit(X, { epochs = 3 }) end, "it is called 'max_iterations' here, and belongs to the" },
  { function() return latent.gmm { n_jobs = 4 } end, "'n_jobs': threads are the process's: latent.threads(n)" },
  { function() return latent.gmm { n_features = 4 } end, "the data say it, at fit" },
  { function() return latent.kmeans { components = 3 } end, "it is called 'clusters' here" },
  { function() return latent.kmeans { clusters = 3, init = "forgy" } end, "unknown init 'forgy': it is 'random'" },
  { function() return latent.gmm { covariance = "spherical_tied" } end, "it is 'tied_spherical'" },
  { function() return latent.pca { scale = true } end, "it is called 'standardize' here" },
  { function() return latent.pca { center = false } end, "columns are always centred" },
  { function() return latent.ica { whiten = true } end, "it always whitens" },
  { function() return latent.lds { transition_matrices = X } end, "it is called 'A' here" },
  { function() return latent.lds { H = X } end, "it is called 'C' here" },
  { function() return latent.split(X, 0.2) end, "argument 2 must be", "got 0.2: { test = 0.2 }" },
  { function() return latent.split(X, { stratify = y }) end, "it is called 'labels' here" },
  { function() return latent.read(IRIS, { header = 0 }) end, 'header must be true, false or "auto", got 0' },
  { function() return latent.read(IRIS, { nrows = 5 }) end, "A:block(1, n, 1, -1) takes rows" },
  -- matrices
  { function() return X:percentile(50) end, "it is A:quantile(q)" },
  { function() return X:lu() end, "it is A:qr(), or A:svd()" },
  { function() return X:log10() end, "it is A:log() / math.log(10)" },
  { function() return X:len() end, "it is #A" },
  { function() return X:append(X) end, "it is latent.matrix.vstack{ A, A }" },
  { function() return X:standardize() end, "it is latent.scaler():fit(A):transform(A)" },
  { function() return X:numel() end, "it is A.rows * A.cols" },
  -- pictures
  { function() return figure:points({ 1 }, { 2 }, { color = "redd" }) end, "got 'redd'; did you mean 'red'?" },
  { function() return figure:points({ 1 }, { 2 }, { color = y }) end, "classes = labels gives each class a colour" },
  { function() return figure:points({ 1 }, { 2 }, { colour = "red" }) end, "it is called 'color' here" },
  { function() return figure:points({ 1 }, { 2 }, { hue = y }) end, "it is called 'classes' here" },
  { function() return figure:points({ 1 }, { 2 }, { alpha = 0.5 }) end, "there are no transparent colours" },
  { function() return figure:points({ 1 }, { 2 }, { marker = "o" }) end, "symbols are chosen by class" },
  { function() return figure:boxplot(X) end, "it is figure:histogram(x)" },
  { function() return figure:scatter3d(X) end, "it is figure:points(x, y, { values = z })" },
  { function() return latent.plot.figure { fontsize = 20 } end, "figures have one look" },
  -- what isn't here, by more of its words
  { function() return latent.nmf {} end, "no factorizations of counts here", "latent.mixture" },
  { function() return latent.GaussianHMM {} end, "there is no hidden Markov model here" },
  { function() return latent.kpca {} end, "components here are linear" },
  { function() return latent.mcmc {} end, "nothing is sampled here" },
  { function() return latent.MeanShift {} end, "clusters here are those of K-means and of mixtures" },
  { function() return latent.nn.Conv2d() end, "nets here are of linear layers", "latent.nn.mlp" },
  { function() return X:tostring() end, "A.tostring", "no such field or method; latent.help" },
  { function() return X:pca(2) end, "it is latent.pca([options]):fit(A)" },
  { function() return X:std { ddof = 1 } end, "it is called 'correction' here" },
  { function() return latent.eigen.symmetric(matrix.eye(2), { solver = "lapack" }) end,
    "unknown solver 'lapack' (known: auto" },
  { function() return latent.nn.tape():input(X).shape end, "it is value.rows, value.cols and #value" },
  { function() return latent.nn.tape():mse(X, X) end, "it is tape:gaussian_nll(mean, log_variance, x)" },
  -- fields of tables of results
  { function() return series:filter(X).mean end, "mean: there is no such field, did you mean 'means'?" },
  { function() return series:filter(X).loglik end, "did you mean 'log_likelihood'?" },
  { function() return fa:test().p end, "did you mean 'p_value'?" },
  { function() return about.colums end, "did you mean 'columns'?" },
  { function() return about.target_names end, "did you mean 'classes'?" },
  -- types by their names
  { function() return gmm:fit "iris.csv" end, "X must be a matrix, got string; latent.read(path) gives that of" },
  { function() return latent.metrics.accuracy_score(y, y) end, "latent.metrics.accuracy" },
  { function() return X.values end, "A:table()" },
  { function() return gmm:fit(io.stdout) end, "got FILE*" },
  { function() return gmm:fit(gmm) end, "X must be a matrix, got latent.GMM" },
  { function() return matrix.vstack(X) end, "got latent.Matrix" },
}

describe("a mistake says what was meant:", function()
  for i, mistake in ipairs(MISTAKES) do
    it(("%d, %s"):format(i, mistake[2]), function()
      local ok, message = pcall(mistake[1])
      assert.is_false(ok)
      for k = 2, #mistake do
        assert.is_truthy(message:find(mistake[k], 1, true), ("%s\nshould contain: %s"):format(message, mistake[k]))
      end
      assert.is_truthy(message:find "^spec/mistakes_spec.lua:%d+: " or message:find "^[%w_.:]+: ", message)
      for _, own in ipairs { "attempt to", "bad argument", "userdata", "0x%x%x%x%x" } do
        assert.is_nil(message:find(own), message)
      end
    end)
  end
end)

describe("names of other libraries", function()
  local foreign = require "latent.foreign"

  local classes = {}
  for _, module in ipairs(require "latent.docs.init") do
    for _, entry in ipairs(module) do
      local member = entry.name:match "^%u%w*[.:]([%w_]+)$"
      if member then classes[member] = true end
    end
  end

  it("lead to methods and fields that there are", function()
    for theirs, list in pairs(foreign.members) do
      for _, ours in ipairs(list) do
        assert.is_true(classes[ours[1]] or ours[1] == "iterations" or ours[1] == "history", theirs .. " -> " .. ours[1])
      end
    end
  end)

  it("lead to options and arguments that there are", function()
    local options, arguments = { states = true }, {} -- an option to come
    for _, module in ipairs(require "latent.docs.init") do
      for _, entry in ipairs(module) do
        for _, option in ipairs(entry.options or {}) do options[option[1]] = true end
        for _, argument in ipairs(entry.args or {}) do arguments[argument[1]] = true end
      end
    end
    for theirs, list in pairs(foreign.options) do
      for _, ours in ipairs(list) do assert.is_true(options[ours], theirs .. " -> " .. ours) end
    end
    for theirs, ours in pairs(foreign.arguments) do assert.is_true(arguments[ours], theirs .. " -> " .. ours) end
  end)

  it("lead to words that options may be", function()
    local known = {}
    for _, name in ipairs { "gmm", "mixture", "vae", "ica", "fa", "pca", "kmeans", "gan" } do
      for _, option in ipairs(latent.describe(name).options) do
        known[option.name] = known[option.name] or {}
        for _, word in ipairs(option.choices or {}) do known[option.name][word] = true end
      end
    end
    known.dtype = { float64 = true, float32 = true }
    for option, list in pairs(foreign.words) do
      for theirs, ours in pairs(list) do
        assert.is_nil(known[option][theirs], option .. " = " .. theirs)
        for word in ours:gmatch "'([%w_]+)'" do assert.is_true(known[option][word], option .. " = " .. word) end
      end
    end
  end)

  it("lead to lines that run", function()
    local A = matrix { { 1, 2 }, { 0 / 0, 4 }, { 5, 6 }, { 7, 8 }, { 9, 10 } }
    local quiet = setmetatable({ write = math.type, eigen = { general = math.type, symmetric = math.type } },
      { __index = latent })
    local scope = setmetatable({ A = A, mask = A:isfinite(), list = { 1 }, path = 1, f = math.abs, r1 = 1, r2 = 2,
      c1 = 1, c2 = 1, rows = 1, cols = 10, print = tostring, latent = quiet }, { __index = _G })
    scope.labels = matrix { 1, 1, 2, 2, 1 }
    local function run(line) return assert(load("return " .. line:gsub(", or ", ", "), line, "t", scope), line)() end
    scope.A = A:where(A:isfinite(), 3)
    for _, line in pairs(foreign.classes.Matrix) do run(line) end
    scope.A = A
    local classes_of = foreign.classes.Matrix
    local rng = latent.random(1)
    scope.rng, scope.n, scope.m, scope.p, scope.mean, scope.covariance = rng, 3, 2, 0.5, matrix { 1, 2 }, matrix.eye(2)
    for _, line in pairs(foreign.classes.Random) do run(line) end
    assert.same({ 3, 2 }, { run(foreign.classes.Random.mvn).rows, run(foreign.classes.Random.mvn).cols })
    assert.is_true(run(classes_of.fillna) == matrix { { 1, 2 }, { 0, 4 }, { 5, 6 }, { 7, 8 }, { 9, 10 } })
    assert.is_true(run(classes_of.dropna) == matrix { { 1, 2 }, { 5, 6 }, { 7, 8 }, { 9, 10 } })
    assert.near(52 / 9, run(classes_of.nanmean), 1e-14)
    assert.equal(5, #run(classes_of.tail))
    scope.a, scope.b = matrix { 1, 2, 3 }, matrix { 1, 2, 6 }
    assert.equal(3, run(foreign.modules["latent.metrics"].mse))
    assert.near(-3.5, run(foreign.modules["latent.metrics"].r2), 1e-14) -- 1 - 3 / (2/3)
    local of_model = foreign.classes.Model
    scope.model, scope.X = latent.gmm { components = 1 }:fit(X), X
    for _, name in ipairs { "copy", "describe", "perplexity" } do assert.is_truthy(run(of_model[name])) end
    -- of a Gaussian log det(2 pi e S)/2; of log p(x) the deviation is sqrt(D/2), a hundredth of it here
    local exact = (X.cols * math.log(2 * math.pi * math.exp(1)) + scope.model:covariance(1):logdet()) / 2
    assert.near(exact, run(of_model.entropy), 0.1)
  end)

  it("lead to constructors with all that they need", function()
    local count = 0
    for _, list in pairs(foreign.modules) do
      for _, line in pairs(list) do
        for call in line:gmatch "latent%.[%w_]+{ [%w_]+ = [^.}]*}" do
          local makes, problem = load("return " .. call, call, "t", { latent = latent })
          assert.is_truthy(makes, problem)
          assert.has_no.errors(makes)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 10, count)
  end)

  it("lead to functions that there are", function()
    for module, list in pairs(foreign.modules) do
      for theirs, ours in pairs(list) do
        for name in ours:gmatch "latent(%.[%w_.]+)" do
          local value = latent
          for part in name:gmatch "[%w_]+" do value = value and check.field(value, part) end
          assert.is_truthy(value, ("%s.%s -> %s"):format(module, theirs, ours))
        end
      end
    end
  end)

  it("aren't taken where the name is ours", function()
    for theirs in pairs(foreign.modules.latent) do assert.is_nil(check.field(latent, theirs), theirs) end
  end)
end)

describe("what data sets and files hand on behind the matrix", function()
  local path = os.tmpname() .. ".csv"
  local columns = { "Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width" }

  setup(function()
    local file = assert(io.open(path, "w"))
    file:write(table.concat(columns, ","), ",species\n")
    for i = 1, #X do file:write(table.concat(X[i]:table(), ","), ",", about.classes[y[i] // 1 | 0], "\n") end
    file:close()
  end)
  teardown(function() os.remove(path) end)

  it("is on the matrix, too", function()
    assert.same(about.columns, X.names)
    assert.is_true(X.labels == y)
    assert.same(about.classes, X.classes)
    assert.equal(about.source, X.source)
    local Z, info = latent.read(path)
    assert.same(columns, Z.names)
    assert.is_true(Z.labels == y)
    assert.same(info.text, Z.text)
    assert.equal("setosa", Z.text.species[1])
    assert.equal(path, Z.source)
    for _, name in ipairs { "names", "labels", "classes", "text", "source" } do
      assert.is_nil(matrix { 1, 2 }[name])
      assert.is_nil(Z:copy()[name])
    end
  end)

  it("is collected with the matrix", function()
    local weak = setmetatable({}, { __mode = "v" })
    do
      local Z = latent.datasets.blobs(10)
      weak.labels, weak.X = Z.labels, Z
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)

  it("is no options, of any method", function()
    local wanted = latent.gmm { components = 2 }:fit(X).means
    local function same(model, ...) assert.is_true(model:fit(...).means == wanted) end
    same(latent.gmm { components = 2 }, latent.datasets.iris())
    same(latent.gmm { components = 2 }, latent.read(path))
    same(latent.gmm { components = 2 }, X, y, about)
    same(latent.gmm { components = 2 }, X, about)
    same(latent.gmm { components = 2 }, X, y)
    same(latent.gmm { components = 2 }, X, about, { max_seconds = 100 })
    local means = latent.gmm { components = 2 }:fit(X, y, about, { weights = y }).means
    assert.is_true(means == latent.gmm { components = 2 }:fit(X, { weights = y }).means)
    assert.is_true(gmm:predict(latent.datasets.iris()) == gmm:predict(X))
    assert.equal(gmm:score(X), gmm:score(latent.read(path)))
    assert.is_true(pca:transform(latent.datasets.iris()) == pca:transform(X))
    local Y = latent.datasets.nile()
    local level = latent.lds { latent_dim = 1, max_iterations = 2 }:fit(latent.datasets.nile())
    assert.equal(level:score(Y), level:score(latent.datasets.nile()))
    assert.equal(level:filter(Y).log_likelihood, level:filter(latent.datasets.nile()).log_likelihood)
    assert.equal(#X, #latent.kmeans { clusters = 3 }:fit(latent.datasets.iris()).labels)
    latent.vae { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" }:fit(latent.datasets.iris())
    assert.equal(1, #latent.gmm_select(X, { components = 2, covariance = "diag" }))
    latent.pca():fit(latent.datasets.digits())
    latent.pca():fit(latent.datasets.low_rank(20, 4, 2))
    latent.pca():fit(latent.datasets.swiss_roll(20))
    latent.gmm { components = 3 }:fit(latent.datasets.blobs(60))
    assert.equal(#latent.gmm_select(latent.datasets.faithful()), 36)
    assert.is_true((latent.eigen.svd(latent.datasets.faithful())) == (latent.eigen.svd((latent.datasets.faithful()))))
  end)

  it("is labels for a classifier", function()
    local function make() return latent.ppca { latent_dim = 1 } end
    local a = latent.classifier(make):fit(latent.datasets.iris())
    local b = latent.classifier(latent.ppca):fit(latent.read(path))
    assert.equal("1, 2, 3", table.concat(a.classes, ", "))
    assert.equal("setosa, versicolor, virginica", table.concat(b.classes, ", "))
    assert.equal(a:score(X, y), a:score(latent.datasets.iris()))
    assert.is_true(b:score(latent.read(path)) > 0.9)
    assert.is_true(a:predict(X) == a:predict(latent.read(path)))
    assert.equal(150, a:confusion(latent.datasets.iris()):sum())
  end)

  it("is shown as the table it is", function()
    local shown = require "latent.mime"((select(2, latent.datasets.faithful())))["text/plain"]
    assert.equal("columns  eruptions, waiting\nsource   Azzalini and Bowman 1990 (R's faithful)", shown)
  end)

  it("has a class, and columns of text have a note", function()
    assert.equal("latent.About", check.class(about))
    local _, info = latent.read(path)
    assert.equal("latent.About", check.class(info))
    assert.equal("column 5 (species) is text, not in the matrix; it begins with 'setosa'", info.note)
    _, info = latent.read(path, { labels = "species" })
    assert.is_nil(info.note)
  end)
end)

describe("probing", function()
  it("is fine for libraries and helpers", function()
    assert.has_error(latent.kmeans)
    assert.same({ gmm, X }, { gmm, X })
    assert.is_nil(X.__index)
    assert.is_nil(gmm._private)
    assert.is_nil(gmm[1])
    assert.is_true(helper.has(gmm, "means") and not helper.has(gmm, "centers"))
    assert.equal("function", type(gmm.fit))
    assert.is_nil(gmm.missing)
    assert.is_nil(about.note)
    assert.is_nil(series:forecast(X, 1).lower)
    assert.is_nil(series:forecast(X, 1)._private)
    assert.is_truthy(latent.help.text(latent.pca):find "^latent.pca")
    assert.is_truthy(tostring(latent.pca):find "latent.pca{")
    assert.is_nil((pcall(require, "latent.nothing")) or nil)
    for name in pairs(latent) do assert.is_truthy(latent[name] ~= nil) end
    assert.equal(4, #select(2, pcall(latent.pca { latent_dim = 1 }.fit, latent.pca(), X)).mean)
  end)
end)

describe("where the parts in Lua are not to be had", function()
  it("names that aren't there are nil, and options have the list of those that there are", function()
    local output, ok = helper.lua [[
      local latent = require "latent"
      local X = latent.matrix { { 1, 2 }, { 3, 4 }, { 5, 9 } }
      local gmm = latent.gmm {}
      local function loads(f) package.preload["latent.names"], package.preload["latent.summary"] = f, f end
      loads(function(name) error("module '" .. name .. "' not found") end)
      assert(X.shape == nil and gmm.foo == nil and latent.PCA == nil)
      assert(not pcall(function() return gmm.means end))
      local _, message = pcall(latent.gmm, { n_components = 2 })
      assert(message:find "unknown option 'n_components', did you mean 'components'", message)
      loads(function() error("interrupted", 0) end)
      print(select(2, pcall(function() return X.shape end)))]]
    assert.is_truthy(ok, output)
    assert.equal("interrupted\n", output)
  end)
end)
