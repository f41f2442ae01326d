-- Words of the field, and names that other libraries have for what is called otherwise here or isn't here: where
-- latent.help leads from them. Each row has the words, in any case and with or without blanks, hyphens and underscores;
-- what there is to say; and the entries to read.

local validation = { "latent.split", "latent.cross_validate", "latent.folds", "latent.gmm_select" }

return {
  -- maps and reductions
  { "t-SNE, UMAP, Isomap, LLE, MDS, Sammon, embedding, manifold",
    "there are no embeddings of neighbourhoods here. What maps rows to few dimensions by a model, which new rows can "
      .. "be mapped by as well:", { "latent.pca", "latent.ppca", "latent.vae", "latent.nonlinear" } },
  { "dimensionality reduction, dimension reduction, KLT, Karhunen-Loeve, EOF, POD, LSA, TruncatedSVD, prcomp, "
    .. "princomp", "principal components:",
    { "latent.pca", "latent.ppca", "latent.bpca", "eigen.svd" } },
  { "scree, explained variance, explained_variance_ratio_", "eigenvalues are the variances of the "
    .. "components, and total_variance is what they add up to when all are kept:",
    { "PCA.eigenvalues", "PCA.total_variance", "latent.pca" } },
  { "loadings, factor loadings, components_, rotation matrix", "the columns of components (PCA) or W (the others):",
    { "PCA.components", "FA.W", "latent.fa" } },
  { "varimax rotation, promax, oblimin, factanal, exploratory factor analysis, EFA", "factor analysis:",
    { "latent.fa", "FA.W" } },
  { "blind source separation, BSS, FastICA, infomax, cocktail party, unmixing matrix", "independent components:",
    { "latent.ica" } },
  { "StandardScaler, standardise, normalize, z-score, scale, whitening, MinMaxScaler",
    "columns of mean 0 and deviation 1; PCA does both itself with standardize and whiten:",
    { "latent.scaler", "latent.pca" } },
  -- clusters
  { "clustering, cluster, cluster analysis, DBSCAN, hierarchical clustering, agglomerative, spectral clustering, "
    .. "HDBSCAN", "clusters here are those of K-means and of mixtures:",
    { "latent.kmeans", "latent.gmm", "latent.gmm_select", "latent.mixture" } },
  { "GaussianMixture, mclust, mixture of Gaussians, MoG, soft clustering, density estimation",
    "mixtures of Gaussians:", { "latent.gmm", "latent.gmm_select", "latent.mppca" } },
  { "BayesianGaussianMixture, Dirichlet process, variational GMM, VBGMM", "mixtures are fitted by maximum likelihood "
    .. "here; how many components, by a criterion:", { "latent.gmm_select", "latent.gmm" } },
  { "latent class analysis, LCA, poLCA, mixture of Bernoullis, topic model, LDA, naive Bayes",
    "mixtures whose columns are independent given the component:", { "latent.mixture", "latent.classifier" } },
  { "EM algorithm, expectation-maximization, E-step, M-step",
    "one loop fits all models with hidden variables, also a model of your own:", { "fitting", "latent.em" } },
  { "cluster_centers_, centroids, centroid", "the centres of K-means:", { "KMeans.centers", "latent.kmeans" } },
  { "elbow, silhouette, number of clusters, number of components, model selection",
    "how many components, by BIC or AIC; the inertia of K-means over the number of clusters:",
    { "latent.gmm_select", "KMeans.inertia", "metrics.silhouette", "latent.pca" } },
  { "anomaly detection, outliers, outlier detection, novelty", "rows that a density finds improbable:",
    { "GMM:log_likelihood", "PPCA:log_likelihood", "latent.gmm" } },
  -- sequences
  { "Kalman, Kalman filter, Kalman smoother, RTS smoother, state space, state-space model, SSM, DLM, LGSSM",
    "linear dynamical systems:", { "latent.lds", "LDS:filter", "LDS:smooth", "LDS:tracker" } },
  { "EKF, UKF, extended Kalman filter, unscented Kalman filter, tracking", "a tracker sees one observation at a time, "
    .. "also of a nonlinear model:", { "LDS:tracker", "Tracker" } },
  { "ARIMA, ARMA model, time series, forecasting, structural time series, StructTS, UCM, Holt-Winters, "
    .. "exponential smoothing, seasonality, trend",
    "parts of a time series, put together to a linear dynamical system:",
    { "blocks", "blocks.fit", "LDS:forecast" } },
  { "HMM, hidden Markov model, Viterbi, Baum-Welch, forward-backward",
    "there is no hidden Markov model here. Sequences have continuous states, "
      .. "and mixtures take rows as independent:", { "latent.lds", "latent.mixture" } },
  -- nets
  { "autoencoder, variational autoencoder, IWAE, ELBO, evidence lower bound, reparameterization trick, beta-VAE",
    "an encoder and a decoder, and the bound that trains them:", { "latent.vae", "VAE:elbo", "latent.nonlinear" } },
  { "normalizing flow, RealNVP, NICE, MAF, Glow, neural spline flow, NSF", "exact densities by invertible nets:",
    { "latent.flow" } },
  { "DDPM, DDIM, score-based, denoising diffusion, Stable Diffusion, guidance", "denoising diffusion of vectors:",
    { "latent.diffusion" } },
  { "CNF, continuous normalizing flow, rectified flow, optimal transport, neural ODE",
    "velocity fields by regression:", { "latent.flow_matching", "metrics.wasserstein" } },
  { "WGAN, WGAN-GP, adversarial, discriminator, critic", "a generator and a critic:", { "latent.gan" } },
  { "neural network, neural net, MLP, torch, PyTorch, autograd, backprop, backpropagation, gradient, tensor, "
    .. "automatic differentiation", "nets, and gradients of what you compute with them:",
    { "nn", "nn.mlp", "nn.tape", "Value:backward" } },
  { "DataLoader, mini-batch, batch", "random batches of rows:", { "latent.batches", "nn" } },
  { "learning rate, schedule, scheduler, Adam, SGD, momentum", "optimizers and schedules of their steps:",
    { "nn.adam", "nn.adamw", "nn.sgd", "nn.cosine", "nn.warm_up" } },
  { "FID, inception score, KID, precision recall, sample quality", "how far draws are from data:",
    { "metrics", "metrics.energy_distance", "metrics.precision_recall" } },
  -- rows, files, validation
  { "train_test_split, test split, hold out, k-fold, cross-validation, cross_val_score",
    "rows apart to test with:", validation },
  { "ARI, adjusted Rand index, adjusted_rand_score, NMI, normalized_mutual_info_score, accuracy_score, "
    .. "confusion matrix, ROC, roc_auc_score, area under the curve, F1",
    "how well labels agree, and scores against labels:", { "metrics.adjusted_rand",
      "metrics.normalized_mutual_information", "metrics.accuracy", "metrics.confusion", "metrics.auc" } },
  { "LogisticRegression, supervised, classification, regression, SVM, random forest, QDA, "
    .. "QuadraticDiscriminantAnalysis",
    "what is learnt here are densities: one for each class makes a classifier, and a joint one a regression:",
    { "latent.classifier", "GMM:conditional" } },
  { "missing data, missing values, NaN, NA, imputation, SimpleImputer, fillna, dropna",
    "NaN marks a missing entry; models that know them take missing = true, and fill them in:",
    { "latent.ppca", "latent.gmm", "PPCA:impute", "GMM:impute", "Matrix:isnan" } },
  { "DataFrame, pandas, read_csv, loadtxt, fread, CSV file, to_csv, savetxt", "tables of numbers are matrices:",
    { "latent.read", "latent.write", "latent.open", "matrix" } },
  { "pickle, joblib, checkpoint, save model, load model, dump, saveRDS", "models in files:",
    { "save", "latent.load" } },
  { "NumPy, ndarray, array, np.array", "matrices and vectors:", { "matrix", "Matrix", "conventions" } },
  { "shape, size, ndim", "#X, X.rows and X.cols:", { "Matrix.rows", "Matrix.cols", "Matrix:__len" } },
  { "reshape, slice, slicing, submatrix, iloc", "parts of a matrix, and its elements in another shape:",
    { "Matrix:block", "Matrix:row", "Matrix:col", "Matrix:rows_at", "Matrix:cols_at" } },
  { "cov, corrcoef, cor, covariance matrix, correlation matrix, Pearson", "of the columns of a matrix:",
    { "Matrix:covariance", "Matrix:correlation", "Matrix:var" } },
  { "value_counts, LabelEncoder, factor levels, distinct, tabulate",
    "distinct numbers, how often each comes, and codes:",
    { "Matrix:unique", "metrics.confusion" } },
  { "prediction interval, confidence interval, confidence band, credible interval",
    "intervals of forecasts, { level = 0.95 }, and of draws by quantiles:", { "LDS:forecast", "Matrix:quantile" } },
  { "matmul, mm, product, matrix multiplication, elementwise, Hadamard",
    "A * B is the matrix product, A % B goes element by element:",
    { "Matrix:__mul", "Matrix:__mod", "Matrix:dot", "Matrix:outer" } },
  { "eigh, eig, eigenvalue, eigenvector, eigendecomposition, PSD", "eigenvalues and eigenvectors:",
    { "eigen", "eigen.symmetric", "eigen.general", "eigen.largest" } },
  { "lstsq, least squares, pseudoinverse, inv, linalg", "linear algebra of matrices:",
    { "Matrix:solve", "Matrix:pinv", "Matrix:inverse", "Matrix:qr" } },
  { "rng, randn, rand, rnorm, runif, random numbers, random_state, set.seed, manual_seed",
    "random numbers by seed:", { "random", "matrix.normal", "matrix.random" } },
  -- pictures and the rest
  { "scatter, scatter plot, plt.scatter", "points, also by class:", { "Figure:points", "plot.figure" } },
  { "matplotlib, pyplot, plt, chart, diagram, graph, picture, ggplot", "figures by gnuplot:",
    { "plot", "plot.figure", "Figure" } },
  { "imshow, heat map", "matrices as pictures:", { "Figure:heatmap", "Figure:image", "plot.images" } },
  { "hist, bar chart, barplot, error bar, fill_between, subplots, quiver, contour plot", "parts of a figure:",
    { "Figure:histogram", "Figure:bars", "Figure:errorbars", "Figure:ribbon", "Figure:panels", "Figure:vectors",
      "Figure:contours" } },
  { "savefig, show figure, png, svg", "figures in files, or in the terminal:", { "Figure:save", "Figure:show" } },
  { "tqdm, progress bar", "a bar on the terminal:", { "latent.progress", "progress.bar" } },
  { "n_jobs, parallel, multithreading, OpenMP, cores, GPU, CUDA",
    "work is spread over threads of the processor; there is no GPU here:", { "latent.threads", "conventions" } },
  { "likelihood, log-likelihood, score_samples, perplexity, deviance", "in nats, one value a row; score is "
    .. "their mean:", { "GMM:log_likelihood", "GMM:score", "conventions" } },
  { "degrees of freedom, information criterion, information criteria", "free parameters, AIC and BIC of a model:",
    { "GMM:free_parameters", "GMM:aic", "GMM:bic" } },
  { "posterior, latent variables, embedding of rows, scores, factor scores, encode",
    "posterior means of the latent variables:", { "PCA:transform", "PPCA:posterior", "FA:transform" } },
  { "predict_proba, membership, posterior probabilities", "posterior probabilities of components and classes:",
    { "GMM:responsibilities", "Classifier" } },
  { "iris, MNIST, digits, example data, toy data, make_blobs, make_moons, make_circles, make_swiss_roll, "
    .. "synthetic data, sklearn.datasets", "data to try things with, and generators of data whose truth is known:",
    { "datasets", "datasets.iris", "datasets.mnist", "datasets.blobs", "datasets.linear_gaussian", "datasets.lds" } },
  { "Jupyter, notebook, REPL, IPython", "where latent can be typed:", { "notebooks" } },
}
