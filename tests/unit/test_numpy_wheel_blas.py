"""The BLAS of the wheel, compiled natively and called directly: what numpy itself never asks of it.

numpy only ever passes alpha 1, beta 0 and its own layouts; here every function is driven through both orders, all
transpositions, padded rows, negative steps, alpha and beta, against float64 sums. The same source inside the wheel is
tested through numpy in test_numpy_wheel.py.

Tolerance: a sum of k products may be off by (k + 4) eps times the sum of the products' magnitudes, in any order of
adding up (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1); complex products take twice that.
"""

import ctypes
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

BLAS = Path(__file__).parents[2] / "build" / "numpy_wheel" / "blas"
ROW, COL = 101, 102
NO, TRANS, CONJ = 111, 112, 113
UPPER, LOWER = 121, 122
DTYPES = {"s": np.float32, "d": np.float64, "c": np.complex64, "z": np.complex128}
REALS = {"s": ctypes.c_float, "d": ctypes.c_double}
PADDING = 77.0  # stands where nothing may be written

# Around register tiles (4 x 8 and 4 x 4), the blocks of gemm (64 rows, 256 deep, 512 columns) and of syrk (64).
GEMM_SHAPES = [
    (1, 1, 1), (1, 9, 5), (9, 1, 5), (3, 7, 1), (4, 8, 16), (5, 9, 17), (8, 4, 3), (63, 33, 20), (65, 31, 64),
    (2, 513, 6), (70, 3, 257), (6, 8, 600), (5, 520, 300), (0, 3, 4), (3, 0, 4), (3, 4, 0),
]  # fmt: skip


# The doors to Eigen are not in the wheel and compile for half a minute: EIGEN_INCLUDE=/usr/include/eigen3 tests them.
@pytest.fixture(scope="module", params=["npgemm", "eigen"] if "EIGEN_INCLUDE" in os.environ else ["npgemm"])
def blas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The BLAS as a shared library of this machine: ours, or the doors to Eigen."""
    library = tmp_path_factory.mktemp("blas") / "blas.so"
    flags = ["-ffp-contract=off", "-fPIC", "-shared", "-fvisibility=hidden", "-o", str(library)]
    if request.param == "npgemm":
        compiler = shutil.which("cc") or shutil.which("clang")
        flags += ["-O2", str(BLAS / "npgemm.c")]
    else:
        compiler = shutil.which("c++") or shutil.which("clang++")
        flags += ["-O0", "-std=c++17", "-isystem", os.environ["EIGEN_INCLUDE"], str(BLAS / "eigen_cblas.cpp")]
    if compiler is None:
        pytest.skip("no C compiler (cc or clang) to build the BLAS natively")
    subprocess.run([compiler, *flags], check=True)
    return ctypes.CDLL(str(library))


def call(blas: ctypes.CDLL, prefix: str, name: str, *arguments: object, returns: object = None) -> object:
    """Call cblas_<prefix><name>: arrays as pointers, scalars by value (real) or by reference (complex)."""
    function = getattr(blas, f"cblas_{prefix}{name}")
    function.restype = returns
    passed, alive = [], []
    for value in arguments:
        if isinstance(value, np.ndarray):
            passed.append(ctypes.c_void_p(value.ctypes.data))
        elif isinstance(value, int):
            passed.append(ctypes.c_int(value))
        elif prefix in REALS:
            passed.append(REALS[prefix](value))
        else:
            alive.append(np.array([value], dtype=DTYPES[prefix]))
            passed.append(ctypes.c_void_p(alive[-1].ctypes.data))
    return function(*passed)


def random(rng: np.random.Generator, prefix: str, *shape: int) -> np.ndarray:
    """Standard normal numbers of the type that the prefix names."""
    x = rng.standard_normal(shape)
    if prefix in "cz":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(DTYPES[prefix])


def stored(matrix: np.ndarray, order: int, pad: int) -> tuple[np.ndarray, int]:
    """The matrix as BLAS wants it, with pad unused elements after each row (or column), and its leading dimension."""
    lines = matrix if order == ROW else matrix.T
    memory = np.full((lines.shape[0], lines.shape[1] + pad), PADDING, dtype=matrix.dtype)
    memory[:, : lines.shape[1]] = lines
    return memory, max(memory.shape[1], 1)


def unstored(memory: np.ndarray, order: int, shape: tuple[int, int]) -> np.ndarray:
    """The matrix back, after checking that nothing was written beside it."""
    width = shape[1] if order == ROW else shape[0]
    assert (memory[:, width:] == PADDING).all(), "written outside the matrix"
    return memory[:, :width] if order == ROW else memory[:, :width].T


def applied(matrix: np.ndarray, trans: int) -> np.ndarray:
    """What the transposition flag makes of a stored matrix, in double precision."""
    wide = matrix.astype(np.result_type(matrix, np.float64))
    return {NO: wide, TRANS: wide.T, CONJ: wide.conj().T}[trans]


def steps(x: np.ndarray, step: int) -> np.ndarray:
    """The vector laid out with the given step between its elements (a negative one starts from the far end)."""
    memory = np.full(max(len(x) * abs(step), 1), PADDING, dtype=x.dtype)
    memory[:: abs(step)][: len(x)] = x if step > 0 else x[::-1]
    return memory


def unsteps(memory: np.ndarray, step: int, n: int) -> np.ndarray:
    """The vector back, after checking that nothing was written between its elements."""
    rest = np.ones(len(memory), dtype=bool)
    rest[:: abs(step)] = False
    assert (memory[rest] == PADDING).all(), "written between the elements"
    x = memory[:: abs(step)][:n]
    return x if step > 0 else x[::-1]


def assert_sum(got: np.ndarray, want: np.ndarray, magnitude: np.ndarray, terms: int) -> None:
    """got is want up to the rounding of that many terms, whose magnitudes add up to `magnitude`."""
    eps = np.finfo(got.dtype).eps
    allowed = (terms + 4) * eps * magnitude * (2 if np.iscomplexobj(got) else 1)
    error = np.abs(got.astype(want.dtype) - want)
    assert np.isfinite(got).all()
    assert (error <= allowed).all(), f"off by {error.max():.3g}, allowed {allowed.flat[error.argmax()]:.3g}"


@pytest.mark.parametrize("shape", GEMM_SHAPES, ids=lambda s: "x".join(map(str, s)))
@pytest.mark.parametrize("prefix", DTYPES)
def test_gemm_in_both_orders_and_all_transpositions(blas: ctypes.CDLL, prefix: str, shape: tuple) -> None:
    m, n, k = shape
    rng = np.random.default_rng(m * 7919 + n * 31 + k)
    flags = (NO, TRANS, CONJ) if prefix in "cz" else (NO, TRANS)
    scalars = [(1, 0), (-0.5, 1), (2, 0.25), (0, 2), (0, 0)]
    for number, (order, ta, tb) in enumerate(itertools.product((ROW, COL), flags, flags)):
        alpha, beta = (float(s) for s in scalars[number % len(scalars)])
        a = random(rng, prefix, *((m, k) if ta == NO else (k, m)))
        b = random(rng, prefix, *((k, n) if tb == NO else (n, k)))
        c = random(rng, prefix, m, n)
        if beta == 0:
            c[...] = np.nan  # must not be read
        (ma, lda), (mb, ldb), (mc, ldc) = stored(a, order, 3), stored(b, order, 1), stored(c, order, 2)
        call(blas, prefix, "gemm", order, ta, tb, m, n, k, alpha, ma, lda, mb, ldb, beta, mc, ldc)
        before = 0 * applied(a, ta) @ applied(b, tb) if beta == 0 else beta * c.astype(np.result_type(c, float))
        x, y = applied(a, ta), applied(b, tb)
        magnitude = abs(alpha) * (np.abs(x) @ np.abs(y)) + np.abs(before)
        assert_sum(unstored(mc, order, (m, n)), alpha * (x @ y) + before, magnitude, k)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (63, 9), (64, 8), (65, 7), (130, 20), (9, 300)])
@pytest.mark.parametrize("prefix", DTYPES)
def test_syrk_writes_its_triangle_and_no_more(blas: ctypes.CDLL, prefix: str, shape: tuple[int, int]) -> None:
    n, k = shape
    rng = np.random.default_rng(n + k)
    for order, uplo, trans, beta in itertools.product((ROW, COL), (UPPER, LOWER), (NO, TRANS), (0.0, 0.5)):
        a = random(rng, prefix, *((n, k) if trans == NO else (k, n)))
        c = random(rng, prefix, n, n)
        (ma, lda), (mc, ldc) = stored(a, order, 2), stored(c, order, 1)
        call(blas, prefix, "syrk", order, uplo, trans, n, k, 1.5, ma, lda, beta, mc, ldc)
        got, x = unstored(mc, order, (n, n)), applied(a, trans)
        asked = np.triu(np.ones((n, n), bool)) if uplo == UPPER else np.tril(np.ones((n, n), bool))
        assert np.array_equal(got[~asked], c[~asked]), "the other triangle was touched"
        want = 1.5 * (x @ x.T) + beta * c
        magnitude = 1.5 * (np.abs(x) @ np.abs(x).T) + abs(beta) * np.abs(c)
        assert_sum(got[asked], want[asked], magnitude[asked], k)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 4), (17, 33), (64, 5), (5, 64), (100, 101)])
@pytest.mark.parametrize("prefix", DTYPES)
def test_gemv_with_any_step(blas: ctypes.CDLL, prefix: str, shape: tuple[int, int]) -> None:
    m, n = shape
    rng = np.random.default_rng(m * 1009 + n)
    flags = (NO, TRANS, CONJ) if prefix in "cz" else (NO, TRANS)
    for order, trans, step_x, step_y in itertools.product((ROW, COL), flags, (1, 2, -1), (1, 3, -2)):
        beta = float(rng.choice([0, 1, -0.5]))
        a = random(rng, prefix, m, n)
        rows, cols = (m, n) if trans == NO else (n, m)
        x, y = random(rng, prefix, cols), random(rng, prefix, rows)
        if beta == 0:
            y[...] = np.nan
        (ma, lda), mx, my = stored(a, order, 2), steps(x, step_x), steps(y, step_y)
        call(blas, prefix, "gemv", order, trans, m, n, 2.0, ma, lda, mx, step_x, beta, my, step_y)
        wide = applied(a, trans)
        before = np.zeros(rows) if beta == 0 else beta * y
        magnitude = 2 * (np.abs(wide) @ np.abs(x)) + np.abs(before)
        assert_sum(unsteps(my, step_y, rows), 2 * (wide @ x.astype(wide.dtype)) + before, magnitude, cols)


@pytest.mark.parametrize("n", [0, 1, 3, 4, 15, 16, 17, 35, 1000])
@pytest.mark.parametrize("prefix", DTYPES)
def test_dot_and_axpy_with_any_step(blas: ctypes.CDLL, prefix: str, n: int) -> None:
    rng = np.random.default_rng(n)
    for step_x, step_y in itertools.product((1, 2, -1), (1, -3)):
        x, y = random(rng, prefix, n), random(rng, prefix, n)
        mx, my = steps(x, step_x), steps(y, step_y)
        wide_x, wide_y = applied(x, NO), applied(y, NO)
        magnitude = np.abs(wide_x) @ np.abs(wide_y)
        if prefix in REALS:
            got = call(blas, prefix, "dot", n, mx, step_x, my, step_y, returns=REALS[prefix])
            assert_sum(np.array(got, DTYPES[prefix]), wide_x @ wide_y, magnitude, n)
        else:
            for name, left in (("dotu_sub", wide_x), ("dotc_sub", wide_x.conj())):
                result = np.zeros(1, DTYPES[prefix])
                call(blas, prefix, name, n, mx, step_x, my, step_y, result)
                assert_sum(result[0], left @ wide_y, magnitude, n)
        call(blas, prefix, "axpy", n, -1.5, mx, step_x, my, step_y)
        assert_sum(unsteps(my, step_y, n), wide_y - 1.5 * wide_x, np.abs(wide_y) + 1.5 * np.abs(wide_x), 1)
