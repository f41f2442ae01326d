/* source.h: where the rows of a fit come from.
 *
 * A matrix in memory is one piece. A mapped file is walked in slices, whose pages are given back
 * behind it, so that a file larger than memory stays a file. Anything else is a function of the
 * caller's, which gives a piece a call and is asked again for each pass: a socket, a decoder, a
 * script. Whoever fits asks for passes only, and doesn't know which of these it is.
 *
 *   lat_source source = lat_source_of(&X);
 *   LAT_TRY(lat_gmm_fit(work, &source, weights, &options, &gmm, &report));
 */
#ifndef LAT_MODELING_SOURCE_H
#define LAT_MODELING_SOURCE_H

#include <stdint.h>

#include "comm/share.h"
#include "matrix/matrix.h"

typedef struct lat_source lat_source;

struct lat_source {
  lat_matrix X;           /* the rows; without data when they come from `next` */
  const double *weights;  /* of the rows of X, finite and >= 0; or NULL: all are 1 */
  const uint32_t *labels; /* of the rows of X, for mixtures: its component, from 1, or 0; or NULL */
  bool missing;           /* NaN marks a missing entry, for models that know them */
  bool mapped; /* X lies in a mapped file, whose pages may be forgotten once they are read */

  /* The next piece and its weights (or NULL), good until the next call; without rows at the end of
   * a pass, after which a new one begins. NULL: X. A failure it returns ends the fit. */
  lat_status (*next)(lat_source *source, lat_workspace *work, lat_matrix *piece,
                     const double **weights);
  void *context; /* the caller's own */

  size_t columns;      /* 0 until a function has given a piece */
  size_t pieces, rows; /* given so far in this pass */

  /* The ranks among which the data are spread, of which this source has one's rows, maybe none; or
   * NULL. Then who fits, on every rank, does so by collectives. */
  lat_comm *comm;
  lat_share share; /* what the ranks have, after lat_source_share */
};

/* The rows of a matrix, which stay the caller's. */
lat_source lat_source_of(const lat_matrix *X);

/* With a comm, once before passes: what the ranks have, for which a function is asked for a pass to
 * count its rows. The source's share; NULL without a comm. A collective, and no more than one for a
 * source. Keeps the share. */
lat_status lat_source_share(lat_source *source, lat_workspace *work, const lat_share **share);

/* Whether rows come in pieces: from a function, as slices of a large file, or from several ranks.
 */
bool lat_source_in_pieces(const lat_source *source);

/* Begins a pass, and gives its pieces one after the other; the one without rows is its end. Errors:
 * LAT_SHAPE for a piece with other columns, LAT_INVALID for a pass without rows, where no other
 * rank could have some. */
void lat_source_rewind(lat_source *source);
lat_status lat_source_next(lat_source *source, lat_workspace *work, lat_matrix *piece,
                           const double **weights);

/* What is to be said of a failure with the piece given last: which piece it was, or which row of
 * all. */
lat_status lat_source_failure(const lat_source *source, lat_workspace *work, lat_status status,
                              bool missing);

#endif
