/* files_image.c: matrices as images, in and out. */
#include "data/file.h"
#include "files/png.h"
#include "files/pnm.h"
#include "lua/binding.h"

static void set_integer(lua_State *L, const char *name, size_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

/* Replaces the matrix of an image on the top of the stack by its luminance. */
static void to_grey(lua_State *L, lat_image *image)
{
  const lat_matrix colours = latL_tomatrix(L, -1)->view;
  const lat_matrix grey = latL_newmatrix(L, colours.rows, image->width, colours.dtype)->view;
  lat_image_grey(&colours, image->channels, &grey);
  lua_replace(L, -2);
  image->channels = 1;
}

int latL_readimage(lua_State *L, const latL_Format *f, latL_Source *s, const char *path)
{
  static const char who[] = "latent.read";
  lat_image image;
  latL_checkoptions(L, 2, who, LATL_NAMES("format", "dtype", "grey", "progress"));
  bool grey = latL_optboolean(L, 2, who, "grey", false);
  lat_dtype dtype = latL_optdtype(L, 2, who, LAT_FLOAT64);
  lat_status status =
      (f->png ? lat_png_read : lat_pnm_parse)(&s->work, s->map.bytes, s->map.size, &image);
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  if (f->png) { /* the source keeps the pixels in place of the file */
    lat_file_unmap(&s->map);
    s->map = image.pixels;
  }
  latL_newarray(L, who, s, s->map.bytes, &image.array, dtype);
  if (grey && image.channels > 1) to_grey(L, &image);
  lua_newtable(L);
  set_integer(L, "width", image.width);
  set_integer(L, "height", image.height);
  set_integer(L, "channels", image.channels);
  set_integer(L, "white", image.white);
  lua_pushstring(L, path);
  lua_setfield(L, -2, "source");
  latL_setabout(L, -2, -1);
  return 2;
}

/* range = {low, high} */
static void optrange(lua_State *L, const char *who, lat_image_format *format)
{
  int type = latL_getoption(L, 3, "range"), whole = 1;
  double *ends[] = {&format->low, &format->high};
  if (type == LUA_TNIL) return;
  for (int k = 0; k < 2 && type == LUA_TTABLE; k++) {
    lua_rawgeti(L, -1, k + 1);
    whole &= lua_type(L, -1) == LUA_TNUMBER;
    *ends[k] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  if (type != LUA_TTABLE || !whole || lua_rawlen(L, -1) != 2 || format->low == format->high)
    latL_error(L, who, "range must be a list of two different numbers, black and white");
}

lat_status latL_writeimage(lua_State *L, const latL_Format *f, const char *path)
{
  static const char who[] = "latent.write";
  const latL_Matrix *A = latL_checkmatrix(L, 2, who, "X");
  latL_checkoptions(L, 3, who, LATL_NAMES("format", "channels", "bits", "range"));
  size_t bits = latL_optsize(L, 3, who, "bits", 8, 1);
  if (bits != 8 && bits != 16)
    latL_error(L, who, "bits must be 8 or 16, got %I", (lua_Integer)bits);
  lat_image_format format = {.channels = latL_optsize(L, 3, who, "channels", 1, 1),
                             .bits = (unsigned)bits};
  optrange(L, who, &format);
  return (f->png ? lat_png_write : lat_pnm_write)(latL_workspace(L), path, &A->view, &format);
}
