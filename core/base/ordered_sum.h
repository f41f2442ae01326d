/* ordered_sum.h: sums of statistics over rows, in one fixed order.
 *
 * Floating-point addition isn't associative, so a sum that is to be the same bits for every number
 * of threads and processes needs a fixed order. Rows are cut into groups, whose size depends on the
 * sizes of a row and of the statistics only (lat_group_rows). Within a group chunks of rows are
 * added in order; the groups' sums are merged as a binary counter counts: as soon as there are two
 * sums of 2^l groups each, they become one of 2^(l+1). At the end what is left is merged from the
 * lowest level up:
 *
 *   7 groups   ((g0+g1) + (g2+g3)) + ((g4+g5) + g6)
 *
 * The shape of this tree depends on the number of rows alone. It doesn't ask for that number in
 * advance, so rows may come in pieces; a process that holds whole groups computes nodes of the same
 * tree; and log2(groups) partial sums are all that is held, with a rounding error that grows like
 * log2(groups) (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2).
 *
 * A piece that ends within a group leaves that group open, and the next one goes on with it. Chunks
 * begin at multiples of their size from their group's first row; a piece that ends within a chunk
 * cuts it in two, which may change the last bits. */
#ifndef LAT_BASE_ORDERED_SUM_H
#define LAT_BASE_ORDERED_SUM_H

#include <stdint.h>

#include "base/workspace.h"

/* Rows of a group: whole chunks (lat_chunk_rows) of data with so many columns, and so many that
 * merging sums of `count` numbers is about a hundredth of the work: 512 at least, 1024 for sums
 * beyond 16 KB. */
size_t lat_group_rows(size_t columns, size_t count);
/* The least number of rows that is a whole number of groups of every sum over such data. */
size_t lat_most_group_rows(size_t columns);

/* Sums whose groups are others have a power of two times that number of rows, up to what it takes
 * for so many chunks. */
enum { LAT_GROUP_CHUNKS = 4 };

/* Adds `rows` rows, from row number `first` of the piece on, to the sum. They belong to one group,
 * of which `offset` rows have been added before. Called from several threads, with different sums;
 * `worker` is lat_parallel's. */
typedef void lat_sum_rows(void *context, size_t first, size_t rows, size_t offset, double *sum,
                          size_t worker);
/* into := into and from together; zeros are the sum of no rows. */
typedef void lat_sum_merge(size_t columns, double *into, const double *from);

typedef struct lat_ordered_sum {
  size_t columns;       /* of the rows */
  size_t count;         /* numbers of a sum */
  size_t group;         /* rows: lat_group_rows; the caller may set another number while the
                         * sum is empty */
  lat_sum_merge *merge; /* NULL: element by element */
  uint64_t first;       /* groups of other processes that come before (lat_sum_place) */
  uint64_t groups;      /* those, and complete ones */
  size_t open_rows;     /* in `open`, the group that isn't complete */
  double *open, *levels;
  double *left; /* nodes whose left neighbours are others', by level; NULL while `first` is 0 */
  size_t stride, most_levels;
} lat_ordered_sum;

/* The sum of no rows. `merge` is NULL for sums element by element. LAT_MEMORY. Keeps the sum's
 * memory: levels for `rows` rows, or, with 0, for any number (memory that isn't used isn't
 * touched). */
lat_status lat_sum_init(lat_ordered_sum *sum, lat_workspace *work, size_t columns, size_t count,
                        size_t rows, lat_sum_merge *merge);
void lat_sum_clear(lat_ordered_sum *sum);
bool lat_sum_empty(const lat_ordered_sum *sum);

/* The sum, which is empty, is a process's share of one over many: `first` groups come before its
 * own. It then holds the nodes of the tree over all groups that are its own from end to end.
 * LAT_MEMORY. Keeps memory for nodes of all sizes. */
lat_status lat_sum_place(lat_ordered_sum *sum, lat_workspace *work, uint64_t first);

/* The nodes of a sum from left to right: `take` gets each with the level it has, 2^level groups,
 * and the numbers; the open group, if there is one, is the last, of level LAT_SUM_OPEN. */
#define LAT_SUM_OPEN ((size_t)-1)
typedef void lat_sum_take(void *context, size_t level, const double *node);
void lat_sum_nodes(const lat_ordered_sum *sum, lat_sum_take *take, void *context);
/* Adds the next node of such a tree, whose memory is used up; LAT_SUM_OPEN is the end of all. */
void lat_sum_add_node(lat_ordered_sum *sum, size_t level, double *node);

/* Adds the rows of a piece, on the thread pool. LAT_MEMORY, LAT_CANCELLED: the sum is then to be
 * cleared. */
lat_status lat_sum_add(lat_ordered_sum *sum, lat_workspace *work, size_t rows, lat_sum_rows *add,
                       void *context);

/* total (count) := the sum of all rows. The sum stays as it is. */
void lat_sum_total(const lat_ordered_sum *sum, double *total);

/* The same tree over n sums that are all there: merge(context, i, j) is called for its nodes, and
 * makes sum i that of the two, i < j. The total is then sum 0. */
typedef void lat_sum_pair(void *context, size_t into, size_t from);
void lat_sum_tree(size_t n, lat_sum_pair *merge, void *context);

/* False when the first number of a partial sum is NaN or infinite, which marks bad data. */
bool lat_sum_finite(const lat_ordered_sum *sum);
/* True when that of all partial sums is 0. */
bool lat_sum_vanishes(const lat_ordered_sum *sum);

#endif
