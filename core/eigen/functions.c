/* functions.c: the table of eigenvalue and singular value problems (matrix/functions.h). */
#include "matrix/functions.h"
#include "eigen/eigen.h"

/* The matrix for eigenvectors, result number i, when they are wanted. */
static const lat_matrix *vectors_of(const lat_function_call *c, int i)
{
  return c->vectors ? &c->results[i] : NULL;
}

static lat_status symmetric(lat_workspace *work, lat_function_call *c)
{
  return lat_symmetric(work, c->A, (lat_eigensolver)c->solver, c->results[0], vectors_of(c, 1));
}

static lat_status generalized(lat_workspace *work, lat_function_call *c)
{
  return lat_generalized(work, c->A, c->B, c->results[0], vectors_of(c, 1));
}

static lat_status general(lat_workspace *work, lat_function_call *c)
{
  return lat_general(work, c->A, c->results[0], c->results[1], vectors_of(c, 2));
}

static lat_status svd(lat_workspace *work, lat_function_call *c)
{
  return lat_svd_truncated(work, c->A, &c->results[0], c->results[1], &c->results[2]);
}

static const char *const solvers[] = {"auto", "full", "partial", "krylov", NULL};

#define VECTORS LAT_OPTION_BOOLEAN(lat_function_call, vectors, true)
#define COUNT   LAT_OPTION_SIZE(lat_function_call, k, 0, 1, LAT_ANY_COUNT)
static const lat_option of_symmetric[] = {
    COUNT,
    VECTORS,
    LAT_OPTION_CHOICE(lat_function_call, solver, LAT_EIGEN_AUTO, solvers),
    {.name = NULL}};
static const lat_option of_generalized[] = {COUNT, VECTORS, {.name = NULL}};
static const lat_option of_general[] = {VECTORS, {.name = NULL}};
static const lat_option of_svd[] = {COUNT, {.name = NULL}};

const lat_function lat_eigen_functions[] = {
    {"eigen.symmetric", "A", "k ?nk", true, true, of_symmetric, symmetric},
    {"eigen.generalized", "AB", "k ?nk", true, true, of_generalized, generalized},
    {"eigen.general", "A", "n n ?nn", true, true, of_general, general},
    {"eigen.svd", "A", "nk k dk", false, true, of_svd, svd},
    {.name = NULL}};
