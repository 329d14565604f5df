/* npgemm: the part of CBLAS that numpy calls, single threaded, with SIMD kernels for real numbers.
 *
 * gemm, gemv, syrk, dot and axpy for float (s), double (d), complex float (c) and complex double (z), with the
 * prototypes of numpy/_core/src/common/npy_cblas_base.h (32-bit integers, no symbol suffix). Everything else of BLAS is
 * absent: numpy does not need it, its linear algebra uses its own lapack_lite.
 *
 * Vectors are written with the compiler's vector extension, so the same source is WebAssembly SIMD under emcc
 * (-msimd128) and SSE or NEON under a native compiler: the tests use the native build to reach what numpy never asks
 * for (beta != 0, padded rows, column-major order).
 *
 * Multiplication and addition stay two operations (-ffp-contract=off): WebAssembly has no exact fused one.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define API __attribute__((visibility("default")))

enum { ROW_MAJOR = 101, COL_MAJOR = 102 };
enum { NO_TRANS = 111, TRANS = 112, CONJ_TRANS = 113 };
enum { UPPER = 121, LOWER = 122 };

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* BLAS walks a vector with a negative step from its far end: where element 0 lies. */
static ptrdiff_t origin(int n, int step) { return step < 0 ? -(ptrdiff_t)(n - 1) * step : 0; }

/* Working memory for packed blocks, kept from call to call. Bounded by the block sizes: 128 KB and 2 MB at most. */
typedef struct {
    void *memory;
    size_t size;
} scratch;

static scratch packed_a, packed_b;

static void *reserve(scratch *s, size_t size)
{
    if (s->size < size) {
        free(s->memory);
        s->memory = NULL;
        s->size = 0;
        if (posix_memalign(&s->memory, 64, size)) {
            fprintf(stderr, "npgemm: no memory for a block of %zu bytes\n", size);
            abort();
        }
        s->size = size;
    }
    return s->memory;
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define FN(name) JOIN(PREFIX, JOIN(_, name))      /* s_gemm: ours alone */
#define CBLAS(name) JOIN(cblas_, JOIN(PREFIX, name)) /* cblas_sgemm: what numpy links to */

#define PREFIX s
#define REAL float
#define LANES 4
#include "real.inc.h"
#undef PREFIX
#undef REAL
#undef LANES

#define PREFIX d
#define REAL double
#define LANES 2
#include "real.inc.h"
#undef PREFIX
#undef REAL
#undef LANES

#define PREFIX c
#define REAL float
#include "complex.inc.h"
#undef PREFIX
#undef REAL

#define PREFIX z
#define REAL double
#include "complex.inc.h"
#undef PREFIX
#undef REAL
