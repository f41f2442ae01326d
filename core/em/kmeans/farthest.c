/* kmeans/farthest.c: the rows of a pass that are farthest from their centres, for clusters without
 * rows: a sorted list with copies of the rows, which blocks of rows are offered to under a lock. */
#include <string.h>

#include "em/kmeans/internal.h"

/* Clusters that are moved in one iteration; more empty ones wait for the next. */
enum { MOST = 32 };

lat_kmeans_far *lat_kmeans_far_new(lat_workspace *work, size_t D, size_t K)
{
  lat_kmeans_far *far = lat_allocate(work, 1, sizeof *far);
  if (!far) return NULL;
  *far = (lat_kmeans_far){.D = D, .most = K < MOST ? K : MOST};
  pthread_mutex_init(&far->lock, NULL);
  far->square = lat_doubles(work, far->most);
  far->number = lat_allocate(work, far->most, sizeof *far->number);
  far->slot = lat_allocate(work, far->most, sizeof *far->slot);
  far->rows = lat_allocate(work, far->most, D * sizeof(double));
  return far->square && far->number && far->slot && far->rows ? far : NULL;
}

void lat_kmeans_far_begin(lat_kmeans_far *far)
{
  far->count = 0;
}

static bool before(const lat_kmeans_far *far, size_t at, double square, size_t number)
{
  return far->square[at] != square ? far->square[at] > square : far->number[at] < number;
}

static void insert(lat_kmeans_far *far, double square, size_t number, const double *row)
{
  size_t n = far->count, at = n, slot = n;
  while (at > 0 && !before(far, at - 1, square, number)) at--;
  if (at == far->most) return;
  if (n == far->most)
    slot = far->slot[--n];
  else
    far->count++;
  memmove(far->square + at + 1, far->square + at, (n - at) * sizeof *far->square);
  memmove(far->number + at + 1, far->number + at, (n - at) * sizeof *far->number);
  memmove(far->slot + at + 1, far->slot + at, (n - at) * sizeof *far->slot);
  far->square[at] = square;
  far->number[at] = number;
  far->slot[at] = slot;
  memcpy(far->rows + slot * far->D, row, far->D * sizeof(double));
}

static double least_of(const lat_kmeans_far *far)
{
  return far->count < far->most ? 0 : far->square[far->most - 1];
}

double lat_kmeans_far_least(lat_kmeans_far *far)
{
  pthread_mutex_lock(&far->lock);
  double least = least_of(far);
  pthread_mutex_unlock(&far->lock);
  return least;
}

void lat_kmeans_far_offer(lat_kmeans_far *far, size_t first, size_t n, const double *const *rows,
                          const double *weights, const double *squares)
{
  pthread_mutex_lock(&far->lock);
  double least = least_of(far);
  for (size_t i = 0; i < n; i++) {
    if (!(squares[i] >= least) || (weights && !(weights[i] > 0))) continue;
    insert(far, squares[i], first + i, rows[i]);
    if (far->count == far->most) least = far->square[far->most - 1];
  }
  pthread_mutex_unlock(&far->lock);
}

/* What ranks exchange of a row is its square, its number among all rows, and the row. */
lat_status lat_kmeans_far_share(lat_kmeans_far *far, lat_workspace *work, const lat_share *share)
{
  size_t width = far->D + 2, bytes = width * sizeof(double), all = 0;
  void *gathered;
  if (!share) return LAT_OK;
  LAT_SCOPE(work);
  double *own = lat_allocate(work, far->count, bytes);
  size_t *sizes = lat_allocate(work, share->comm->size, sizeof *sizes);
  if (!own || !sizes) return LAT_MEMORY;
  for (size_t i = 0; i < far->count; i++) {
    double *to = own + i * width;
    to[0] = far->square[i];
    to[1] = (double)(share->before + far->number[i]);
    memcpy(to + 2, far->rows + far->slot[i] * far->D, far->D * sizeof *to);
  }
  LAT_TRY(lat_comm_gather(share->comm, work, own, far->count * bytes, sizes, &gathered));
  for (size_t r = 0; r < share->comm->size; r++) all += sizes[r] / bytes;
  const double *from = gathered;
  far->count = 0;
  for (size_t i = 0; i < all; i++, from += width) insert(far, from[0], (size_t)from[1], from + 2);
  return LAT_OK;
}

/* As near to its centre as the rounding of a mean of many equal rows may have brought it. */
static bool on_centre(const lat_kmeans_far *far, double square, const double *row,
                      const double *origin)
{
  double from_origin = 0, from_zero = 0;
  for (size_t j = 0; j < far->D; j++) {
    from_origin += (row[j] - origin[j]) * (row[j] - origin[j]);
    from_zero += row[j] * row[j];
  }
  return square <= 1e-20 * from_origin + 1e-30 * from_zero;
}

const double *lat_kmeans_far_next(const lat_kmeans_far *far, const double *origin, size_t *at)
{
  while (*at < far->count) {
    const double *row = far->rows + far->slot[*at] * far->D;
    bool new = !on_centre(far, far->square[(*at)++], row, origin);
    for (size_t i = 0; new &&i + 1 < *at; i++)
      new = memcmp(far->rows + far->slot[i] * far->D, row, far->D * sizeof(double)) != 0;
    if (new) return row;
  }
  return NULL;
}
