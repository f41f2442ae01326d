/* version.c: the release that this library is. */
#include "base/version.h"

const char *lat_version(void)
{
  return LAT_VERSION;
}

int lat_version_number(void)
{
  return LAT_VERSION_NUMBER;
}
