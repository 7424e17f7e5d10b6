#ifndef CDCD_STATE_H
#define CDCD_STATE_H

/*
 * The state of a training run: a list of named arrays, like the state_dict of PyTorch. What is
 * saved, loaded and checked for non-finite numbers is what is in the list. Modules register their
 * arrays in it once; the arrays stay theirs. The names are those of the tensors of a checkpoint
 * (cdcd-checkpoint(5)), and the order is that of the file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "compute/kernels.h"
#include "formats/safetensors.h"
#include "model/weights.h"

enum { STATE_NAME = 96 };

struct state_array {
	char name[STATE_NAME];
	enum safetensors_dtype dtype;
	int n_dims;
	uint64_t shape[2];
	const struct tensor *tensor; /* its place in the layout of the weights, and the memory is
	                                the device's; NULL: an array in host memory */
	const char *prefix;          /* name without that of the tensor */
	const char *what;            /* what it is, for messages: "the first moment of " */
	bool divided;                /* the ranks divide it: this process has pieces of it */
	const void *whole;      /* memory of the whole array; NULL if it is divided, until it is
	                           gathered */
	size_t first, n_pieces; /* its pieces: where they begin in the list, their number */
};

/* Consecutive elements of an array that this process has. */
struct state_piece {
	size_t at, n; /* first element in the array, number of elements */
	void *data;   /* [n] */
};

struct state {
	struct kernels *k;
	struct state_array *array;
	struct state_piece *piece;
	size_t n, n_pieces;
	size_t array_room, piece_room; /* capacities */
};

/* state_init - an empty list, for arrays on the device of k. state_release frees the list, but not
 * the arrays. */
void state_init(struct state *s, struct kernels *k);
void state_release(struct state *s);

/*
 * The functions below append to the list and return 0, or -1 if memory is short. Strings and
 * tensors are borrowed, but the name of an array in host memory is copied.
 *
 * state_add_tensor - an array with the shape of t, called prefix and t's name; state_add_piece then
 * adds what this process has of it: n elements from number at on, in data (device memory).
 * state_add_weights - all tensors of base, an array in the layout of w (device memory). If base is
 * NULL, the list has their names and shapes only.
 * state_add_host - data [n] in host memory.
 */
int state_add_tensor(struct state *s, const char *prefix, const char *what, const struct tensor *t,
    bool divided, struct err *e);
int state_add_piece(struct state *s, size_t at, size_t n, void *data, struct err *e);
int state_add_weights(struct state *s, const char *prefix, const char *what,
    const struct weights *w, real *base, struct err *e);
int state_add_host(struct state *s, const char *name, enum safetensors_dtype dtype, size_t n,
    void *data, struct err *e);

/* state_set_length - from now on, the array in host memory called name has n elements. */
void state_set_length(struct state *s, const char *name, size_t n);

/* state_check_finite - check that all numbers that this process has are finite. Returns 0, or -1
 * with status ERR_NONFINITE and a message that names the first array that has one that is not. */
int state_check_finite(const struct state *s, struct err *e);

#endif
