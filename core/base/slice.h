/* slice.h: long computations in slices of time, for a program that has other things to do: a frame
 * to draw, a request to answer.
 *
 *   static lat_status fit(void *context) { ... lat_gmm_fit(work, ...) ... }
 *
 *   do {
 *     LAT_TRY(lat_slice(work, 0.002, fit, &context, &done));
 *     ... what else there is to do ...
 *   } while (!done);
 *
 * The computation is an ordinary one, over `work`, and knows nothing of slices. It runs on a stack
 * of its own (coroutines: Knuth, The Art of Computer Programming 1, section 1.4.2), which is left
 * where lat_check is asked, between chunks, once the slice's time is over, and which the next slice
 * goes on with. So whatever can be interrupted can be cut, starts, checks and all, and comes to the
 * same bits. A slice is longer than asked for by one chunk at most.
 *
 * The stack is the thread's that calls: no thread is made for it, a slice may be called from
 * another thread than the one before, and forked processes have it like all memory. LAT_SLICE_STACK
 * bytes, below which lies a page that can't be touched; it belongs to the workspace, and
 * lat_workspace_done frees it, in the middle of a computation, too. Neither exceptions nor longjmp
 * may leave it. Where the C library has no makecontext (musl) a slice is all of the computation. */
#ifndef LAT_BASE_SLICE_H
#define LAT_BASE_SLICE_H

#include "base/workspace.h"

enum { LAT_SLICE_STACK = 1 << 20 };

typedef lat_status lat_slice_task(void *context);

/* Begins the task, or goes on with the one that the slice before has left, until it ends or
 * `seconds` are over; at least up to the next lat_check. Gives the task's status once it is done,
 * LAT_OK before. LAT_MEMORY without memory for the stack. LAT_INVALID, and done, for NaN and
 * seconds below 0, and within a slice of the same workspace. */
lat_status lat_slice(lat_workspace *work, double seconds, lat_slice_task *task, void *context,
                     bool *done);
/* Whether slices have begun a task that isn't done. */
bool lat_slice_open(const lat_workspace *work);
/* Brings such a task to its end: lat_check fails in it with LAT_CANCELLED, so that it releases what
 * it has taken. */
void lat_slice_leave(lat_workspace *work);

/* Within a task: whether it runs in slices, and can be left here; and the end of the present slice,
 * whatever time is left, for who waits for something. LAT_CANCELLED when the task is to end. */
bool lat_in_slice(const lat_workspace *work);
lat_status lat_pause(lat_workspace *work);

#endif
