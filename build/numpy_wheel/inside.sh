#!/usr/bin/env bash
# The recipe's part inside the root file system: /made is the work folder, /recipe this one. Called by recipe.sh.
set -euo pipefail

case $1 in
blas) # $2 compiler flags, $3 which
    cd /made/blas
    common="$2 -Wall -Wextra -g0 -fPIC -fvisibility=hidden -fwasm-exceptions -sSUPPORT_LONGJMP=wasm"
    # shellcheck disable=SC2086
    case $3 in
    npgemm) emcc $common -c /recipe/blas/npgemm.c -o blas.o ;;
    eigen)
        # Eigen's SSE kernels, which Emscripten translates. It counts 16 vector registers only where it knows the
        # processor, but engines have those of x86-64 or ARM. Without exceptions, running out of memory ends the program.
        em++ $common -msse4.2 -std=c++17 -DNDEBUG -DEIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS=16 \
            -fno-exceptions -fno-rtti -fno-threadsafe-statics -isystem /usr/include/eigen3 \
            -c /recipe/blas/eigen_cblas.cpp -o blas.o
        ;;
    esac
    rm -f "lib$3.a"
    emar rcs "lib$3.a" blas.o
    printf '%s\n' "Name: $3" "Description: the part of CBLAS that numpy calls" 'Version: 0.1' \
        "Libs: /made/blas/lib$3.a" 'Cflags:' >"$3.pc"
    printf '%s\n' '[properties]' "pkg_config_libdir = '/made/blas'" >blas.cross
    ;;
numpy) # $2 compiler flags, $3 jobs, $4 the BLAS
    export PYODIDE_XBUILDENV_PATH=/made/xbuildenv PYODIDE_SKIP_EMSCRIPTEN_INSTALL=1
    # pyodide-build puts these after its own -O2 ... -Oz, so they win. Emscripten warns of some of numpy's functions
    # (-Wreturn-type) which pyodide-build makes an error.
    export CFLAGS="$2 -Wno-return-type" CXXFLAGS="$2 -Wno-return-type" LDFLAGS="-O3"
    cd /made/numpy
    # allow-noblas: numpy asks for LAPACK too, and has its own lapack_lite instead. That the BLAS is really in is
    # tested in tests/unit/test_numpy_wheel.py.
    pyodide build . -o /made/dist \
        -C setup-args=--cross-file="$(pyodide config get meson_cross_file)" \
        -C setup-args=--cross-file=/made/blas/blas.cross \
        -C setup-args=-Dblas="$4" -C setup-args=-Dlapack=none -C setup-args=-Dallow-noblas=true \
        -C install-args=--tags=runtime,python-runtime,tests \
        -C build-dir=build -C compile-args="-j$3"
    ;;
versions)
    dpkg-query -W -f '${Package} ${Version}\n' emscripten binaryen 'clang-[0-9]*' 'lld-[0-9]*' 'llvm-[0-9]*' \
        libeigen3-dev "libpython3.14-dev" nodejs 2>/dev/null | grep -E '^[^ ]+ [^ ]+$' | sort
    pip freeze | grep -iE '^(pyodide-build|pyodide-cli|auditwheel-emscripten|build)==' | tr '=' ' ' | tr -s ' '
    ;;
*)
    echo "unknown: $1" >&2
    exit 2
    ;;
esac
