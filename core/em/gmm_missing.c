#include "em/gmm_kernel.h"
size_t gmm_missing_scratch(const lat_gmm *gmm, size_t rows)
{
  (void)gmm;
  (void)rows;
  return 0;
}
void gmm_missing(const lat_gmm *gmm, const gmm_ready *ready, const lat_em_chunk *chunk,
                 const gmm_visit *visit, double *scratch)
{
  (void)gmm;
  (void)ready;
  (void)chunk;
  (void)visit;
  (void)scratch;
}
