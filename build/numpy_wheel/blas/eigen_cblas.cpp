/* The part of CBLAS that numpy calls, as thin doors to Eigen's kernels.
 *
 * gemm, gemv, syrk, dot and axpy for float (s), double (d), complex float (c) and complex double (z), with the
 * prototypes of numpy/_core/src/common/npy_cblas.h (32-bit integers, no symbol suffix). Everything else of BLAS is
 * absent: numpy does not need it, its linear algebra brings its own lapack_lite.
 *
 * Eigen's own BLAS speaks Fortran; going to its templates directly saves that layer and most of its size. All matrices
 * are column-major here: one stored by rows is its own transpose stored by columns.
 */
#include <Eigen/Core>
#include <algorithm>
#include <complex>
#include <cstddef>
#include <utility>

namespace {

enum Order { ROW_MAJOR = 101, COL_MAJOR = 102 };
enum Transpose { NO_TRANS = 111, TRANS = 112, CONJ_TRANS = 113 };
enum Triangle { UPPER = 121, LOWER = 122 };

template <class T> using Plain = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T> using MatrixIn = Eigen::Map<const Plain<T>, 0, Eigen::OuterStride<>>;
template <class T> using MatrixOut = Eigen::Map<Plain<T>, 0, Eigen::OuterStride<>>;
template <class T> using Column = Eigen::Matrix<T, Eigen::Dynamic, 1>;
template <class T> using Dense = Eigen::Map<const Column<T>>;
template <class T> using VectorIn = Eigen::Map<const Column<T>, 0, Eigen::InnerStride<>>;
template <class T> using VectorOut = Eigen::Map<Column<T>, 0, Eigen::InnerStride<>>;

constexpr bool is_real(float) { return true; }
constexpr bool is_real(double) { return true; }
template <class T> constexpr bool is_real(std::complex<T>) { return false; }

/* A negative step walks the vector from its far end: BLAS hands over the lowest address, Eigen wants element 0. */
template <class P> P first(P p, int n, int step) { return step < 0 ? p - (std::ptrdiff_t)(n - 1) * step : p; }

template <class T> VectorIn<T> vector(int n, const T *x, int step)
{
    return {first(x, n, step), n, Eigen::InnerStride<>(step)};
}

template <class T> VectorOut<T> vector(int n, T *x, int step)
{
    return {first(x, n, step), n, Eigen::InnerStride<>(step)};
}

/* beta 0 clears without reading: what was there may be NaN. */
template <class X, class T> void scale(X &&x, T beta)
{
    if (beta == T(0))
        x.setZero();
    else if (beta != T(1))
        x *= beta;
}

template <class T> Plain<T> applied(const MatrixIn<T> &a, int trans)
{
    if (trans == NO_TRANS)
        return a;
    return trans == TRANS ? Plain<T>(a.transpose()) : Plain<T>(a.adjoint());
}

/* C = beta C + alpha op(A) op(B), with op(A) of m x k and op(B) of k x n */
template <class T>
void gemm(int order, int trans_a, int trans_b, int m, int n, int k, T alpha, const T *a, int lda, const T *b, int ldb,
          T beta, T *c, int ldc)
{
    if (order == ROW_MAJOR) { /* C^T = op(B)^T op(A)^T */
        std::swap(a, b);
        std::swap(lda, ldb);
        std::swap(trans_a, trans_b);
        std::swap(m, n);
    }
    if (m <= 0 || n <= 0)
        return;
    MatrixOut<T> C(c, m, n, Eigen::OuterStride<>(ldc));
    scale(C, beta);
    if (k <= 0 || alpha == T(0))
        return;
    MatrixIn<T> A(a, trans_a == NO_TRANS ? m : k, trans_a == NO_TRANS ? k : m, Eigen::OuterStride<>(lda));
    MatrixIn<T> B(b, trans_b == NO_TRANS ? k : n, trans_b == NO_TRANS ? n : k, Eigen::OuterStride<>(ldb));
    if constexpr (!is_real(T())) /* a copy each: one kernel instead of nine keeps the library small */
        C.noalias() += alpha * (applied(A, trans_a) * applied(B, trans_b));
    else if (trans_a == NO_TRANS && trans_b == NO_TRANS)
        C.noalias() += alpha * (A * B);
    else if (trans_a == NO_TRANS)
        C.noalias() += alpha * (A * B.transpose());
    else if (trans_b == NO_TRANS)
        C.noalias() += alpha * (A.transpose() * B);
    else
        C.noalias() += alpha * (A.transpose() * B.transpose());
}

/* One triangle of C = beta C + alpha A A^T (A^T A if transposed), in blocks so that gemm does the work. */
template <class T>
void syrk(int order, int uplo, int trans, int n, int k, T alpha, const T *a, int lda, T beta, T *c, int ldc)
{
    constexpr int BLOCK = 64;
    bool upper = (uplo == UPPER) == (order == COL_MAJOR);     /* as seen by columns */
    bool by_columns = (trans == NO_TRANS) == (order == COL_MAJOR); /* A is n x k there, not k x n */
    int left = by_columns ? NO_TRANS : TRANS, right = by_columns ? TRANS : NO_TRANS;
    std::ptrdiff_t next = by_columns ? 1 : lda; /* from one of the n vectors to the next */
    Plain<T> square(BLOCK, BLOCK);
    for (int j = 0; j < n; j += BLOCK) {
        int width = std::min(n - j, BLOCK), below = j + width;
        T *columns = c + (std::ptrdiff_t)j * ldc;
        gemm<T>(COL_MAJOR, left, right, width, width, k, alpha, a + j * next, lda, a + j * next, lda, T(0),
                square.data(), BLOCK);
        for (int s = 0; s < width; s++)
            for (int r = upper ? 0 : s; r < (upper ? s + 1 : width); r++) {
                T &to = columns[(std::ptrdiff_t)s * ldc + j + r];
                to = beta == T(0) ? square(r, s) : beta * to + square(r, s);
            }
        if (upper)
            gemm<T>(COL_MAJOR, left, right, j, width, k, alpha, a, lda, a + j * next, lda, beta, columns, ldc);
        else
            gemm<T>(COL_MAJOR, left, right, n - below, width, k, alpha, a + below * next, lda, a + j * next, lda, beta,
                    columns + below, ldc);
    }
}

/* y = beta y + alpha op(A) x, for A of m x n */
template <class T>
void gemv(int order, int trans, int m, int n, T alpha, const T *a, int lda, const T *x, int incx, T beta, T *y,
          int incy)
{
    int rows = trans == NO_TRANS ? m : n, cols = trans == NO_TRANS ? n : m;
    if (rows <= 0)
        return;
    VectorOut<T> Y = vector(rows, y, incy);
    scale(Y, beta);
    if (cols <= 0 || alpha == T(0))
        return;
    Column<T> X = alpha * vector(cols, x, incx); /* contiguous, whatever its step */
    if (order == ROW_MAJOR)
        std::swap(m, n);
    MatrixIn<T> A(a, m, n, Eigen::OuterStride<>(lda));
    bool transposed = (trans == NO_TRANS) == (order == ROW_MAJOR);
    if (trans == CONJ_TRANS) { /* conj(A) x = conj(A conj(x)) */
        Column<T> conjugate = X.conjugate(), result(rows);
        if (transposed)
            result.noalias() = A.transpose() * conjugate;
        else
            result.noalias() = A * conjugate;
        Y += result.conjugate();
    } else if (transposed)
        Y.noalias() += A.transpose() * X;
    else
        Y.noalias() += A * X;
}

template <class T> T dot(int n, const T *x, int incx, const T *y, int incy)
{
    if (n <= 0)
        return T(0);
    if (incx == 1 && incy == 1)
        return Dense<T>(x, n).cwiseProduct(Dense<T>(y, n)).sum();
    return vector(n, x, incx).cwiseProduct(vector(n, y, incy)).sum();
}

template <class T> T dot_conjugated(int n, const T *x, int incx, const T *y, int incy)
{
    return n <= 0 ? T(0) : vector(n, x, incx).dot(vector(n, y, incy));
}

template <class T> void axpy(int n, T alpha, const T *x, int incx, T *y, int incy)
{
    if (n > 0)
        vector(n, y, incy) += alpha * vector(n, x, incx);
}

} // namespace

#define API extern "C" __attribute__((visibility("default")))

#define REAL(P, T)                                                                                                     \
    API void cblas_##P##gemm(int order, int ta, int tb, int m, int n, int k, T alpha, const T *a, int lda, const T *b, \
                             int ldb, T beta, T *c, int ldc)                                                           \
    {                                                                                                                  \
        gemm<T>(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                          \
    }                                                                                                                  \
    API void cblas_##P##syrk(int order, int uplo, int trans, int n, int k, T alpha, const T *a, int lda, T beta, T *c, \
                             int ldc)                                                                                  \
    {                                                                                                                  \
        syrk<T>(order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc);                                                \
    }                                                                                                                  \
    API void cblas_##P##gemv(int order, int trans, int m, int n, T alpha, const T *a, int lda, const T *x, int incx,   \
                             T beta, T *y, int incy)                                                                   \
    {                                                                                                                  \
        gemv<T>(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);                                            \
    }                                                                                                                  \
    API T cblas_##P##dot(int n, const T *x, int incx, const T *y, int incy) { return dot<T>(n, x, incx, y, incy); }    \
    API void cblas_##P##axpy(int n, T alpha, const T *x, int incx, T *y, int incy)                                     \
    {                                                                                                                  \
        axpy<T>(n, alpha, x, incx, y, incy);                                                                           \
    }

REAL(s, float)
REAL(d, double)

/* Complex numbers come by address. */
#define AT(p) (*(const T *)(p))
#define IN(p) ((const T *)(p))
#define OUT(p) ((T *)(p))
#define COMPLEX(P, REAL_PART)                                                                                          \
    API void cblas_##P##gemm(int order, int ta, int tb, int m, int n, int k, const void *alpha, const void *a,         \
                             int lda, const void *b, int ldb, const void *beta, void *c, int ldc)                      \
    {                                                                                                                  \
        using T = std::complex<REAL_PART>;                                                                             \
        gemm<T>(order, ta, tb, m, n, k, AT(alpha), IN(a), lda, IN(b), ldb, AT(beta), OUT(c), ldc);                     \
    }                                                                                                                  \
    API void cblas_##P##syrk(int order, int uplo, int trans, int n, int k, const void *alpha, const void *a, int lda,  \
                             const void *beta, void *c, int ldc)                                                       \
    {                                                                                                                  \
        using T = std::complex<REAL_PART>;                                                                             \
        syrk<T>(order, uplo, trans, n, k, AT(alpha), IN(a), lda, AT(beta), OUT(c), ldc);                               \
    }                                                                                                                  \
    API void cblas_##P##gemv(int order, int trans, int m, int n, const void *alpha, const void *a, int lda,            \
                             const void *x, int incx, const void *beta, void *y, int incy)                             \
    {                                                                                                                  \
        using T = std::complex<REAL_PART>;                                                                             \
        gemv<T>(order, trans, m, n, AT(alpha), IN(a), lda, IN(x), incx, AT(beta), OUT(y), incy);                       \
    }                                                                                                                  \
    API void cblas_##P##dotu_sub(int n, const void *x, int incx, const void *y, int incy, void *result)                \
    {                                                                                                                  \
        using T = std::complex<REAL_PART>;                                                                             \
        *OUT(result) = dot<T>(n, IN(x), incx, IN(y), incy);                                                            \
    }                                                                                                                  \
    API void cblas_##P##dotc_sub(int n, const void *x, int incx, const void *y, int incy, void *result)                \
    {                                                                                                                  \
        using T = std::complex<REAL_PART>;                                                                             \
        *OUT(result) = dot_conjugated<T>(n, IN(x), incx, IN(y), incy);                                                 \
    }                                                                                                                  \
    API void cblas_##P##axpy(int n, const void *alpha, const void *x, int incx, void *y, int incy)                     \
    {                                                                                                                  \
        using T = std::complex<REAL_PART>;                                                                             \
        axpy<T>(n, AT(alpha), IN(x), incx, OUT(y), incy);                                                              \
    }

COMPLEX(c, float)
COMPLEX(z, double)
