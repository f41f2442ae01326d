/* limits.h: block sizes, bounds and stream numbers of the models with nets, with the reason for
 * each. */
#ifndef LAT_DEEP_COMMON_LIMITS_H
#define LAT_DEEP_COMMON_LIMITS_H

#include <stdint.h>

/* Rows of a chunk: so many numbers in its widest layer (2 MB of float32), within bounds. */
#define LAT_ROWS_NUMBERS ((size_t)1 << 19)
#define LAT_ROWS_LEAST   16
#define LAT_ROWS_MOST    1024
#define LAT_ROWS_NODES   256 /* of the tapes of workers, at first */

/* Shards of a batch, at most: more threads gain little, and each has gradients. Numbers of all
 * their gradients, at most: 32 MB of float32; larger nets are cut up by their products. Gradients
 * are added in pieces, 16 KB of float32, which threads share from so many on, a shard each. */
#define LAT_SHARDS          8
#define LAT_SHARD_GRADIENTS ((size_t)1 << 23)
#define LAT_SHARD_PIECE     ((size_t)1 << 12)
#define LAT_SHARD_WORTH     128

/* Parameters of a model with nets, at most: more are a mistake. */
#define LAT_NET_MOST_NUMBERS 1e11

/* Rows that units of the data are of when training is by steps alone: of so many, moments are
 * within 2 % or so, and later ones would change them no more than an optimizer bears. */
#define LAT_UNITS_ROWS 4096

/* Numbers that nets are given, at most: a factor of a million, for weights, below what the type
 * holds. Beyond it sums of infinities of both signs would be NaN. */
#define LAT_FAR_FLOAT32 1e32
#define LAT_FAR_FLOAT64 1e300

/* Of nets of x and time (time_net.h): frequencies of time features, for times in [0, 1], from half
 * a period to five; and a factor of the first weights of x. Measured with the DDPM of eight
 * Gaussians (128-128-128, 2000 steps of 256): with a factor of 0.25, 1 and 2 the bound was 0.98,
 * 0.78 and 0.68 nats, with 4 it is 0.60; frequencies up to 100 make it 0.05 worse. */
#define LAT_TIME_SLOWEST 3.14159265358979323846
#define LAT_TIME_FASTEST 30.0
#define LAT_TIME_GAIN    4.0

#define LAT_CHECK_BAND     ((size_t)1 << 18) /* elements of data checked at a time: 1 MB */
#define LAT_WEIGHTS_BUFFER 256               /* exponentials computed together, on the stack */

/* Rows whose draws are weighed together, at most; and draws a row, for which tapes get memory at
 * first. */
#define LAT_VAE_GROUP 64
#define LAT_VAE_DRAWS 1000
/* Draws of the bound by one step of a tape: with 16 layers they are 4 million values, and a step
 * has 16 million streams. */
#define LAT_VAE_BLOCK ((size_t)1 << 16)

/* Draws for the estimate of a log-likelihood, unless told. */
#define LAT_VAE_ESTIMATE_SAMPLES       5000
#define LAT_NONLINEAR_ESTIMATE_SAMPLES 10000

/* Log-variances of q(z | x): beyond these exp(v) or a KL is useless or overflows in float32. */
#define LAT_LOG_VARIANCE_LEAST (-30)
#define LAT_LOG_VARIANCE_MOST  20

/* Bound on (v - c)/h of a learned variance's initial value, where tanh is 0.99: its slope isn't
 * lost. */
#define LAT_VARIANCE_SHARE 0.99

/* Streams of random numbers. The tape's seed differs from the store's by this (2^64 over the golden
 * ratio), so that noise and initial values are independent. A VAE's draws of block b of chunk c are
 * those of step c 2^20 + b of weights, and b 2^20 + c of the bound. */
#define LAT_TAPE_SEED       UINT64_C(0x9E3779B97F4A7C15)
#define LAT_VAE_STREAM_BITS 20

#endif
