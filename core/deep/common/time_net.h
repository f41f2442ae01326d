/* time_net.h: a net of x, a time and a class: y = MLP([x, e_class, f(t)]).
 *
 * The noise of a diffusion and the velocity of a flow are functions of x in R^D, t in [0, 1] and,
 * of conditional models, one of C classes. e_class is its indicator, C numbers; all of them are 0
 * for the null class, "of any class", which training puts in the place of a row's own with the
 * probability drop_labels. Outputs for a class can then be guided (Ho and Salimans, Classifier-free
 * diffusion guidance, 2022): by a request's `guidance`, w >= -1, they become
 *
 *   (1 + w) y(c) - w y(null),    w = 0: those of the class; -1: of any class
 *
 * f(t) has F numbers,
 *
 *   sin(w_k t), cos(w_k t),    w_k from LAT_TIME_SLOWEST to LAT_TIME_FASTEST, in equal ratios
 *
 * (Vaswani et al., Attention is all you need, NeurIPS 2017): a net of few units can be a different
 * function of x at times that are near each other.
 *
 * In training rows have times of their own: lat_time_net_inputs, then lat_net_forward. Where all
 * rows have one time, f(t) is a bias of the first layer, which saves its products:
 * lat_time_net_at. */
#ifndef LAT_DEEP_COMMON_TIME_NET_H
#define LAT_DEEP_COMMON_TIME_NET_H

#include "deep/common/options.h"
#include "nn/layers.h"

enum { LAT_TIME_HIDDEN = 8, LAT_TIME_WIDTH = 1 << 20 };

typedef struct lat_time_net_options {
  size_t classes;                 /* C; 0: not conditional */
  int64_t lowest;                 /* the label of the first class */
  double drop_labels;             /* 0.1 */
  size_t hidden[LAT_TIME_HIDDEN]; /* widths of hidden layers; depth 0 stands for 128, 128, 128 */
  size_t depth;
  size_t time_features; /* F; an odd one is one less */
} lat_time_net_options;

/* Rows of a model's table, whose options have `net`, one of these. */
#define LAT_TIME_NET_OPTIONS(type) LAT_TIME_NET_OPTIONS_WITH(type, 32)
/* The same with so many time features unless told. */
#define LAT_TIME_NET_OPTIONS_WITH(type, features_)                                                 \
  LAT_DEEP_ROW("drop_labels", LAT_NUMBER, type, net.drop_labels, 0.1, 0, 1, NULL, NULL),           \
      LAT_OPTION_WIDTHS("hidden", type, net.hidden, net.depth, NAN, 1, "{128, 128, 128}"),         \
      LAT_DEEP_ROW("time_features", LAT_SIZE, type, net.time_features, features_, 2, 1024, NULL,   \
                   NULL),                                                                          \
      LAT_DEEP_ROW("classes", LAT_SIZE, type, net.classes, 0, 0, 1 << 20, NULL, NULL),             \
      LAT_DEEP_ROW("lowest", LAT_INTEGER, type, net.lowest, 0, -(1 << 30), 1 << 30, NULL, NULL)

/* Of the methods that evaluate it. */
#define LAT_OPTION_GUIDANCE LAT_OPTION_NUMBER(lat_request, guidance, 0, -1, 1e6)

/* The class of a row that has none. */
#define LAT_NULL_CLASS SIZE_MAX

typedef struct lat_time_net {
  size_t D, classes, features;
  lat_layer layers[LAT_TIME_HIDDEN + 1];
  lat_net net; /* views `layers`: the struct must not move */
} lat_time_net;

/* LAT_INVALID for widths that can't be. */
lat_status lat_time_net_check(lat_workspace *work, const lat_time_net_options *options);
/* *labels := the rows' classes that evaluation is asked for, from 0; NULL: of any class. Keeps
 * them. LAT_SHAPE, LAT_INVALID as of lat_class_labels; LAT_INVALID for guidance without classes,
 * and where the net hasn't learned what is of any class (drop_labels = 0). */
lat_status lat_time_net_labels(lat_workspace *work, const lat_time_net_options *options,
                               const lat_request *request, size_t rows, const size_t **labels);
/* *kept := the n labels of a batch, each replaced by LAT_NULL_CLASS with the probability
 * drop_labels; NULL for NULL. Keeps them. */
lat_status lat_time_net_drop(lat_workspace *work, const lat_time_net_options *options,
                             lat_random *random, size_t n, const size_t *labels, size_t **kept);

/* Adds the parameters NAME.1.weight, ... of a net from D numbers to `outputs`. */
lat_status lat_time_net_add(lat_workspace *work, lat_store *store, const char *name, size_t D,
                            size_t outputs, const lat_time_net_options *options,
                            const lat_deep_options *training, lat_time_net *net);
/* How many parameters it has; and numbers of a row on a tape with gradients, about. */
double lat_time_net_numbers(const lat_time_net_options *options, size_t D, size_t outputs);
size_t lat_time_net_tape_numbers(const lat_time_net *net);

/* F (n x F numbers, any view) := the features of the times t[0..n-1]. */
void lat_time_features(size_t n, const double *t, const lat_matrix *F);

/* Rows for the net: x (B x D, any view), classes (from 0, or LAT_NULL_CLASS; NULL: all null), and
 * their times t; or, with `table`, features that are its rows at[0..B-1], where times are of a few
 * values. */
typedef struct lat_time_rows {
  const lat_matrix *X;
  const size_t *labels;
  const double *t;
  const lat_matrix *table;
  const size_t *at;
} lat_time_rows;

/* The net's input, B x (D + C + F). Its gradient is kept when `gradient`: the first D columns are
 * that of x. */
lat_value lat_time_net_inputs(lat_tape *tape, const lat_time_net *net, const lat_time_rows *rows,
                              bool gradient);
/* The net of such inputs, with parameters of this store: the model's, or a shard's. */
lat_value lat_time_net_forward(lat_tape *tape, const lat_time_net *net, lat_store *store,
                               lat_value inputs);
/* The same with the parameters as constants: nothing is written to the store, which may be a view
 * of the model's with other values, such as its averages. */
lat_value lat_time_net_constant(lat_tape *tape, const lat_time_net *net, const lat_store *store,
                                lat_value inputs);
/* The same at one time for all rows of x, a value B x D. */
lat_value lat_time_net_at(lat_tape *tape, const lat_time_net *net, const lat_store *store,
                          lat_value x, double t, const size_t *labels);

#endif
