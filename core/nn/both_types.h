/* both_types.h: includes the file TEMPLATE, kernels (see kernels.h), for float and for double. No guard:
 * every including file has templates of its own. */
#define real    float
#define K(name) name##32
#include TEMPLATE
#undef real
#undef K
#define real    double
#define K(name) name##64
#include TEMPLATE
#undef real
#undef K
#undef TEMPLATE
