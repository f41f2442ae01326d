/* query.c: rows that a fitted model is asked about, and answers. */
#include "model/query.h"

latL_Query latL_checkquery(lua_State *L, int arg, const char *who, const char *name, size_t D)
{
  const latL_Matrix *A = latL_checkmatrix(L, arg, who, name);
  latL_Query q = {.who = who, .X = A->view, .one = A->vector && D > 1};
  if (!q.one) return q;
  if (A->view.rows != D)
    latL_error(L, who, "%s is a vector of %I, but a row has %I numbers", name,
               (lua_Integer)A->view.rows, (lua_Integer)D);
  q.X = lat_transpose(A->view);
  return q;
}

lat_matrix latL_checkeach(lua_State *L, int arg, const char *who, const char *name, size_t N)
{
  lat_matrix v = latL_checkvector(L, arg, who, name);
  if (v.rows != N)
    latL_error(L, who, "there are %I %s for %I rows", (lua_Integer)v.rows, name, (lua_Integer)N);
  return v;
}

latL_Result latL_queryresult(lua_State *L, const latL_Query *q, latL_Out out, size_t cols,
                             lat_dtype dtype, latL_Sharing sharing)
{
  if (!q->one) return latL_resultof(L, out, q->who, q->X.rows, cols, false, dtype, sharing);
  latL_Result r = latL_resultof(L, out, q->who, cols, 1, true, dtype, sharing);
  r.view = lat_transpose(r.view);
  r.target = lat_transpose(r.target);
  return r;
}

lat_matrix latL_queryrows(lua_State *L, const latL_Query *q, size_t cols)
{
  return latL_queryresult(L, q, (latL_Out){0}, cols, LAT_FLOAT64, LATL_APART).view;
}

latL_Result latL_querycolumn(lua_State *L, const latL_Query *q, latL_Out out)
{
  size_t N = q->X.rows;
  latL_Result r = latL_resultof(L, out, q->who, N, 1, true, LAT_FLOAT64, LATL_APART);
  if (N < 2 || r.view.row_stride == 1) return r;
  r.target = r.view;
  r.view = latL_newvector(L, N, LAT_FLOAT64)->view;
  lua_insert(L, -2);
  return r;
}

int latL_querynumbers(lua_State *L, const latL_Query *q, int count)
{
  int first = lua_gettop(L) - count + 1;
  for (int at = first; q->one && at < first + count; at++) {
    lua_pushnumber(L, lat_get(&latL_tomatrix(L, at)->view, 0, 0));
    lua_replace(L, at);
  }
  return count;
}

int latL_querylabels(lua_State *L, const latL_Query *q)
{
  latL_querynumbers(L, q, 1);
  if (q->one) {
    lua_pushinteger(L, (lua_Integer)lua_tonumber(L, -1));
    lua_replace(L, -2);
  }
  return 1;
}

void latL_queryviews(lua_State *L, const latL_Query *q, int owner, double *data, size_t count,
                     size_t cols)
{
  if (!q->one) {
    latL_newviews(L, owner, data, count, q->X.rows, cols);
    return;
  }
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    latL_newview(L, owner, lat_vector_of(data + i * cols, cols), true);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}
