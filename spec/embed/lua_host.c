/* lua_host.c: a host that hands memory and models to a script and back by latent_lua.h, and whose
 * allocator counts. Runs a script with the table `host` of the functions below:
 *
 *   lua_host SCRIPT     prints what the script prints, how many buffers were pushed and released, and
 *                       what is left when closing the state leaves any memory */
#include <stdio.h>
#include <stdlib.h>

#include "latent_lua.h"
#include <lualib.h>

static size_t held;
static int pushed, released, twice, warnings;

static void *allocate(void *state, void *old, size_t was, size_t size)
{
  (void)state;
  if (!old) was = 0; /* then it is a kind of object */
  void *memory = NULL;
  if (size > 0 && !(memory = realloc(old, size))) return NULL;
  if (size == 0) free(old);
  held += size - was;
  return memory;
}

static void count_warning(void *state, const char *message, int more)
{
  (void)state, (void)message;
  if (!more) warnings++;
}

/* ---- buffers, and what their release does ---------------------------------------------------- */

typedef struct buffer {
  lua_State *L;
  double *numbers;
  const char *how;
  bool gone;
} buffer;

/* In the first bytes of a buffer's own: how it ends. */
static void release(void *context)
{
  buffer *b = context;
  buffer was = *b;
  twice += was.gone;
  b->gone = true; /* the struct itself stays, to see a second call */
  free(was.numbers);
  released++;
  if (strcmp(was.how, "collect") == 0) lua_gc(was.L, LUA_GCCOLLECT);
  if (strcmp(was.how, "fit") == 0)
    (void)luaL_dostring(was.L, "local latent = require 'latent'\n"
                               "again = latent.gmm{}:fit(latent.matrix.normal(20, 2))");
  if (strcmp(was.how, "raise") == 0) luaL_error(was.L, "the release raises");
}

static buffer *new_buffer(lua_State *L, const char *how, size_t count)
{
  buffer *b = malloc(sizeof *b); /* not freed, for `twice` */
  *b = (buffer){L, malloc(count * sizeof(double)), how, false};
  for (size_t i = 0; i < count; i++) b->numbers[i] = (double)i + 1;
  pushed++;
  return b;
}

/* push(rows, cols [, how [, flags]]): 1, 2, 3, ... by rows */
static int push(lua_State *L)
{
  static const char *const hows[] = {"free", "collect", "fit", "raise", NULL};
  size_t rows = (size_t)luaL_checkinteger(L, 1), cols = (size_t)luaL_checkinteger(L, 2);
  const char *how = hows[luaL_checkoption(L, 3, "free", hows)];
  buffer *b = new_buffer(L, how, rows * cols);
  lat_matrix X = lat_lua_matrix(b->numbers, rows, cols);
  lat_lua_push_matrix(L, &X, (unsigned)luaL_optinteger(L, 4, 0), release, b);
  return 1;
}

/* push_view(what): twelve numbers as a view that isn't as it should be */
static int push_view(lua_State *L)
{
  const char *what = luaL_checkstring(L, 1);
  buffer *b = new_buffer(L, "free", 12);
  lat_matrix X = lat_lua_matrix(b->numbers, 3, 4);
  unsigned flags = 0;
  if (strcmp(what, "data") == 0) X.data = NULL;
  if (strcmp(what, "rows") == 0) X.rows = 0;
  if (strcmp(what, "dtype") == 0) X.dtype = (lat_dtype)7;
  if (strcmp(what, "flags") == 0) flags = 64;
  if (strcmp(what, "vector") == 0) flags = LAT_LUA_VECTOR;
  if (strcmp(what, "unaligned") == 0) X.data = (char *)X.data + 1;
  if (strcmp(what, "large") == 0) X.row_stride = PTRDIFF_MAX / 4;
  if (strcmp(what, "huge") == 0) X.rows = SIZE_MAX / 2;
  if (strcmp(what, "repeated") == 0) X.row_stride = 0;
  if (strcmp(what, "interleaved") == 0) X.row_stride = 3;
  if (strcmp(what, "transposed") == 0) X = (lat_matrix){b->numbers, 4, 3, 1, 4, LAT_FLOAT64};
  if (strcmp(what, "upside_down") == 0) X = (lat_matrix){b->numbers + 8, 3, 4, -4, 1, LAT_FLOAT64};
  if (strcmp(what, "float32") == 0) {
    float *small = (float *)b->numbers;
    for (int i = 0; i < 12; i++) small[i] = (float)i / 2;
    X.dtype = LAT_FLOAT32;
  }
  lat_lua_push_matrix(L, &X, flags, release, b);
  return 1;
}

/* static_matrix(): memory without a release, always the same */
static int static_matrix(lua_State *L)
{
  static double numbers[6] = {1, 2, 3, 4, 5, 6};
  lat_matrix X = lat_lua_matrix(numbers, 2, 3);
  lat_lua_push_matrix(L, &X, 0, NULL, NULL);
  return 1;
}

static int take_back(lua_State *L)
{
  lua_pushboolean(L, lat_lua_take_back(L, 1));
  return 1;
}

/* counts() -> pushed, released, released twice, warnings */
static int counts(lua_State *L)
{
  lua_pushinteger(L, pushed);
  lua_pushinteger(L, released);
  lua_pushinteger(L, twice);
  lua_pushinteger(L, warnings);
  return 4;
}

/* ---- matrices -------------------------------------------------------------------------------- */

/* view(X) -> flags, rows, cols, dtype, sum */
static int view(lua_State *L)
{
  lat_matrix X;
  double sum = 0;
  unsigned flags = lat_lua_to_matrix(L, 1, &X);
  lua_pushinteger(L, flags);
  if (!flags) return 1;
  for (size_t i = 0; i < X.rows; i++)
    for (size_t j = 0; j < X.cols; j++) sum += lat_get(&X, i, j);
  lua_pushinteger(L, (lua_Integer)X.rows);
  lua_pushinteger(L, (lua_Integer)X.cols);
  lua_pushinteger(L, X.dtype);
  lua_pushnumber(L, sum);
  return 5;
}

/* double(X): in place; halves(X): fresh */
static int twice_in_place(lua_State *L)
{
  lat_matrix X = lat_lua_check_matrix(L, 1, "host.double", "X", LAT_LUA_WRITE);
  for (size_t i = 0; i < X.rows; i++)
    for (size_t j = 0; j < X.cols; j++) lat_set(&X, i, j, 2 * lat_get(&X, i, j));
  return 0;
}

static int halves(lua_State *L)
{
  lat_matrix X = lat_lua_check_matrix(L, 1, "host.halves", "X", 0);
  lat_matrix H = lat_lua_new_matrix(L, X.rows, X.cols, LAT_FLOAT64, 0);
  for (size_t i = 0; i < X.rows; i++)
    for (size_t j = 0; j < X.cols; j++) lat_set(&H, i, j, lat_get(&X, i, j) / 2);
  return 1;
}

static int new_matrix(lua_State *L)
{
  lat_lua_new_matrix(L, (size_t)luaL_checkinteger(L, 1), (size_t)luaL_checkinteger(L, 2),
                     LAT_FLOAT64, (unsigned)luaL_optinteger(L, 3, 0));
  return 1;
}

/* ---- models ---------------------------------------------------------------------------------- */

static int output(lua_State *L, const lat_fitted *f, lat_matrix X, const char *what)
{
  lat_workspace *work = lat_lua_workspace(L);
  lat_request request = {.X = X};
  bool latent = strcmp(what, "latent") == 0, K = strcmp(what, "distances") == 0;
  size_t cols = latent ? f->sizes[LAT_M] : K ? f->sizes[LAT_K] : X.cols;
  bool rows = latent || K || strcmp(what, "standardized") == 0;
  lat_matrix to =
      lat_lua_new_matrix(L, X.rows, rows ? cols : 1, LAT_FLOAT64, rows ? 0 : LAT_LUA_VECTOR);
  lat_outputs outputs = {.latent = latent ? &to : NULL, .distances = K ? &to : NULL};
  if (strcmp(what, "standardized") == 0) outputs.standardized = &to;
  if (strcmp(what, "labels") == 0) outputs.labels = to.data;
  if (strcmp(what, "log_likelihood") == 0) outputs.log_likelihood = to.data;
  lat_lua_raise(L, "host.score", work, f->model->apply(work, f, &request, &outputs));
  return 1;
}

/* score(model, X, what [, kind]): what C says of the rows */
static int score(lua_State *L)
{
  lat_matrix X = lat_lua_check_matrix(L, 2, "host.score", "X", 0);
  const char *what = luaL_checkstring(L, 3), *kind = luaL_optstring(L, 4, NULL);
  lat_fitted f = lat_lua_check_model(L, 1, "host.score", "model", kind);
  return output(L, &f, X, what);
}

/* is_model(x [, kind]) */
static int is_model(lua_State *L)
{
  lat_fitted f;
  lua_pushboolean(L, lat_lua_to_model(L, 1, luaL_optstring(L, 2, NULL), &f));
  return 1;
}

/* keep(model); score_kept(X, what) */
static lat_fitted kept;
static int reference = LUA_NOREF;

static int keep(lua_State *L)
{
  luaL_unref(L, LUA_REGISTRYINDEX, reference);
  kept = lat_lua_check_model(L, 1, "host.keep", "model", NULL);
  reference = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static int score_kept(lua_State *L)
{
  return output(L, &kept, lat_lua_check_matrix(L, 1, "host.score_kept", "X", 0),
                luaL_checkstring(L, 2));
}

/* fit(kind, X, ...): fits in C by the description, with options by name and value, and pushes it */
static int fit(lua_State *L)
{
  static const lat_model *const models[] = {
      &lat_kmeans_model, &lat_gmm_model,  &lat_mixture_model, &lat_mppca_model,
      &lat_ppca_model,   &lat_bpca_model, &lat_fa_model,      NULL};
  const char *kind = luaL_checkstring(L, 1);
  lat_matrix X = lat_lua_check_matrix(L, 2, "host.fit", "X", 0);
  lat_workspace *work = lat_lua_workspace(L);
  const lat_model *const *model = models;
  while (*model && strcmp((*model)->name, kind) != 0) model++;
  if (!*model) return luaL_error(L, "no such model");
  const int top = lua_gettop(L);
  void *options = lua_newuserdatauv(L, (*model)->options_size, 0);
  lat_model_defaults(*model, options);
  for (int i = 3; i < top; i += 2) {
    const char *name = luaL_checkstring(L, i), *text = luaL_tolstring(L, i + 1, NULL);
    lat_lua_raise(L, "host.fit", work,
                  lat_option_set(work, (*model)->options, options, name, text));
  }
  lat_source rows = lat_source_of(&X);
  lat_fitted f;
  lat_fit_report report;
  lat_lua_raise(L, "host.fit", work,
                lat_fit_model(work, *model, &rows, NULL, options, &f, &report));
  lat_lua_push_model(L, &f, &report);
  return 1;
}

/* project(kind, X): the same of PCA, ICA and scalers, by their views */
static int project(lua_State *L)
{
  lat_matrix X = lat_lua_check_matrix(L, 2, "host.project", "X", 0);
  const char *kind = luaL_checkstring(L, 1);
  lat_workspace *work = lat_lua_workspace(L);
  lat_source rows = lat_source_of(&X);
  lat_pca pca;
  lat_scaler scaler;
  lat_fitted f;
  if (strcmp(kind, "pca") == 0) {
    lat_pca_options options = lat_pca_defaults();
    options.latent_dim = 2;
    lat_lua_raise(L, "host.project", work, lat_pca_fit(work, &rows, NULL, &options, &pca, NULL));
    f = lat_pca_fitted(&pca);
  } else {
    lat_scaler_options options = lat_scaler_defaults();
    lat_lua_raise(L, "host.project", work, lat_scaler_fit(work, &rows, NULL, &options, &scaler));
    f = lat_scaler_fitted(&scaler);
  }
  lat_lua_push_model(L, &f, NULL);
  return 1;
}

/* net(X, [path]): trains a VAE in C, for the sums of its training to be compared, and pushes it */
static int net(lua_State *L)
{
  lat_matrix X = lat_lua_check_matrix(L, 1, "host.net", "X", 0);
  lat_workspace *work = lat_lua_workspace(L);
  lat_vae_options options = lat_vae_defaults();
  options.latent_dim = 2;
  options.likelihood.D = X.cols;
  options.likelihood.kind = LAT_P_GAUSSIAN;
  static lat_vae vae; /* it must not move */
  lat_training training = lat_training_defaults();
  training.epochs = 2;
  training.batch = 32;
  lat_lua_raise(L, "host.net", work, lat_vae_init(work, &vae, &options));
  lat_lua_raise(L, "host.net", work, lat_vae_fit(work, &vae, &X, &training, NULL));
  lat_fitted f = lat_vae_fitted(&vae);
  lat_lua_push_model(L, &f, NULL);
  lat_vae_done(&vae);
  return 1;
}

/* system(Y, form, initial): fits a linear dynamical system in C, and pushes it */
static int dynamics(lua_State *L)
{
  lat_matrix Y = lat_lua_check_matrix(L, 1, "host.system", "Y", 0);
  lat_workspace *work = lat_lua_workspace(L);
  lat_lds_options options = lat_lds_defaults();
  options.latent_dim = 1;
  options.fit.max_iterations = 3;
  options.form = lua_toboolean(L, 2) ? LAT_LDS_SQUARE_ROOT : LAT_LDS_COVARIANCE_FORM;
  options.initial = lua_toboolean(L, 3) ? LAT_LDS_DIFFUSE : LAT_LDS_KNOWN;
  lat_lds_sequence sequence = {.steps = Y.rows, .Y = Y.data};
  lat_lds lds;
  lat_fit_report report;
  lat_fitted f;
  lat_lua_raise(L, "host.system", work, lat_lds_fit(work, &sequence, 1, &options, &lds, &report));
  lat_lua_raise(L, "host.system", work, lat_lds_fitted(work, &lds, &options, &f));
  lat_lua_push_model(L, &f, &report);
  return 1;
}

/* again(model): views a model, and pushes what is viewed as another one */
static int again(lua_State *L)
{
  lat_fitted f = lat_lua_check_model(L, 1, "host.again", "model", NULL);
  lat_lua_push_model(L, &f, NULL);
  return 1;
}

/* push_wrong(what): a mixture of two Gaussians in one dimension that isn't as it should be */
static int push_wrong(lua_State *L)
{
  static const lat_model unknown = {.name = "deep thought"};
  const char *what = luaL_checkstring(L, 1);
  double flat[] = {0.5, 0.5, -1, 1, 1, 1};
  lat_gmm_options options = lat_gmm_defaults();
  options.components = 2;
  lat_gmm gmm = {options, 1, 2, flat, flat + 2, flat + 4, {0}};
  if (strcmp(what, "nan") == 0) flat[3] = 0.0 / 0.0;
  if (strcmp(what, "weights") == 0) flat[0] = 0.9;
  if (strcmp(what, "variance") == 0) flat[5] = -1;
  if (strcmp(what, "options") == 0) gmm.options.components = 0;
  if (strcmp(what, "sizes") == 0) gmm.D = gmm.K = 0;
  if (strcmp(what, "nothing") == 0) gmm.weights = NULL;
  lat_fitted f = lat_gmm_fitted(&gmm);
  if (strcmp(what, "unknown") == 0) f.model = &unknown;
  if (strcmp(what, "vae") == 0) f.model = &lat_vae_model;
  lat_lua_push_model(L, &f, NULL);
  return 1;
}

/* ---- versions and states --------------------------------------------------------------------- */

/* as_version(abi, structs): the module is of another version, with the "same" structs, "others" or
 * "fewer" */
static int as_version(lua_State *L)
{
  static lat_lua_table other;
  static size_t sizes[] = LAT_LUA_SIZES;
  const char *structs = luaL_checkstring(L, 2);
  other = *lat_lua_get(L);
  other.abi = (int)luaL_checkinteger(L, 1);
  other.version = "9.8.7";
  other.sizes = sizes;
  sizes[1] = sizeof(lat_workspace) + (strcmp(structs, "others") == 0 ? 8 : 0);
  if (strcmp(structs, "fewer") == 0) other.size_count = 3;
  lua_pushlightuserdata(L, &other);
  lua_setfield(L, LUA_REGISTRYINDEX, LAT_LUA_KEY);
  return 0;
}

static void push_functions(lua_State *L);

static lua_State *open_state(bool with_latent)
{
  lua_State *L = lua_newstate(allocate, NULL);
  lua_setwarnf(L, count_warning, NULL);
  luaL_openlibs(L);
  if (with_latent) {
    luaL_requiref(L, "latent", luaopen_latent, 0);
    lua_pop(L, 1);
  }
  push_functions(L);
  lua_setglobal(L, "host");
  return L;
}

/* in_state(script [, without]): in a state of its own; its result or message as a string */
static int in_state(lua_State *L)
{
  lua_State *other = open_state(!lua_toboolean(L, 2));
  (void)luaL_dostring(other, luaL_checkstring(L, 1));
  lua_pushstring(L, lua_tostring(other, -1));
  lua_close(other);
  return 1;
}

static void push_functions(lua_State *L)
{
  static const luaL_Reg functions[] = {{"push", push},
                                       {"push_view", push_view},
                                       {"static_matrix", static_matrix},
                                       {"take_back", take_back},
                                       {"counts", counts},
                                       {"view", view},
                                       {"double", twice_in_place},
                                       {"halves", halves},
                                       {"new", new_matrix},
                                       {"score", score},
                                       {"is_model", is_model},
                                       {"keep", keep},
                                       {"score_kept", score_kept},
                                       {"fit", fit},
                                       {"project", project},
                                       {"net", net},
                                       {"system", dynamics},
                                       {"again", again},
                                       {"push_wrong", push_wrong},
                                       {"as_version", as_version},
                                       {"in_state", in_state},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
}

int main(int count, char **arguments)
{
  if (count != 2) return 1;
  lua_State *L = open_state(true);
  int status = luaL_dofile(L, arguments[1]);
  if (status != LUA_OK) printf("%s\n", lua_tostring(L, -1));
  lua_close(L);
  if (twice || pushed != released)
    printf("%d pushed, %d released, %d twice\n", pushed, released, twice);
  if (held != 0) printf("%zu bytes are left\n", held);
  return status != LUA_OK || held != 0;
}
