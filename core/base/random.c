/* random.c: Philox 4x32-10 (random.h) and what is drawn from its words.
 *
 * A block of four 32-bit words is a function of a 128-bit counter (position/2 and stream) and a
 * 64-bit key (the seed). Arrays are filled in batches of blocks, whose counters lie in arrays so
 * that the rounds are vector code; a batch has the same numbers as single draws at the same
 * positions. */
#include "base/random.h"

#include "base/clones.h"
#include "base/parallel.h"
#include "base/vector_kernels.h"

/* ---- words ------------------------------------------------------------------ */

enum { ROUNDS = 10 };

/* Philox's multipliers, and the steps of its key: the golden ratio and sqrt(3) - 1 */
static const uint32_t M0 = 0xd2511f53, M1 = 0xcd9e8d57, W0 = 0x9e3779b9, W1 = 0xbb67ae85;

/* One round of a block: two products whose halves are crossed over. */
static inline void philox_round(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, uint32_t k0,
                                uint32_t k1)
{
  uint64_t p0 = (uint64_t)M0 * *c0, p1 = (uint64_t)M1 * *c2;
  *c0 = (uint32_t)(p1 >> 32) ^ *c1 ^ k0;
  *c1 = (uint32_t)p1;
  *c2 = (uint32_t)(p0 >> 32) ^ *c3 ^ k1;
  *c3 = (uint32_t)p0;
}

void lat_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  for (uint32_t r = 0; r < ROUNDS; r++)
    philox_round(&c0, &c1, &c2, &c3, key[0] + r * W0, key[1] + r * W1);
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* How many blocks are made at once: the four arrays of their counters stay in the first cache. */
enum { BATCH = 128 };

/* The even and the odd words of blocks first..first+n-1, n <= BATCH. */
static LAT_CLONES void make_words(const lat_random *random, uint64_t first, size_t n,
                                  uint64_t *restrict even, uint64_t *restrict odd)
{
  uint32_t c0[BATCH], c1[BATCH], c2[BATCH], c3[BATCH];
  for (size_t i = 0; i < n; i++) {
    c0[i] = (uint32_t)(first + i);
    c1[i] = (uint32_t)((first + i) >> 32);
    c2[i] = (uint32_t)random->stream;
    c3[i] = (uint32_t)(random->stream >> 32);
  }
  uint32_t k0 = (uint32_t)random->seed, k1 = (uint32_t)(random->seed >> 32);
  for (uint32_t r = 0; r < ROUNDS; r++, k0 += W0, k1 += W1)
    for (size_t i = 0; i < n; i++) philox_round(&c0[i], &c1[i], &c2[i], &c3[i], k0, k1);
  for (size_t i = 0; i < n; i++) {
    even[i] = c0[i] | (uint64_t)c1[i] << 32;
    odd[i] = c2[i] | (uint64_t)c3[i] << 32;
  }
}

/* The two words of one block. */
static void make_pair(const lat_random *random, uint64_t block, uint64_t *even, uint64_t *odd)
{
  uint64_t stream = random->stream, seed = random->seed;
  uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream,
                   (uint32_t)(stream >> 32)};
  lat_philox(c, (uint32_t[2]){(uint32_t)seed, (uint32_t)(seed >> 32)}, c);
  *even = c[0] | (uint64_t)c[1] << 32;
  *odd = c[2] | (uint64_t)c[3] << 32;
}

uint64_t lat_random_word(lat_random *random)
{
  uint64_t position = random->position++, even, odd;
  make_pair(random, position / 2, &even, &odd);
  return position % 2 ? odd : even;
}

/* ---- numbers from words --------------------------------------------------- */

/* The upper 53 bits as a number in [0, 2^53), exactly. In two halves, each put into the mantissa
 * of a power of two, because plain AVX2 can't convert 64-bit integers. */
static inline double upper53(uint64_t word)
{
  uint64_t v = word >> 11;
  double high = real_of64(bits_of64(0x1p84) | v >> 32) - (0x1p84 + 0x1p52);
  return high + real_of64(bits_of64(0x1p52) | (v & UINT32_MAX));
}

static inline double uniform_of(uint64_t word)
{
  return upper53(word) * 0x1p-53;
}

/* Box and Muller (1958): radius sqrt(-2 log u), u in (0, 1], at a uniform angle. The angle is
 * (quarter + f) pi/2 with f in [-1/2, 1/2), so its sine and cosine need no reduction. */
static inline void normals_of(uint64_t even, uint64_t odd, double *first, double *second)
{
  double u = (upper53(even) + 1) * 0x1p-53, radius = sqrt(-2 * log64(u)), sine, cosine;
  uint64_t fraction = odd >> 11 & (((uint64_t)1 << 51) - 1);
  double f = (real_of64(bits_of64(0x1p52) | fraction) - 0x1p52) * 0x1p-51 - 0.5;
  sincos_reduced(f * 0x1.921fb54442d18p0, 0, &sine, &cosine);
  rotate_quarters(odd >> 62, &sine, &cosine);
  *first = radius * cosine;
  *second = radius * sine;
}

/* A recipe converts the words of `pairs` blocks to 2*pairs numbers. */
typedef void transform(size_t pairs, const uint64_t *restrict even, const uint64_t *restrict odd,
                       void *restrict out);

typedef struct recipe {
  transform *transform;
  size_t size;     /* of a number */
  uint64_t domain; /* added to the block's number */
} recipe;

static LAT_CLONES void to_uniform(size_t pairs, const uint64_t *restrict even,
                                  const uint64_t *restrict odd, void *restrict out)
{
  double *y = out;
  for (size_t i = 0; i < pairs; i++) {
    y[2 * i] = uniform_of(even[i]);
    y[2 * i + 1] = uniform_of(odd[i]);
  }
}

/* Cut to 24 bits: rounding could give 1. */
static LAT_CLONES void to_uniform_float(size_t pairs, const uint64_t *restrict even,
                                        const uint64_t *restrict odd, void *restrict out)
{
  float *y = out;
  for (size_t i = 0; i < pairs; i++) {
    y[2 * i] = (float)(int32_t)(even[i] >> 40) * 0x1p-24f;
    y[2 * i + 1] = (float)(int32_t)(odd[i] >> 40) * 0x1p-24f;
  }
}

static LAT_CLONES void to_normal(size_t pairs, const uint64_t *restrict even,
                                 const uint64_t *restrict odd, void *restrict out)
{
  double *y = out;
  for (size_t i = 0; i < pairs; i++) {
    double a, b;
    normals_of(even[i], odd[i], &a, &b);
    y[2 * i] = a;
    y[2 * i + 1] = b;
  }
}

static LAT_CLONES void to_normal_float(size_t pairs, const uint64_t *restrict even,
                                       const uint64_t *restrict odd, void *restrict out)
{
  float *y = out;
  for (size_t i = 0; i < pairs; i++) {
    double a, b;
    normals_of(even[i], odd[i], &a, &b);
    y[2 * i] = (float)a;
    y[2 * i + 1] = (float)b;
  }
}

/* A normal depends on both words of its block. So that it has nothing to do with a uniform number
 * drawn just before or after it from that block, normals have the upper half of all blocks to
 * themselves, which positions (halved, they have 63 bits) don't reach. */
static const uint64_t NORMALS = (uint64_t)1 << 63;

static const recipe uniform_recipe = {to_uniform, sizeof(double), 0};
static const recipe uniform_float_recipe = {to_uniform_float, sizeof(float), 0};
static const recipe normal_recipe = {to_normal, sizeof(double), NORMALS};
static const recipe normal_float_recipe = {to_normal_float, sizeof(float), NORMALS};

/* ---- fills -------------------------------------------------------------------- */

/* Number `position` of the recipe. */
static void make_one(const lat_random *random, uint64_t position, const recipe *r, void *out)
{
  uint64_t even, odd;
  double both[2]; /* of double or float */
  make_pair(random, position / 2 + r->domain, &even, &odd);
  r->transform(1, &even, &odd, both);
  memcpy(out, (char *)both + position % 2 * r->size, r->size);
}

static void make_range(const lat_random *random, uint64_t position, size_t n, const recipe *r,
                       char *out)
{
  if (n && position % 2) {
    make_one(random, position++, r, out);
    out += r->size;
    n--;
  }
  uint64_t even[BATCH], odd[BATCH];
  while (n >= 2) {
    size_t pairs = n / 2 < BATCH ? n / 2 : BATCH;
    make_words(random, position / 2 + r->domain, pairs, even, odd);
    r->transform(pairs, even, odd, out);
    position += 2 * pairs;
    out += 2 * pairs * r->size;
    n -= 2 * pairs;
  }
  if (n) make_one(random, position, r, out);
}

enum { CHUNK = 1 << 15 }; /* numbers of a chunk of lat_parallel: some 50 us */

typedef struct fill {
  lat_random random;
  const recipe *recipe;
  size_t n;
  char *out;
} fill;

static void fill_chunk(void *context, size_t chunk, size_t worker)
{
  const fill *f = context;
  (void)worker;
  size_t start = chunk * CHUNK, n = f->n - start < CHUNK ? f->n - start : CHUNK;
  make_range(&f->random, f->random.position + start, n, f->recipe,
             f->out + start * f->recipe->size);
}

static lat_status fill_with(lat_workspace *work, lat_random *random, const recipe *r, size_t n,
                            void *out)
{
  fill f = {*random, r, n, out};
  LAT_TRY(lat_parallel(work, n / CHUNK + (n % CHUNK > 0), fill_chunk, &f));
  random->position += n;
  return LAT_OK;
}

lat_status lat_random_fill_uniform(lat_workspace *work, lat_random *random, size_t n, double *out)
{
  return fill_with(work, random, &uniform_recipe, n, out);
}

lat_status lat_random_fill_normal(lat_workspace *work, lat_random *random, size_t n, double *out)
{
  return fill_with(work, random, &normal_recipe, n, out);
}

lat_status lat_random_fill_uniform_float(lat_workspace *work, lat_random *random, size_t n,
                                         float *out)
{
  return fill_with(work, random, &uniform_float_recipe, n, out);
}

lat_status lat_random_fill_normal_float(lat_workspace *work, lat_random *random, size_t n,
                                        float *out)
{
  return fill_with(work, random, &normal_float_recipe, n, out);
}

/* ---- one number at a time ------------------------------------------------------- */

double lat_random_uniform(lat_random *random)
{
  return uniform_of(lat_random_word(random));
}

double lat_random_normal(lat_random *random)
{
  uint64_t position = random->position++, even, odd;
  double first, second;
  make_pair(random, position / 2 + NORMALS, &even, &odd);
  normals_of(even, odd, &first, &second);
  return position % 2 ? second : first;
}

/* By inversion. 1 - u is in (0, 1], and the difference from 0 makes no -0. */
double lat_random_exponential(lat_random *random)
{
  return 0 - log64(1 - lat_random_uniform(random));
}

/* The 128 bits of a*b: returns the upper half. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
  uint64_t a0 = a & UINT32_MAX, a1 = a >> 32, b0 = b & UINT32_MAX, b1 = b >> 32;
  uint64_t middle = a1 * b0 + (a0 * b0 >> 32), cross = a0 * b1 + (middle & UINT32_MAX);
  *low = a * b;
  return a1 * b1 + (middle >> 32) + (cross >> 32);
}

/* Lemire (2019): the upper half of word*bound, once the words that would favour some results are
 * rejected; only their number needs a division. A bound of 0 stands for 2^64. */
uint64_t lat_random_below(lat_random *random, uint64_t bound)
{
  if (bound == 0) return lat_random_word(random);
  uint64_t low, result = multiply(lat_random_word(random), bound, &low);
  if (low >= bound) return result;
  uint64_t surplus = (0 - bound) % bound; /* 2^64 mod bound */
  while (low < surplus) result = multiply(lat_random_word(random), bound, &low);
  return result;
}

enum { CHECK = 1 << 15 }; /* draws between two calls of lat_check */

lat_status lat_random_permutation(lat_workspace *work, lat_random *random, size_t n, size_t *out)
{
  lat_random r = *random;
  for (size_t i = 0; i < n; i++) { /* i changes places with one of 0..i */
    size_t j = (size_t)lat_random_below(&r, i + 1);
    out[i] = out[j];
    out[j] = i;
    if (i % CHECK == 0 && work) LAT_TRY(lat_check(work));
  }
  *random = r;
  return LAT_OK;
}

/* ---- categories ------------------------------------------------------------------ */

/* The probability of category i, in cells; there are K cells for K categories. */
static double share(const double *weights, size_t i, double most, double scale)
{
  return weights[i] / most * scale;
}

/* Walker's table (1977), built in one sweep: cell i holds category i up to accept[i], and alias[i]
 * above. The heavy category j fills light cells until what it has left (`rest`) is less than its
 * own cell; that is then filled by the next heavy one. What rounding leaves over stays full. */
static void build_alias(size_t K, const double *weights, size_t *alias, double *accept)
{
  double most = 0, total = 0;
  for (size_t i = 0; i < K; i++) most = weights[i] > most ? weights[i] : most;
  for (size_t i = 0; i < K; i++) total += weights[i] / most; /* can't overflow */
  double scale = (double)K / total, rest = 0;
  for (size_t i = 0; i < K; i++) {
    alias[i] = i;
    accept[i] = 1;
  }
  size_t i = 0, j = 0;
  while (j < K && (rest = share(weights, j, most, scale)) <= 1) j++;
  while (j < K) {
    if (rest > 1) {
      while (i < K && share(weights, i, most, scale) > 1) i++;
      if (i == K) return;
      alias[i] = j;
      accept[i] = share(weights, i, most, scale);
      rest -= 1 - accept[i++];
    } else {
      size_t next = j + 1;
      while (next < K && share(weights, next, most, scale) <= 1) next++;
      if (next == K) return;
      alias[j] = next;
      accept[j] = rest;
      rest += share(weights, next, most, scale) - 1;
      j = next;
    }
  }
}

/* One word a draw: in word*K the upper half is the cell, the lower half the place in it. */
lat_status lat_random_categorical(lat_workspace *work, lat_random *random, size_t K,
                                  const double *weights, size_t n, size_t *out, size_t *alias,
                                  double *accept)
{
  lat_random r = *random;
  build_alias(K, weights, alias, accept);
  for (size_t i = 0; i < n; i++) {
    uint64_t place;
    size_t cell = (size_t)multiply(lat_random_word(&r), K, &place);
    out[i] = uniform_of(place) < accept[cell] ? cell : alias[cell];
    if (i % CHECK == 0 && work) LAT_TRY(lat_check(work));
  }
  *random = r;
  return LAT_OK;
}

/* ---- splitting --------------------------------------------------------------------- */

/* Seed and stream are both drawn: 128 bits that the parent, its other children and theirs have with
 * a probability of 2^-128 each. */
lat_random lat_random_split(lat_random *random)
{
  uint64_t seed = lat_random_word(random), stream = lat_random_word(random);
  return (lat_random){.seed = seed, .stream = stream, .position = 0};
}
