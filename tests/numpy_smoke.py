"""What numpy must compute alike in CPython and in the page: linear algebra, random numbers, FFT, products, softmax.

Imported on both sides (this machine's numpy, and the wheel of build/wheels in Pyodide); needs nothing but numpy. Only
quantities without a free sign or order are reported: singular values, not vectors.
"""

from collections.abc import Callable

import numpy as np

# Relative tolerance, and absolute for values near zero. Float64 results pass through different compilers and libms and
# sums in another order: some hundred units in the last place. Float32 the same in its own precision.
FLOAT64 = (1e-10, 1e-12)
FLOAT32 = (2e-5, 1e-5)
EXACT = (0.0, 0.0)

_CASES: dict[str, tuple[tuple[float, float], Callable[[], object]]] = {}


def _case(tolerance: tuple[float, float]) -> Callable:
    def register(function: Callable[[], object]) -> Callable[[], object]:
        _CASES[function.__name__] = (tolerance, function)
        return function

    return register


def _square() -> np.ndarray:
    """[24, 24] float64, well conditioned."""
    return np.random.default_rng(0).standard_normal((24, 24)) + 6 * np.eye(24)


def _symmetric() -> np.ndarray:
    a = _square()
    return a @ a.T


@_case(FLOAT64)
def linalg_solve() -> object:
    return np.linalg.solve(_square(), np.arange(24.0))


@_case(FLOAT64)
def linalg_inv() -> object:
    return np.linalg.inv(_square())


@_case(FLOAT64)
def linalg_slogdet() -> object:
    return np.array(np.linalg.slogdet(_square()))


@_case(FLOAT64)
def linalg_singular_values() -> object:
    return np.linalg.svd(_square()[:, :10], compute_uv=False)


@_case(FLOAT64)
def linalg_svd_puts_together_again() -> object:
    u, s, vh = np.linalg.svd(_square()[:, :10], full_matrices=False)
    return (u * s) @ vh


@_case(FLOAT64)
def linalg_eigenvalues() -> object:
    return np.linalg.eigvalsh(_symmetric())


@_case(FLOAT64)
def linalg_complex_eigenvalues() -> object:
    return np.sort_complex(np.linalg.eigvals(np.array([[0.0, -2.0, 1.0], [3.0, 1.0, 0.5], [0.0, 1.0, 4.0]])))


@_case(FLOAT64)
def linalg_cholesky() -> object:
    return np.linalg.cholesky(_symmetric())


@_case(FLOAT64)
def linalg_qr() -> object:
    q, r = np.linalg.qr(_square())
    return np.concatenate([np.abs(r), q @ r])


@_case(FLOAT64)
def linalg_lstsq() -> object:
    return np.linalg.lstsq(_square()[:, :5], np.arange(24.0), rcond=None)[0]


@_case(FLOAT64)
def linalg_pinv_and_norms() -> object:
    a = _square()[:6, :4]
    return np.append(np.linalg.pinv(a), [np.linalg.norm(a), np.linalg.norm(a, 2), np.linalg.cond(a)])


@_case(EXACT)
def random_integers() -> object:
    return np.random.default_rng(7).integers(0, 2**40, 50)


@_case(EXACT)
def random_uniform() -> object:
    return np.random.default_rng(7).random(50)


@_case(FLOAT64)
def random_normal() -> object:
    return np.random.default_rng(7).standard_normal(2000)


@_case(FLOAT64)
def random_other_distributions() -> object:
    rng = np.random.default_rng(7)
    return np.concatenate([rng.gamma(2.0, size=20), rng.exponential(size=20), rng.gumbel(size=20)])


@_case(EXACT)
def random_choices() -> object:
    rng = np.random.default_rng(7)
    return np.concatenate([rng.choice(30, 12, replace=False), rng.permutation(20), rng.poisson(3.0, 20)])


@_case(EXACT)
def random_categorical() -> object:
    return np.random.default_rng(7).choice(5, 40, p=[0.1, 0.2, 0.3, 0.15, 0.25])


@_case(EXACT)
def random_legacy_and_other_generators() -> object:
    parts = [np.random.RandomState(42).random_sample(5)]
    parts += [np.random.Generator(b(3)).random(5) for b in (np.random.MT19937, np.random.Philox, np.random.SFC64)]
    return np.concatenate(parts)


@_case(FLOAT64)
def fft_complex() -> object:
    return np.fft.fft(np.random.default_rng(1).standard_normal(30))


@_case(FLOAT64)
def fft_prime_length() -> object:
    return np.fft.fft(np.random.default_rng(1).standard_normal(97))


@_case(FLOAT64)
def fft_real_two_dimensional() -> object:
    return np.fft.rfft2(np.random.default_rng(1).standard_normal((12, 18)))


@_case(FLOAT64)
def fft_and_back() -> object:
    return np.fft.irfft(np.fft.rfft(np.arange(20.0)), 20)


@_case(FLOAT32)
def float32_matmul() -> object:
    rng = np.random.default_rng(2)
    return rng.standard_normal((40, 64), dtype="f4") @ (rng.standard_normal((64, 48), dtype="f4") / 8)


@_case(FLOAT32)
def float32_attention() -> object:
    """[heads, queries, keys] of a causal attention pattern."""
    rng = np.random.default_rng(3)
    q, k = (rng.standard_normal((4, 12, 16), dtype="f4") for _ in "qk")
    scores = q @ k.transpose(0, 2, 1) / np.float32(4)
    scores = np.where(np.tri(12, dtype=bool), scores, np.float32(-np.inf))
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@_case(FLOAT32)
def float32_softmax() -> object:
    x = np.random.default_rng(4).standard_normal((5, 1000), dtype="f4") * np.float32(5)
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@_case(FLOAT32)
def float32_einsum_and_layer_norm() -> object:
    rng = np.random.default_rng(5)
    x = np.einsum(
        "bij,bjk->bik", rng.standard_normal((3, 4, 5), dtype="f4"), rng.standard_normal((3, 5, 6), dtype="f4")
    )
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + np.float32(1e-5))


@_case(FLOAT64)
def elementwise_functions() -> object:
    x = np.linspace(-3, 3, 41)
    functions = (np.exp, np.tanh, np.sin, np.arctan, np.cbrt, np.expm1, np.sinh, np.sign, np.floor)
    return np.stack([f(x) for f in functions] + [np.log(np.abs(x) + 1), np.sqrt(np.abs(x)), np.hypot(x, 2)])


@_case(EXACT)
def sorting() -> object:
    x = np.random.default_rng(6).integers(0, 1000, 300).astype("f4")
    return np.concatenate([np.sort(x), np.argsort(x, kind="stable"), np.sort(np.partition(x, -5)[-5:]), np.unique(x)])


@_case(EXACT)
def integers_of_64_bits() -> object:
    x = np.array([2**40, -(2**35), 3, 2**53], dtype=np.int64)
    return np.concatenate([x // 7, x % 7, x >> 3, np.cumsum(x[:3])])


def names() -> list[str]:
    """The names of all cases, in order."""
    return list(_CASES)


def tolerance(name: str) -> tuple[float, float]:
    """(relative, absolute) tolerance for a case."""
    return _CASES[name][0]


def run() -> dict[str, list[float]]:
    """Compute every case: its name, and its numbers as float64 (complex ones as pairs, 64-bit integers below 2**53)."""
    results = {}
    for name, (_, function) in _CASES.items():
        value = np.asarray(function())
        if np.iscomplexobj(value):
            value = np.stack([value.real, value.imag], axis=-1)
        results[name] = value.astype(np.float64).ravel().tolist()
    return results
