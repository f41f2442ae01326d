/* both_types.h: includes the file TEMPLATE, kernels (see kernels.h), for float and for double. No
 * guard: every including file has templates of its own. Those for float, in which nets are trained,
 * are CLONES; double is for checks, and its clones would be a tenth of the library. */
#define real    float
#define CLONES  LAT_CLONES
#define K(name) name##32
#include TEMPLATE
#undef real
#undef K
#undef CLONES
#define real double
#define CLONES
#define K(name) name##64
#include TEMPLATE
#undef real
#undef K
#undef CLONES
#undef TEMPLATE
