/* complex float and complex double, in plain loops: numpy must be right here, nothing in the pages needs it fast.
 * Included by npgemm.c once for each, with REAL the type of one part, and FN, CBLAS names for this type. */

typedef struct {
    REAL re, im;
} FN(number);

typedef struct {
    const FN(number) *p; /* element (i, j) is p[i * row + j * col], conjugated if asked */
    ptrdiff_t row, col;
    int conjugate;
} FN(view);

static FN(view) FN(viewed)(const void *p, int order, int trans, int ld)
{
    int contiguous_rows = (order == ROW_MAJOR) == (trans == NO_TRANS), conjugate = trans == CONJ_TRANS;
    return contiguous_rows ? (FN(view)){p, ld, 1, conjugate} : (FN(view)){p, 1, ld, conjugate};
}

static FN(view) FN(transposed)(FN(view) a) { return (FN(view)){a.p, a.col, a.row, a.conjugate}; }

static FN(number) FN(at)(FN(view) a, ptrdiff_t i, ptrdiff_t j)
{
    FN(number) x = a.p[i * a.row + j * a.col];
    if (a.conjugate)
        x.im = -x.im;
    return x;
}

static FN(number) FN(times)(FN(number) a, FN(number) b)
{
    return (FN(number)){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* C = beta C + alpha A B; beta 0 does not read C */
static void FN(multiply)(int rows, int cols, int depth, FN(number) alpha, FN(view) a, FN(view) b, FN(number) beta,
                         FN(number) *c, ptrdiff_t c_row, ptrdiff_t c_col)
{
    int clear = beta.re == 0 && beta.im == 0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        FN(number) *row = c + i * c_row;
        for (ptrdiff_t j = 0; j < cols; j++)
            row[j * c_col] = clear ? (FN(number)){0, 0} : FN(times)(beta, row[j * c_col]);
        for (ptrdiff_t p = 0; p < depth; p++) {
            FN(number) x = FN(times)(alpha, FN(at)(a, i, p));
            for (ptrdiff_t j = 0; j < cols; j++) {
                FN(number) y = FN(times)(x, FN(at)(b, p, j));
                row[j * c_col].re += y.re;
                row[j * c_col].im += y.im;
            }
        }
    }
}

API void CBLAS(gemm)(int order, int trans_a, int trans_b, int m, int n, int k, const void *alpha, const void *a,
                     int lda, const void *b, int ldb, const void *beta, void *c, int ldc)
{
    FN(view) va = FN(viewed)(a, order, trans_a, lda), vb = FN(viewed)(b, order, trans_b, ldb);
    FN(number) al = *(const FN(number) *)alpha, be = *(const FN(number) *)beta;
    if (order == ROW_MAJOR)
        FN(multiply)(m, n, k, al, va, vb, be, c, ldc, 1);
    else
        FN(multiply)(n, m, k, al, FN(transposed)(vb), FN(transposed)(va), be, c, ldc, 1);
}

API void CBLAS(syrk)(int order, int uplo, int trans, int n, int k, const void *alpha, const void *a, int lda,
                     const void *beta, void *c, int ldc)
{
    int upper = (uplo == UPPER) == (order == ROW_MAJOR);
    FN(view) va = FN(viewed)(a, order, trans, lda);
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t first = upper ? i : 0, count = upper ? n - i : i + 1;
        FN(view) row = va, others = va;
        row.p += i * va.row;
        others.p += first * va.row;
        FN(multiply)(1, (int)count, k, *(const FN(number) *)alpha, row, FN(transposed)(others),
                     *(const FN(number) *)beta, (FN(number) *)c + i * ldc + first, ldc, 1);
    }
}

API void CBLAS(gemv)(int order, int trans, int m, int n, const void *alpha, const void *a, int lda, const void *x,
                     int incx, const void *beta, void *y, int incy)
{
    int rows = trans == NO_TRANS ? m : n, cols = trans == NO_TRANS ? n : m;
    FN(view) column = {(const FN(number) *)x + origin(cols, incx), incx, 1, 0};
    FN(multiply)(rows, 1, cols, *(const FN(number) *)alpha, FN(viewed)(a, order, trans, lda), column,
                 *(const FN(number) *)beta, (FN(number) *)y + origin(rows, incy), incy, 1);
}

static void FN(inner)(int n, FN(view) x, const FN(number) *y, ptrdiff_t y_step, FN(number) *result)
{
    FN(number) sum = {0, 0};
    for (ptrdiff_t i = 0; i < n; i++) {
        FN(number) z = FN(times)(FN(at)(x, i, 0), y[i * y_step]);
        sum.re += z.re;
        sum.im += z.im;
    }
    *result = sum;
}

API void CBLAS(dotu_sub)(int n, const void *x, int incx, const void *y, int incy, void *result)
{
    FN(view) vx = {(const FN(number) *)x + origin(n, incx), incx, 1, 0};
    FN(inner)(n, vx, (const FN(number) *)y + origin(n, incy), incy, result);
}

API void CBLAS(dotc_sub)(int n, const void *x, int incx, const void *y, int incy, void *result)
{
    FN(view) vx = {(const FN(number) *)x + origin(n, incx), incx, 1, 1};
    FN(inner)(n, vx, (const FN(number) *)y + origin(n, incy), incy, result);
}

API void CBLAS(axpy)(int n, const void *alpha, const void *x, int incx, void *y, int incy)
{
    const FN(number) *from = (const FN(number) *)x + origin(n, incx);
    FN(number) *to = (FN(number) *)y + origin(n, incy);
    for (ptrdiff_t i = 0; i < n; i++) {
        FN(number) z = FN(times)(*(const FN(number) *)alpha, from[i * incx]);
        to[i * incy].re += z.re;
        to[i * incy].im += z.im;
    }
}
