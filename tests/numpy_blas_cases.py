"""Products of arrays in every layout that numpy hands to its BLAS, or must not, against numpy's own plain loops.

Runs on both sides, like numpy_smoke. Two references, neither of which touches a BLAS:

- whole numbers from -3 to 3, whose products numpy also computes in int64 with plain loops: must agree exactly;
- normal numbers against einsum in double precision: a sum of k products may be off by (k + 4) eps times the sum of
  their magnitudes, whatever the order (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1); twice
  that for complex numbers.
"""

from collections.abc import Callable, Iterator

import numpy as np

DTYPES = ("f4", "f8", "c8", "c16")

# (m, k, n): rows and columns of one, tall, wide, deep, empty; the edges of register tiles (4, 8, 12), of vectors, of
# cache blocks (64, 256), and of Eigen's switch to plain loops (dimensions adding up to 20).
SHAPES = [
    (1, 1, 1), (1, 17, 33), (33, 17, 1), (17, 1, 9), (1, 300, 1), (0, 3, 4), (3, 0, 4), (3, 4, 0),
    (2, 2, 2), (3, 5, 7), (4, 8, 8), (5, 9, 9), (6, 6, 7), (7, 7, 7), (8, 16, 16), (12, 4, 4), (13, 5, 11),
    (130, 7, 3), (3, 7, 130), (9, 700, 11), (64, 64, 64), (65, 63, 66), (70, 257, 40),
]  # fmt: skip


def _rows_apart(x: np.ndarray) -> np.ndarray:
    memory = np.full((2 * x.shape[0], x.shape[1]), 99, x.dtype)
    memory[::2] = x
    return memory[::2]


def _columns_apart(x: np.ndarray) -> np.ndarray:
    memory = np.full((x.shape[0], 3 * x.shape[1]), 99, x.dtype)
    memory[:, ::3] = x
    return memory[:, ::3]


def _window(x: np.ndarray) -> np.ndarray:
    memory = np.full((x.shape[0] + 3, x.shape[1] + 5), 99, x.dtype)
    view = memory[1 : 1 + x.shape[0], 2 : 2 + x.shape[1]]
    view[...] = x
    return view


# Each keeps the values and changes how they lie in memory.
LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,  # what A.T is when A is kept by rows
    "window": _window,
    "window transposed": lambda x: _window(x.T).T,
    "rows apart": _rows_apart,
    "columns apart": _columns_apart,
    "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
}
VECTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "together": np.ascontiguousarray,
    "apart": lambda x: _columns_apart(x[None])[0],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "backwards and apart": lambda x: _columns_apart(x[None, ::-1])[0][::-1],
}


def _values(rng: np.random.Generator, dtype: str, whole: bool, *shape: int) -> np.ndarray:
    def part() -> np.ndarray:
        return rng.integers(-3, 4, shape).astype(float) if whole else rng.standard_normal(shape)

    return (part() + 1j * part() if dtype in ("c8", "c16") else part()).astype(dtype)


def _plain(subscripts: str, *arrays: np.ndarray) -> np.ndarray:
    """The sum in double precision, by einsum's loops."""
    return np.einsum(subscripts, *(a.astype(np.result_type(a, "f8")) for a in arrays), optimize=False)


def _whole(array: np.ndarray) -> np.ndarray:
    """Whole numbers as int64 with a last axis of (real, imaginary)."""
    return np.stack([array.real, array.imag], axis=-1).astype(np.int64)


def _matmul_whole(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The product of whole numbers by numpy's int64 loops."""
    if not np.iscomplexobj(a):
        return a.astype(np.int64) @ b.astype(np.int64)
    (ar, ai), (br, bi) = (np.moveaxis(_whole(x), -1, 0).copy() for x in (a, b))
    return (ar @ br - ai @ bi) + 1j * (ar @ bi + ai @ br)


class _Sum:
    """A sum of products in double precision, and how far another way of adding up may be from it."""

    def __init__(self, subscripts: str, a: np.ndarray, b: np.ndarray, depth: int):
        """Take the sum of `depth` products that the einsum subscripts describe."""
        self.dtype = a.dtype
        self.value = _plain(subscripts, a, b)
        magnitude = _plain(subscripts, np.abs(a), np.abs(b))
        self.allowed = (depth + 4) * np.finfo(a.dtype).eps * magnitude * (2 if np.iscomplexobj(a) else 1)

    def unlike(self, got: np.ndarray) -> str:
        """Empty if got is this sum up to its rounding, else what is wrong with it."""
        if got.dtype != self.dtype or got.shape != self.value.shape:
            return f"dtype {got.dtype}, shape {got.shape}"
        error = np.abs(got - self.value)
        if not np.isfinite(got).all() or (error > self.allowed).any():
            return f"off by {error.max():.3g}"
        return ""


def _matmul(dtype: str, shape: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
    m, k, n = shape
    rng = np.random.default_rng(m * 10007 + k * 101 + n)
    whole = [_values(rng, dtype, True, m, k), _values(rng, dtype, True, k, n)]
    normal = [_values(rng, dtype, False, m, k), _values(rng, dtype, False, k, n)]
    exact, near = _matmul_whole(*whole), _Sum("ij,jk->ik", *normal, k)
    whole_a, whole_b = ({name: lay(x) for name, lay in LAYOUTS.items()} for x in whole)
    normal_a, normal_b = ({name: lay(x) for name, lay in LAYOUTS.items()} for x in normal)
    for name_a in LAYOUTS:
        for name_b in LAYOUTS:
            where = f"A by {name_a}, B by {name_b}"
            yield where, "" if np.array_equal(whole_a[name_a] @ whole_b[name_b], exact) else "not exact"
            yield f"normal numbers, {where}", near.unlike(normal_a[name_a] @ normal_b[name_b])
    for name_c, lay_c in LAYOUTS.items():  # into an array that is there: nothing of it may shine through
        out = lay_c(np.full((m, n), np.nan, dtype))
        np.matmul(*whole, out=out)
        yield f"out by {name_c}", "" if np.array_equal(out, exact) else "not exact"
    total = np.ones((m, n), dtype)
    total += whole[0] @ whole[1]
    yield "added to what is there", "" if np.array_equal(total, exact + 1) else "not exact"


def _with_its_transpose(dtype: str, shape: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
    m, k, _ = shape
    rng = np.random.default_rng(m * 13 + k)
    whole, normal = _values(rng, dtype, True, m, k), _values(rng, dtype, False, m, k)
    exact, square = _matmul_whole(whole, whole.T), _matmul_whole(whole.T, whole)
    near = _Sum("ij,kj->ik", normal, normal, k)
    for name, lay in LAYOUTS.items():
        a, b = lay(whole), lay(normal)
        yield f"A A^T, A by {name}", "" if np.array_equal(a @ a.T, exact) else "not exact"
        yield f"dot(A, A^T), A by {name}", "" if np.array_equal(np.dot(a, a.T), exact) else "not exact"
        yield f"A A^T of normal numbers, A by {name}", near.unlike(b @ b.T)
        yield f"A^T A, A by {name}", "" if np.array_equal(a.T @ a, square) else "not exact"


def _matrix_and_vector(dtype: str, shape: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
    m, k, _ = shape
    rng = np.random.default_rng(m * 17 + k)
    whole = [_values(rng, dtype, True, m, k), _values(rng, dtype, True, k)]
    normal = [_values(rng, dtype, False, m, k), _values(rng, dtype, False, k)]
    exact, near = _matmul_whole(whole[0], whole[1][:, None])[:, 0], _Sum("ij,j->i", *normal, k)
    for name, lay in LAYOUTS.items():
        a, normal_a = lay(whole[0]), lay(normal[0])
        for step, lay_x in VECTORS.items():
            x = lay_x(whole[1])
            for form, got in (("A x", a @ x), ("x A^T", x @ a.T), ("dot(A, x)", np.dot(a, x))):
                fits = np.array_equal(got, exact)
                yield f"{form}, A by {name}, x {step}", "" if fits else "not exact"
            yield f"A x of normal numbers, A by {name}, x {step}", near.unlike(normal_a @ lay_x(normal[1]))


def _two_vectors(dtype: str, shape: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
    n = max(shape)
    rng = np.random.default_rng(n)
    x, y = _values(rng, dtype, True, n), _values(rng, dtype, True, n)
    u, v = _values(rng, dtype, False, n), _values(rng, dtype, False, n)
    exact, exact_conj, products = _plain("i,i->", x, y), _plain("i,i->", x.conj(), y), _plain("i,j->ij", x, y)
    near = _Sum("i,i->", u, v, n)
    for name_x, lay_x in VECTORS.items():
        for name_y, lay_y in VECTORS.items():
            where = f"x {name_x}, y {name_y}"
            a, b = lay_x(x), lay_y(y)
            for form, got in (("dot", np.dot(a, b)), ("matmul", a @ b), ("inner", np.inner(a, b))):
                yield f"{form}, {where}", "" if got == exact else "not exact"
            yield f"vdot, {where}", "" if np.vdot(a, b) == exact_conj else "not exact"
            yield f"vecdot, {where}", "" if np.vecdot(a, b) == exact_conj else "not exact"
            yield f"outer, {where}", "" if np.array_equal(np.outer(a, b), products) else "not exact"
            yield f"dot of normal numbers, {where}", near.unlike(np.dot(lay_x(u), lay_y(v)))


def _batches(dtype: str, shape: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
    m, k, n = shape
    rng = np.random.default_rng(m + k + n)
    a, b = _values(rng, dtype, True, 3, m, k), _values(rng, dtype, True, 3, k, n)
    exact = np.stack([_matmul_whole(x, y) for x, y in zip(a, b, strict=True)])
    shared = np.stack([_matmul_whole(x, b[0]) for x in a])
    at, bt = (np.ascontiguousarray(x.transpose(0, 2, 1)).transpose(0, 2, 1) for x in (a, b))
    between = np.ascontiguousarray(a.transpose(1, 0, 2)).transpose(1, 0, 2)  # the heads of one token beside each other
    yield "batch", "" if np.array_equal(a @ b, exact) else "not exact"
    yield "batch, both transposed", "" if np.array_equal(at @ bt, exact) else "not exact"
    yield "batch in the middle", "" if np.array_equal(between @ b, exact) else "not exact"
    yield "batch backwards", "" if np.array_equal(a[::-1] @ b[::-1], exact[::-1]) else "not exact"
    yield "one for all", "" if np.array_equal(a @ b[0], shared) else "not exact"
    yield "one for all, broadcast", "" if np.array_equal(a @ np.broadcast_to(b[0], b.shape), shared) else "not exact"
    yield "tensordot", "" if np.array_equal(np.tensordot(a, b[0], axes=(2, 0)), shared) else "not exact"
    with np.errstate(invalid="ignore"):
        if m and k and n:
            spoilt = a.copy()
            spoilt[1, 0, 0] = np.nan
            got = np.isnan(spoilt @ np.zeros_like(b))
            wanted = np.zeros(exact.shape, bool)
            wanted[1, 0] = True
            yield "NaN times zero stays in its row", "" if np.array_equal(got, wanted) else "spread or lost"


_KINDS = {
    "matmul": _matmul,
    "with its transpose": _with_its_transpose,
    "matrix and vector": _matrix_and_vector,
    "two vectors": _two_vectors,
    "batches": _batches,
}


def names() -> list[str]:
    """The names of all groups of cases: kind, type, shape."""
    return [f"{kind}, {dtype}, {m}x{k}x{n}" for kind in _KINDS for dtype in DTYPES for m, k, n in SHAPES]


def run() -> dict[str, list[str]]:
    """Run every group; returns for each the cases that failed, with what was wrong."""
    results = {}
    for kind, cases in _KINDS.items():
        for dtype in DTYPES:
            for m, k, n in SHAPES:
                found = [f"{case}: {wrong}" for case, wrong in cases(dtype, (m, k, n)) if wrong]
                results[f"{kind}, {dtype}, {m}x{k}x{n}"] = found
    return results
