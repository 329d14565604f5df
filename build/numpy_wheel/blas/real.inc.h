/* float and double. Included by npgemm.c once for each, with
 *   REAL    the element type
 *   LANES   how many of them one 128-bit vector holds
 *   FN, CBLAS  names for this type
 */

typedef REAL FN(vec) __attribute__((vector_size(16), aligned(sizeof(REAL)), may_alias));

/* A matrix without regard to its layout: element (i, j) is p[i * row + j * col]. Transposing swaps two numbers. */
typedef struct {
    const REAL *p;
    ptrdiff_t row, col;
} FN(view);

static FN(view) FN(viewed)(const REAL *p, int order, int trans, int ld)
{
    int contiguous_rows = (order == ROW_MAJOR) == (trans == NO_TRANS);
    return contiguous_rows ? (FN(view)){p, ld, 1} : (FN(view)){p, 1, ld};
}

static FN(view) FN(from)(FN(view) a, ptrdiff_t i, ptrdiff_t j)
{
    return (FN(view)){a.p + i * a.row + j * a.col, a.row, a.col};
}

static FN(view) FN(transposed)(FN(view) a) { return (FN(view)){a.p, a.col, a.row}; }

static inline FN(vec) FN(load)(const REAL *p) { return *(const FN(vec) *)p; }

static inline void FN(store)(REAL *p, FN(vec) v) { *(FN(vec) *)p = v; }

static inline FN(vec) FN(splat)(REAL x)
{
    FN(vec) v;
    for (int lane = 0; lane < LANES; lane++)
        v[lane] = x;
    return v;
}

/* ---- gemm: C = beta C + alpha A B, blocked so that what is read again stays in the caches ----------------------
 *
 * Goto's scheme. B is cut into panels of PANEL columns, A into strips of STRIP rows, both copied so that the kernel
 * reads them front to back. The kernel keeps a STRIP x PANEL tile of C in registers: 8 accumulators, which with two
 * vectors of B and one broadcast element of A fit the 16 that x86 has.
 */
enum {
    FN(STRIP) = 4,
    FN(PANEL) = 2 * LANES,
    FN(DEPTH_BLOCK) = 256,
    FN(ROW_BLOCK) = 16 * FN(STRIP),
    FN(COL_BLOCK) = 512,
};

/* One tile of C, rows x cols of it wanted: depth steps through a strip of A and a panel of B. beta 0 does not read C. */
static __attribute__((noinline)) void FN(tile)(
    int depth, const REAL *restrict a, const REAL *restrict b, REAL alpha, REAL beta,
    REAL *restrict c, ptrdiff_t c_row, int rows, int cols)
{
    FN(vec) sum[FN(STRIP)][2];
    for (int i = 0; i < FN(STRIP); i++)
        sum[i][0] = sum[i][1] = FN(splat)(0);
    for (int p = 0; p < depth; p++) {
        FN(vec) b0 = FN(load)(b), b1 = FN(load)(b + LANES);
#pragma GCC unroll 8
        for (int i = 0; i < FN(STRIP); i++) {
            FN(vec) ai = FN(splat)(a[i]);
            sum[i][0] += ai * b0;
            sum[i][1] += ai * b1;
        }
        a += FN(STRIP);
        b += FN(PANEL);
    }
    FN(vec) valpha = FN(splat)(alpha), vbeta = FN(splat)(beta);
    if (rows == FN(STRIP) && cols == FN(PANEL)) {
        for (int i = 0; i < FN(STRIP); i++)
            for (int half = 0; half < 2; half++) {
                REAL *to = c + i * c_row + half * LANES;
                FN(vec) value = valpha * sum[i][half];
                if (beta != 0)
                    value += vbeta * FN(load)(to);
                FN(store)(to, value);
            }
        return;
    }
    REAL whole[FN(STRIP)][FN(PANEL)]; /* a tile over the edge: only its corner is written */
    for (int i = 0; i < FN(STRIP); i++)
        for (int half = 0; half < 2; half++)
            FN(store)(whole[i] + half * LANES, valpha * sum[i][half]);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            REAL *to = c + i * c_row + j;
            *to = beta == 0 ? whole[i][j] : beta * *to + whole[i][j];
        }
}

/* Copy depth x cols of B panel by panel, the last one filled up with zeros. */
static void FN(pack_b)(REAL *to, FN(view) b, int depth, int cols)
{
    for (int j = 0; j < cols; j += FN(PANEL)) {
        int width = (int)smaller(cols - j, FN(PANEL));
        FN(view) panel = FN(from)(b, 0, j);
        for (int p = 0; p < depth; p++, to += FN(PANEL)) {
            const REAL *row = panel.p + p * panel.row;
            if (width == FN(PANEL) && panel.col == 1) {
                FN(store)(to, FN(load)(row));
                FN(store)(to + LANES, FN(load)(row + LANES));
                continue;
            }
            for (int r = 0; r < FN(PANEL); r++)
                to[r] = r < width ? row[r * panel.col] : 0;
        }
    }
}

/* Copy rows x depth of A strip by strip, the last one filled up with zeros. */
static void FN(pack_a)(REAL *to, FN(view) a, int rows, int depth)
{
    for (int i = 0; i < rows; i += FN(STRIP)) {
        int height = (int)smaller(rows - i, FN(STRIP));
        FN(view) strip = FN(from)(a, i, 0);
        if (height == FN(STRIP)) {
            for (int p = 0; p < depth; p++, to += FN(STRIP))
                for (int r = 0; r < FN(STRIP); r++)
                    to[r] = strip.p[r * strip.row + p * strip.col];
            continue;
        }
        for (int p = 0; p < depth; p++, to += FN(STRIP))
            for (int r = 0; r < FN(STRIP); r++)
                to[r] = r < height ? strip.p[r * strip.row + p * strip.col] : 0;
    }
}

static void FN(scale)(REAL *c, ptrdiff_t c_row, int rows, int cols, REAL beta)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            c[i * c_row + j] = beta == 0 ? 0 : beta * c[i * c_row + j];
}

static void FN(multiply)(int rows, int cols, int depth, REAL alpha, FN(view) a, FN(view) b, REAL beta,
                         REAL *c, ptrdiff_t c_row)
{
    if (rows <= 0 || cols <= 0)
        return;
    if (depth <= 0 || alpha == 0) {
        FN(scale)(c, c_row, rows, cols, beta);
        return;
    }
    size_t widest = (smaller(cols, FN(COL_BLOCK)) + FN(PANEL) - 1) / FN(PANEL) * FN(PANEL);
    REAL *strips = reserve(&packed_a, sizeof(REAL) * FN(ROW_BLOCK) * FN(DEPTH_BLOCK));
    REAL *panels = reserve(&packed_b, sizeof(REAL) * widest * smaller(depth, FN(DEPTH_BLOCK)));

    for (int j0 = 0; j0 < cols; j0 += FN(COL_BLOCK)) {
        int width = (int)smaller(cols - j0, FN(COL_BLOCK));
        for (int p0 = 0; p0 < depth; p0 += FN(DEPTH_BLOCK)) {
            int deep = (int)smaller(depth - p0, FN(DEPTH_BLOCK));
            REAL keep = p0 == 0 ? beta : 1; /* later depth blocks add to what the first one left */
            FN(pack_b)(panels, FN(from)(b, p0, j0), deep, width);
            for (int i0 = 0; i0 < rows; i0 += FN(ROW_BLOCK)) {
                int height = (int)smaller(rows - i0, FN(ROW_BLOCK));
                FN(pack_a)(strips, FN(from)(a, i0, p0), height, deep);
                for (int j = 0; j < width; j += FN(PANEL))
                    for (int i = 0; i < height; i += FN(STRIP))
                        FN(tile)(deep, strips + (size_t)i * deep, panels + (size_t)j * deep, alpha, keep,
                                 c + (i0 + i) * c_row + j0 + j, c_row,
                                 (int)smaller(height - i, FN(STRIP)), (int)smaller(width - j, FN(PANEL)));
            }
        }
    }
}

API void CBLAS(gemm)(int order, int trans_a, int trans_b, int m, int n, int k, REAL alpha, const REAL *a, int lda,
                     const REAL *b, int ldb, REAL beta, REAL *c, int ldc)
{
    FN(view) va = FN(viewed)(a, order, trans_a, lda), vb = FN(viewed)(b, order, trans_b, ldb);
    if (order == ROW_MAJOR)
        FN(multiply)(m, n, k, alpha, va, vb, beta, c, ldc);
    else /* C is stored by columns: what is stored by rows is its transpose, B^T A^T */
        FN(multiply)(n, m, k, alpha, FN(transposed)(vb), FN(transposed)(va), beta, c, ldc);
}

/* ---- syrk: one triangle of the symmetric C = beta C + alpha A A^T --------------------------------------------- */
API void CBLAS(syrk)(int order, int uplo, int trans, int n, int k, REAL alpha, const REAL *a, int lda, REAL beta,
                     REAL *c, int ldc)
{
    enum { BLOCK = 64 };
    REAL square[BLOCK * BLOCK];
    int upper = (uplo == UPPER) == (order == ROW_MAJOR); /* by columns, the upper triangle lies as the lower by rows */
    FN(view) va = FN(viewed)(a, order, trans, lda);
    for (int i = 0; i < n; i += BLOCK) {
        int rows = (int)smaller(n - i, BLOCK), after = i + rows;
        FN(view) here = FN(from)(va, i, 0);
        REAL *row = c + (ptrdiff_t)i * ldc;
        FN(multiply)(rows, rows, k, alpha, here, FN(transposed)(here), 0, square, BLOCK); /* on the diagonal */
        for (int r = 0; r < rows; r++)
            for (int s = upper ? r : 0; s < (upper ? rows : r + 1); s++) {
                REAL *to = row + (ptrdiff_t)r * ldc + i + s;
                *to = beta == 0 ? square[r * BLOCK + s] : beta * *to + square[r * BLOCK + s];
            }
        if (upper)
            FN(multiply)(rows, n - after, k, alpha, here, FN(transposed)(FN(from)(va, after, 0)), beta, row + after, ldc);
        else
            FN(multiply)(rows, i, k, alpha, here, FN(transposed)(va), beta, row, ldc);
    }
}

/* ---- vectors --------------------------------------------------------------------------------------------------- */
static REAL FN(inner)(ptrdiff_t n, const REAL *x, ptrdiff_t x_step, const REAL *y, ptrdiff_t y_step)
{
    REAL total = 0;
    ptrdiff_t i = 0;
    if (x_step == 1 && y_step == 1) {
        FN(vec) sum[4] = {FN(splat)(0), FN(splat)(0), FN(splat)(0), FN(splat)(0)};
        for (; i + 4 * LANES <= n; i += 4 * LANES)
            for (int part = 0; part < 4; part++)
                sum[part] += FN(load)(x + i + part * LANES) * FN(load)(y + i + part * LANES);
        for (; i + LANES <= n; i += LANES)
            sum[0] += FN(load)(x + i) * FN(load)(y + i);
        FN(vec) all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        for (int lane = 0; lane < LANES; lane++)
            total += all[lane];
    }
    for (; i < n; i++)
        total += x[i * x_step] * y[i * y_step];
    return total;
}

/* y = beta y + alpha A x, for A of rows x cols */
static void FN(apply)(int rows, int cols, REAL alpha, FN(view) a, const REAL *x, ptrdiff_t x_step, REAL beta, REAL *y,
                      ptrdiff_t y_step)
{
    for (ptrdiff_t i = 0; i < rows && beta != 1; i++)
        y[i * y_step] = beta == 0 ? 0 : beta * y[i * y_step];
    if (alpha == 0)
        return;
    if (a.col == 1) { /* rows lie together: one inner product each */
        for (ptrdiff_t i = 0; i < rows; i++)
            y[i * y_step] += alpha * FN(inner)(cols, a.p + i * a.row, 1, x, x_step);
        return;
    }
    ptrdiff_t j = 0;
    if (y_step == 1) { /* columns lie together: add four at a time, so that y is read and written less often */
        for (; j + 4 <= cols; j += 4) {
            const REAL *a0 = a.p + j * a.col, *a1 = a0 + a.col, *a2 = a1 + a.col, *a3 = a2 + a.col;
            REAL x0 = alpha * x[j * x_step], x1 = alpha * x[(j + 1) * x_step];
            REAL x2 = alpha * x[(j + 2) * x_step], x3 = alpha * x[(j + 3) * x_step];
            FN(vec) v0 = FN(splat)(x0), v1 = FN(splat)(x1), v2 = FN(splat)(x2), v3 = FN(splat)(x3);
            ptrdiff_t i = 0;
            for (; i + LANES <= rows; i += LANES)
                FN(store)(y + i, FN(load)(y + i) + ((v0 * FN(load)(a0 + i) + v1 * FN(load)(a1 + i)) +
                                                    (v2 * FN(load)(a2 + i) + v3 * FN(load)(a3 + i))));
            for (; i < rows; i++)
                y[i] += (x0 * a0[i] + x1 * a1[i]) + (x2 * a2[i] + x3 * a3[i]);
        }
    }
    for (; j < cols; j++) {
        REAL xj = alpha * x[j * x_step];
        for (ptrdiff_t i = 0; i < rows; i++)
            y[i * y_step] += xj * a.p[i + j * a.col];
    }
}

API void CBLAS(gemv)(int order, int trans, int m, int n, REAL alpha, const REAL *a, int lda, const REAL *x, int incx,
                     REAL beta, REAL *y, int incy)
{
    int rows = trans == NO_TRANS ? m : n, cols = trans == NO_TRANS ? n : m;
    FN(apply)(rows, cols, alpha, FN(viewed)(a, order, trans, lda), x + origin(cols, incx), incx, beta,
              y + origin(rows, incy), incy);
}

API REAL CBLAS(dot)(int n, const REAL *x, int incx, const REAL *y, int incy)
{
    return FN(inner)(n, x + origin(n, incx), incx, y + origin(n, incy), incy);
}

API void CBLAS(axpy)(int n, REAL alpha, const REAL *x, int incx, REAL *y, int incy)
{
    x += origin(n, incx);
    y += origin(n, incy);
    for (ptrdiff_t i = 0; i < n; i++)
        y[i * incy] += alpha * x[i * incx];
}
