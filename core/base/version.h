/* version.h: which release this is, for the preprocessor and at run time.
 *
 * LAT_VERSION is of the headers that a program was compiled with, lat_version() of the library that
 * it runs with. Releases are numbered MAJOR.MINOR.PATCH.
 *
 * LAT_ABI is the number in the name of the shared library (liblatent.so.0), and what latent_lua.h
 * compares. It changes with every release in which a program that was compiled before would go
 * wrong: a public struct of another size or order, an enumeration's other numbers, a function that
 * is gone or takes something else. New functions, new models, and what headers call internal don't
 * change it. Before 1.0.0 any MINOR may have another LAT_ABI; from then on a MAJOR only. A PATCH
 * never has. CONTRIBUTING.md says what is kept between releases besides. */
#ifndef LAT_BASE_VERSION_H
#define LAT_BASE_VERSION_H

#define LAT_VERSION       "0.1.0"
#define LAT_VERSION_MAJOR 0
#define LAT_VERSION_MINOR 1
#define LAT_VERSION_PATCH 0
/* For comparisons: 1002003 is 1.2.3. */
#define LAT_VERSION_NUMBER                                                                         \
  (LAT_VERSION_MAJOR * 1000000 + LAT_VERSION_MINOR * 1000 + LAT_VERSION_PATCH)

#define LAT_ABI 0

/* LAT_VERSION and LAT_VERSION_NUMBER of the library; the text is static. */
const char *lat_version(void);
int lat_version_number(void);

#endif
