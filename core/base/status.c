/* status.c: a phrase for every status code. */
#include "base/status.h"

const char *lat_status_name(lat_status status)
{
  switch (status) {
  case LAT_OK:
    return "ok";
  case LAT_INVALID:
    return "invalid argument";
  case LAT_SHAPE:
    return "shapes don't fit";
  case LAT_MEMORY:
    return "not enough memory";
  case LAT_SINGULAR:
    return "singular matrix";
  case LAT_DIVERGED:
    return "iteration failed";
  case LAT_CANCELLED:
    return "interrupted";
  case LAT_FILE:
    return "file error";
  case LAT_FORMAT:
    return "malformed file";
  case LAT_LOST:
    return "lost rank";
  }
  return "unknown status";
}
