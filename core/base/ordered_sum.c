/* ordered_sum.c: the binary counter of partial sums, and the tasks that fill it.
 *
 * Storage: level l is a vector of `count` numbers at levels + l stride; it holds the sum of 2^l
 * groups when bit l of `groups` is set. The groups of a piece are cut into blocks of at most 2^p
 * groups which begin at multiples of their size, so that the sum of a block is a node of the tree;
 * threads compute whole blocks, each with a small counter of its own, and the size of blocks
 * changes no result. */
#include "base/ordered_sum.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "base/slice.h"

enum {
  LEVELS = 24,          /* for 2^24 groups, 8e9 rows; further ones are added to the highest level */
  LARGE_LEVELS = 12,    /* of sums beyond LARGE, for which memory counts */
  PLACED_LEVELS = 32,   /* of sums over processes, where a node isn't one's own to add up further */
  SMALL = 1 << 11,      /* numbers: 16 KB, which are merged in the first cache */
  LARGE = 1 << 16,      /* numbers: 512 KB, about half of a second cache */
  MOST_BLOCKS = 64,     /* a wave; enough for threads to even out their shares */
  FEWEST_BLOCKS = 2,    /* a wave of large sums */
  WAVE = (8 << 20) / 8, /* numbers in the blocks of a wave: 8 MB, which the last cache holds */
  COUNTERS = (32 << 20) / 8, /* numbers in the counters of all threads: 32 MB */
  LINE = LAT_ALIGNMENT / 8   /* numbers in a cache line, of which threads share none */
};

size_t lat_group_rows(size_t columns, size_t count)
{
  size_t least = count > SMALL ? 1024 : 512, rows = lat_chunk_rows(columns);
  while (rows < least) rows *= 2;
  return rows;
}

size_t lat_most_group_rows(size_t columns)
{
  size_t rows = lat_group_rows(columns, SIZE_MAX),
         most = LAT_GROUP_CHUNKS * lat_chunk_rows(columns);
  while (rows < most) rows *= 2;
  return rows;
}

static size_t log2_of(uint64_t n) /* rounded down; n > 0 */
{
  size_t l = 0;
  while (n >>= 1) l++;
  return l;
}

lat_status lat_sum_init(lat_ordered_sum *sum, lat_workspace *work, size_t columns, size_t count,
                        size_t rows, lat_sum_merge *merge)
{
  *sum = (lat_ordered_sum){.columns = columns, .count = count, .merge = merge};
  sum->group = lat_group_rows(columns, count);
  sum->stride = (count + LINE - 1) / LINE * LINE;
  sum->most_levels = count > LARGE ? LARGE_LEVELS : LEVELS;
  size_t groups = rows / sum->group + 1, levels = log2_of(groups) + 1;
  if (rows == 0 || levels > sum->most_levels) levels = sum->most_levels;
  sum->open = lat_allocate(work, sum->stride, sizeof(double));
  sum->levels = lat_allocate(work, levels, sum->stride * sizeof(double));
  return sum->open && sum->levels ? LAT_OK : LAT_MEMORY;
}

lat_status lat_sum_place(lat_ordered_sum *sum, lat_workspace *work, uint64_t first)
{
  sum->most_levels = PLACED_LEVELS;
  sum->levels = lat_allocate(work, PLACED_LEVELS, sum->stride * sizeof(double));
  sum->left = lat_allocate(work, PLACED_LEVELS, sum->stride * sizeof(double));
  sum->first = sum->groups = first;
  return sum->levels && sum->left ? LAT_OK : LAT_MEMORY;
}

void lat_sum_clear(lat_ordered_sum *sum)
{
  sum->groups = sum->first;
  sum->open_rows = 0;
}

bool lat_sum_empty(const lat_ordered_sum *sum)
{
  return sum->groups == sum->first && sum->open_rows == 0;
}

static void merge(const lat_ordered_sum *sum, double *into, const double *from)
{
  if (sum->merge) {
    sum->merge(sum->columns, into, from);
  } else {
    for (size_t i = 0; i < sum->count; i++) into[i] += from[i];
  }
}

/* ---- the counter ----------------------------------------------------------------------------- */

/* The first group of the node at level l, when a counter has that bit. */
static uint64_t begin_of(uint64_t groups, size_t l)
{
  return groups >> (l + 1) << (l + 1);
}

/* Adds a node of 2^l groups to the counter at `levels`, which counts `groups` so far, a multiple of
 * 2^l. The node's memory is used up. */
static void push(const lat_ordered_sum *sum, double *levels, uint64_t *groups, size_t l,
                 double *node)
{
  uint64_t size = (uint64_t)1 << l, count = *groups + size;
  size_t last = sum->most_levels - 1;
  for (; l < last && (*groups >> l & 1); l++) {
    double *level = levels + l * sum->stride;
    merge(sum, level, node);
    node = level;
  }
  double *to = levels + l * sum->stride;
  if (l == last && *groups >> l) /* the highest level holds all further groups */
    merge(sum, to, node);
  else if (to != node)
    memcpy(to, node, sum->count * sizeof *to);
  *groups = count;
}

/* The same for the sum's own counter, where a neighbour may be another process's: the node then
 * waits for it in `left`, at most one of each size. */
static void push_own(lat_ordered_sum *sum, size_t l, double *node)
{
  size_t at = l;
  if (!sum->left) {
    push(sum, sum->levels, &sum->groups, l, node);
    return;
  }
  for (; sum->groups >> at & 1; at++) {
    double *level = sum->levels + at * sum->stride;
    if (begin_of(sum->groups, at) < sum->first) break;
    merge(sum, level, node);
    node = level;
  }
  double *to = (sum->groups >> at & 1 ? sum->left : sum->levels) + at * sum->stride;
  if (to != node) memcpy(to, node, sum->count * sizeof *to);
  sum->groups += (uint64_t)1 << l;
}

static bool holds(const lat_ordered_sum *sum, uint64_t groups, size_t l)
{
  if (l + 1 >= sum->most_levels && !sum->left) return groups >> l != 0;
  return (groups >> l & 1) && begin_of(groups, l) >= sum->first;
}

/* Whether a node of that level waits for its left neighbour, which begins before `first`. */
static bool waits(const lat_ordered_sum *sum, size_t l)
{
  uint64_t size = (uint64_t)1 << l, at = (sum->first + size - 1) >> l << l;
  return sum->left && (at >> l & 1) && at + size <= sum->groups;
}

void lat_sum_nodes(const lat_ordered_sum *sum, lat_sum_take *take, void *context)
{
  for (size_t l = 0; l < sum->most_levels; l++)
    if (waits(sum, l)) take(context, l, sum->left + l * sum->stride);
  for (size_t l = sum->most_levels; l-- > 0;)
    if (holds(sum, sum->groups, l)) take(context, l, sum->levels + l * sum->stride);
  if (sum->open_rows > 0) take(context, LAT_SUM_OPEN, sum->open);
}

void lat_sum_add_node(lat_ordered_sum *sum, size_t level, double *node)
{
  if (level != LAT_SUM_OPEN) {
    push_own(sum, level, node);
    return;
  }
  memcpy(sum->open, node, sum->count * sizeof *node);
  sum->open_rows = 1;
}

/* ---- a piece's blocks ------------------------------------------------------------------------ */

typedef struct piece {
  lat_ordered_sum *sum;
  lat_sum_rows *add;
  void *context;
  size_t rows;
  size_t head;        /* rows that continue the open group */
  size_t from;        /* the first group of this wave, from the piece's first whole one */
  size_t whole, tail; /* whole groups; the rows of a group that stays open */
  size_t blocks;      /* of this wave */
  size_t depth;       /* p: blocks are of at most 2^p groups */
  size_t starts[MOST_BLOCKS + 1];
  double *nodes, *counters; /* one a block; `depth` levels and a group's sum for each worker */
  double *last;             /* of the tail */
} piece;

/* The largest block that may begin at group number `at` (of all) and has at most `left` groups. */
static size_t block_depth(uint64_t at, uint64_t left, size_t depth)
{
  size_t l = 0;
  while (l < depth && !(at >> l & 1) && (uint64_t)2 << l <= left) l++;
  return l;
}

static void add_group(const piece *p, size_t group, double *to, size_t worker)
{
  size_t rows = p->sum->group;
  memset(to, 0, p->sum->count * sizeof *to);
  p->add(p->context, p->head + group * rows, rows, 0, to, worker);
}

static void run_block(void *context, size_t task, size_t worker)
{
  piece *p = context;
  const lat_ordered_sum *sum = p->sum;
  if (task == p->blocks && p->head) {
    p->add(p->context, 0, p->head, sum->open_rows, sum->open, worker);
    return;
  }
  if (task >= p->blocks) {
    memset(p->last, 0, sum->count * sizeof(double));
    p->add(p->context, p->rows - p->tail, p->tail, 0, p->last, worker);
    return;
  }
  size_t first = p->starts[task], groups = p->starts[task + 1] - first;
  double *node = p->nodes + task * sum->stride;
  if (groups == 1) {
    add_group(p, first, node, worker);
    return;
  }
  double *levels = p->counters + worker * (p->depth + 1) * sum->stride;
  double *fresh = levels + p->depth * sum->stride;
  uint64_t done = 0;
  for (size_t g = 0; g < groups; g++) {
    add_group(p, first + g, fresh, worker);
    if (g + 1 < groups) {
      push(sum, levels, &done, 0, fresh);
      continue;
    }
    for (size_t l = 0; done >> l & 1; l++) {
      merge(sum, levels + l * sum->stride, fresh);
      fresh = levels + l * sum->stride;
    }
    memcpy(node, fresh, sum->count * sizeof *node);
  }
}

/* Cuts the blocks of the next wave, of at most `most`. */
static void cut(piece *p, uint64_t before, size_t most)
{
  size_t at = p->from;
  p->blocks = 0;
  while (at < p->whole && p->blocks < most) {
    p->starts[p->blocks++] = at;
    at += (size_t)1 << block_depth(before + at, p->whole - at, p->depth);
  }
  p->starts[p->blocks] = at;
}

static lat_status run_waves(piece *p, lat_workspace *work, size_t most)
{
  lat_ordered_sum *sum = p->sum;
  /* the number of the first whole group, once the open one is complete */
  uint64_t before = sum->groups + (p->head > 0);
  bool complete = p->head > 0 && sum->open_rows + p->head == sum->group;
  size_t begun = 0;
  LAT_STEPS(work, steps, p->whole, NULL);
  do {
    cut(p, before, most);
    /* with the first wave: the rest of the open group, and the rows after the last whole group */
    size_t tasks = p->blocks + (begun ? 0 : (size_t)(p->head > 0) + (size_t)(p->tail > 0));
    lat_step(&steps, (double)p->from, (double)(p->starts[p->blocks] - p->from));
    LAT_TRY(lat_parallel(work, tasks, run_block, p));
    if (!begun && p->head) {
      sum->open_rows += p->head;
      if (complete) push_own(sum, 0, sum->open);
      if (complete) sum->open_rows = 0;
    }
    for (size_t b = 0; b < p->blocks; b++)
      push_own(sum, log2_of(p->starts[b + 1] - p->starts[b]), p->nodes + b * sum->stride);
    p->from = p->starts[p->blocks];
    begun = 1;
  } while (p->from < p->whole);
  if (p->tail) {
    memcpy(sum->open, p->last, sum->count * sizeof(double));
    sum->open_rows = p->tail;
  }
  return LAT_OK;
}

lat_status lat_sum_add(lat_ordered_sum *sum, lat_workspace *work, size_t rows, lat_sum_rows *add,
                       void *context)
{
  if (rows == 0) return LAT_OK;
  piece p = {.sum = sum, .add = add, .context = context, .rows = rows};
  if (sum->open_rows > 0) p.head = sum->group - sum->open_rows;
  if (p.head > rows) p.head = rows;
  p.whole = (rows - p.head) / sum->group;
  p.tail = (rows - p.head) % sum->group;
  size_t most = WAVE / sum->stride;
  if (most > MOST_BLOCKS) most = MOST_BLOCKS;
  if (most < FEWEST_BLOCKS) most = FEWEST_BLOCKS;
  if (most > p.whole) most = p.whole;
  size_t deepest = COUNTERS / (lat_workers(work) * sum->stride);
  bool slices = lat_in_slice(work); /* these can end between blocks, so that they are small */
  if (p.whole > most && deepest > 1 && !slices) p.depth = log2_of(p.whole / most);
  if (p.depth >= deepest) p.depth = deepest ? deepest - 1 : 0;
  LAT_SCOPE(work);
  p.nodes = lat_allocate(work, most, sum->stride * sizeof(double));
  p.last = lat_allocate(work, p.tail ? sum->stride : 0, sizeof(double));
  p.counters = lat_allocate(work, p.depth ? lat_workers(work) : 0,
                            (p.depth + 1) * sum->stride * sizeof(double));
  lat_status status = p.nodes && p.last && p.counters ? run_waves(&p, work, most) : LAT_MEMORY;
  return status;
}

/* ---- the end --------------------------------------------------------------------------------- */

void lat_sum_total(const lat_ordered_sum *sum, double *total)
{
  memset(total, 0, sum->count * sizeof *total);
  bool some = sum->open_rows > 0;
  if (some) memcpy(total, sum->open, sum->count * sizeof *total);
  for (size_t l = 0; l < sum->most_levels; l++) {
    if (!holds(sum, sum->groups, l)) continue;
    /* merge() works on its first argument; what came earlier stands on the left in the tree */
    const double *level = sum->levels + l * sum->stride;
    if (some)
      merge(sum, total, level);
    else
      memcpy(total, level, sum->count * sizeof *total);
    some = true;
  }
}

/* A counter up to n merges neighbours of 2^l groups each, and at its end its rest from the lowest
 * level up, which is the same as merging at every level all pairs that there are. */
void lat_sum_tree(size_t n, lat_sum_pair *merge_pair, void *context)
{
  for (size_t apart = 1; apart < n; apart *= 2)
    for (size_t i = 0; i + apart < n; i += 2 * apart) merge_pair(context, i, i + apart);
}

typedef struct heads { /* the first numbers of partial sums */
  bool finite, vanish;
} heads;

static void look(void *context, size_t level, const double *node)
{
  heads *h = context;
  (void)level;
  h->finite &= (bool)isfinite(*node);
  h->vanish &= *node == 0;
}

static heads heads_of(const lat_ordered_sum *sum)
{
  heads h = {true, true};
  lat_sum_nodes(sum, look, &h);
  return h;
}

bool lat_sum_finite(const lat_ordered_sum *sum)
{
  return heads_of(sum).finite;
}

bool lat_sum_vanishes(const lat_ordered_sum *sum)
{
  return heads_of(sum).vanish;
}
