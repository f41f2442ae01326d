/* gan/infer.c: rows of the generator and scores of the critic (gan.h), in chunks of rows with
 * parameters as constants, each on a tape of its own (deep/common/rows.h). */
#include "deep/common/decoder.h"
#include "deep/gan/internal.h"

typedef struct use {
  const lat_gan *gan;
  lat_store store;         /* parameters, or their averages */
  const lat_matrix *Z, *X; /* latent variables, or NULL; rows */
  const size_t *labels;
  bool draw;         /* latent variables, which Z gets */
  lat_random random; /* its streams, one for each chunk, are those of the draws */
  double *scores;
} use;

/* Rows of Z, given or drawn. */
static lat_value latent(const use *u, lat_tape *tape, size_t first, size_t count)
{
  lat_matrix given;
  if (u->Z) given = lat_block_of(*u->Z, first, 0, count, u->Z->cols);
  if (!u->draw) return lat_nn_input(tape, &given, false);
  lat_random random = u->random;
  random.stream += first;
  lat_value z = lat_nn_fill(tape, count, u->gan->own.latent_dim, 0);
  lat_matrix drawn = lat_tape_value(tape, z);
  if (!drawn.data) return z;
  if (drawn.dtype == LAT_FLOAT64)
    lat_random_fill_normal(NULL, &random, drawn.rows * drawn.cols, drawn.data);
  else
    lat_random_fill_normal_float(NULL, &random, drawn.rows * drawn.cols, drawn.data);
  if (u->Z) lat_copy(&drawn, &given);
  return z;
}

static lat_status generate_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  use *u = context;
  const lat_net net = lat_gan_net(&u->gan->generator, &u->store);
  lat_value z = lat_with_labels(tape, latent(u, tape, first, count),
                                u->labels ? u->labels + first : NULL, u->gan->own.classes);
  lat_matrix x = lat_tape_value(tape, lat_net_constant(tape, &net, z));
  const lat_matrix to = lat_block_of(*u->X, first, 0, count, u->X->cols);
  if (x.data) lat_units_restore(&u->gan->units, &x, &to);
  return tape->status;
}

static lat_status score_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  use *u = context;
  const lat_net net = lat_gan_net(&u->gan->critic, &u->store);
  lat_value x = lat_with_labels(tape, lat_gan_rows(tape, u->gan, u->X, first, count),
                                u->labels ? u->labels + first : NULL, u->gan->own.classes);
  lat_matrix scores = lat_tape_value(tape, lat_net_constant(tape, &net, x));
  for (size_t i = 0; scores.data && i < count; i++) u->scores[first + i] = lat_get(&scores, i, 0);
  return tape->status;
}

static lat_status each_rows(lat_workspace *work, use *u, const lat_net *net, lat_rows_task *task)
{
  return lat_each_rows(work, u->store.dtype, 0, u->X->rows, lat_rows_chunk(lat_net_width(net)),
                       lat_net_tape_numbers(net) + 2 * u->X->cols, task, u);
}

/* Draws are the average generator's. */
static use use_generator(lat_gan *gan, const lat_matrix *Z, const lat_matrix *X)
{
  use u = {.gan = gan, .store = gan->deep.store, .Z = Z, .X = X};
  if (gan->own.ema > 0 && gan->deep.store.average) u.store.values = gan->deep.store.average;
  return u;
}

lat_status lat_gan_decode(lat_workspace *work, lat_gan *gan, const lat_matrix *Z,
                          const lat_matrix *labels, const lat_matrix *X)
{
  LAT_SCOPE(work);
  use u = use_generator(gan, Z, X);
  LAT_TRY(lat_gan_check_data(work, gan, "Z", Z, gan->own.latent_dim, labels, &u.labels));
  LAT_TRY(lat_units_check(work, NULL, gan->deep.store.dtype, "Z", Z));
  return each_rows(work, &u, &gan->generator, generate_chunk);
}

lat_status lat_gan_sample(lat_workspace *work, lat_gan *gan, const lat_matrix *labels,
                          lat_random *random, const lat_matrix *Z, const lat_matrix *X)
{
  LAT_SCOPE(work);
  use u = use_generator(gan, Z, X);
  const lat_gan_options *o = &gan->own;
  u.draw = true;
  u.random = lat_random_split(random);
  LAT_TRY(lat_class_labels(work, labels, X->rows, o->classes, o->lowest, &u.labels));
  return each_rows(work, &u, &gan->generator, generate_chunk);
}

lat_status lat_gan_score(lat_workspace *work, lat_gan *gan, const lat_matrix *X,
                         const lat_matrix *labels, double *scores)
{
  LAT_SCOPE(work);
  use u = {.gan = gan, .store = gan->deep.store, .X = X, .scores = scores};
  LAT_TRY(lat_gan_check_data(work, gan, "X", X, gan->own.input_dim, labels, &u.labels));
  LAT_TRY(lat_units_check(work, &gan->units, gan->deep.store.dtype, "X", X));
  return each_rows(work, &u, &gan->critic, score_chunk);
}
