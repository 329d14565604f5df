#!/usr/bin/env bash
# Build numpy's wheel for Pyodide from the package registries alone: `make numpy-wheel`. README.md says what and why.
#
#   recipe.sh              every step that has not been done, then the wheel into build/wheels/
#   recipe.sh fresh        the same from nothing
#   recipe.sh root|sources|headers|xbuildenv|blas|numpy|wheel|numpy-tests    one step, again
#
# Needs root (it sets up a Debian root file system), debootstrap (or apt-get to install it), python3 with pip, npm, 3 GB.
#   NUMPY_WHEEL_WORK   where it works (default _cache/numpy-wheel)
#   DEBIAN_MIRROR      the Debian mirror (default: the one in this machine's own apt sources)
#   JOBS               compilers at once (default 2)
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$HERE/../.." && pwd)
WORK=${NUMPY_WHEEL_WORK:-$REPO/_cache/numpy-wheel}
ROOT=$WORK/root
JOBS=${JOBS:-2}
# shellcheck source=versions.env
source "$HERE/versions.env"
WHEEL=numpy-$NUMPY-cp${PYTHON/./}-cp${PYTHON/./}-pyemscripten_2026_0_wasm32.whl
HOST_HEADERS=$ROOT/usr/include/python$PYTHON
HOST_CONFIG=$ROOT/usr/include/$(uname -m)-linux-gnu/python$PYTHON/pyconfig.h

say() { printf '\n== %s\n' "$*" >&2; }

# Run a command inside the root file system, where the work folder is /made and this folder /recipe. The mounts live in
# a mount namespace of their own, so they are gone when the command is, whatever became of it.
inside() {
    mkdir -p "$ROOT/made" "$ROOT/recipe"
    ROOT=$ROOT WORK=$WORK HERE=$HERE unshare --mount --propagation private bash -euc '
        mount -t proc proc "$ROOT/proc"
        mount --bind /dev "$ROOT/dev"
        mount --bind "$WORK" "$ROOT/made"
        mount --bind "$HERE" "$ROOT/recipe"
        mount -o remount,bind,ro "$ROOT/recipe"
        passed=()
        for name in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_CERT PIP_DEFAULT_TIMEOUT; do
            [ -z "${!name:-}" ] || passed+=("$name=${!name}")
        done
        exec chroot "$ROOT" env -i PATH=/opt/build/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${passed[@]}" "$@"' inside "$@"
}

debian_mirror() {
    local format='$(LABEL) $(REPO_URI)' found
    found=${DEBIAN_MIRROR:-$(apt-get indextargets --format "$format" | awk '$1 == "Debian" {print $2; exit}')}
    [ -n "$found" ] || { echo "no Debian mirror in this machine's apt sources: set DEBIAN_MIRROR" >&2; exit 1; }
    echo "$found"
}

# The toolchain: Debian's Emscripten, the Python that the wheel is for, and pyodide-build.
step_root() {
    command -v debootstrap >/dev/null || apt-get install -y --no-install-recommends debootstrap
    remove_root
    debootstrap --variant=minbase --include=ca-certificates "$DEBIAN_SUITE" "$ROOT" "$(debian_mirror)" \
        /usr/share/debootstrap/scripts/sid
    # Behind a proxy that signs what it passes on, pip needs this machine's certificates.
    cp /etc/ssl/certs/ca-certificates.crt "$ROOT/etc/ssl/certs/"
    # No recommended packages; no expiry check, since a mirror may be a snapshot that is weeks old.
    inside apt-get install -y --no-install-recommends -o Acquire::Check-Valid-Until=false \
        emscripten binaryen libeigen3-dev "python$PYTHON" "python$PYTHON-dev" "libpython$PYTHON-dev" \
        "python$PYTHON-venv" nodejs gcc g++ libc6-dev pkgconf make git patch file binutils brotli
    # pyodide-build calls these by their plain names; Debian has them versioned, and its emnm launcher is broken.
    local llvm
    llvm=$(inside bash -c 'ls /usr/bin/llvm-nm-* | sort -V | tail -1')
    ln -sf "$llvm" "$ROOT/usr/local/bin/emnm"
    ln -sf "${llvm/nm/readobj}" "$ROOT/usr/local/bin/llvm-readobj"
    inside "python$PYTHON" -m venv /opt/build
    inside pip install --quiet "pyodide-build[resolve]==$PYODIDE_BUILD"
}

remove_root() {
    [ -d "$ROOT" ] || return 0
    if grep -q " $ROOT/" /proc/mounts; then
        echo "$ROOT has something mounted in it: unmount it first" >&2
        exit 1
    fi
    rm -rf --one-file-system "$ROOT"
}

# numpy's sources from PyPI, and Pyodide's core from npm.
step_sources() {
    rm -rf "$WORK/sdist" "$WORK/npm"
    mkdir -p "$WORK/sdist" "$WORK/npm"
    python3 "$HERE/fetch_sdist.py" numpy "$NUMPY" "$NUMPY_SDIST_SHA256" "$WORK/sdist"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$WORK/npm" "pyodide@$PYODIDE"
}

# Python.h and its kin for the target.
step_headers() {
    rm -rf "$WORK/headers"
    python3 "$HERE/python_headers.py" "$HOST_HEADERS" "$HOST_CONFIG" \
        "$WORK/npm/node_modules/pyodide/python_stdlib.zip" "$WORK/headers"
}

# What pyodide-build would download: assembled from the npm package and those headers.
step_xbuildenv() {
    rm -rf "$WORK/xbuildenv"
    python3 "$HERE/cross_environment.py" "$WORK/npm/node_modules/pyodide" "$WORK/headers" \
        "$(inside dpkg-query -W -f '${Version}' emscripten | sed -E 's/[~+-].*//')" "$WORK/xbuildenv" $BUILD_PINS
}

step_blas() {
    rm -rf "$WORK/blas"
    mkdir -p "$WORK/blas"
    inside bash /recipe/inside.sh blas "$OPTIMISE" "$BLAS"
}

step_numpy() {
    rm -rf "$WORK/numpy" "$WORK/dist"
    mkdir -p "$WORK/numpy" "$WORK/dist"
    tar -xf "$WORK/sdist/numpy-$NUMPY.tar.gz" -C "$WORK/numpy" --strip-components=1
    inside bash /recipe/inside.sh numpy "$OPTIMISE" "$JOBS" "$BLAS"
}

# Slim it, and say where it comes from.
step_wheel() {
    local out=$REPO/build/wheels licences=()
    mkdir -p "$out"
    [ "$BLAS" != eigen ] || licences=(--licence "eigen3/copyright=$ROOT/usr/share/doc/libeigen3-dev/copyright")
    python3 "$HERE/slim.py" "$WORK/dist/$WHEEL" "$out/$WHEEL" "${licences[@]}"
    (cd "$out" && sha256sum "$WHEEL" >"$WHEEL.sha256")
    inside bash /recipe/inside.sh versions >"$WORK/versions.txt"
    python3 "$HERE/provenance.py" "$HERE/versions.env" "$WORK/versions.txt" "$out/$WHEEL" >"$out/PROVENANCE.md"
    say "$(ls -l "$out/$WHEEL" | awk '{print $5}') bytes: $out/$WHEEL"
}

# numpy's own tests, in Pyodide under Node, on the wheel before slimming. Half an hour.
step_numpy-tests() {
    rm -rf "$WORK/pytest"
    python3 -m pip install --quiet --target "$WORK/pytest" --no-compile --only-binary :all: \
        --python-version "$PYTHON" --implementation py --abi none --platform any pytest hypothesis
    node "$HERE/numpy_tests.mjs" "$WORK/npm/node_modules/pyodide" "$WORK/dist/$WHEEL" "$WORK/pytest" "${@:2}"
}

main() {
    local order="root sources headers xbuildenv blas numpy wheel" step
    mkdir -p "$WORK/done"
    case ${1:-all} in
    all | fresh)
        [ "${1:-all}" = all ] || rm -rf "$WORK/done"
        mkdir -p "$WORK/done"
        for step in $order; do
            if [ "$step" = wheel ] || [ ! -e "$WORK/done/$step" ]; then
                say "$step"
                "step_$step"
                touch "$WORK/done/$step"
            fi
        done
        ;;
    root | sources | headers | xbuildenv | blas | numpy | wheel | numpy-tests)
        "step_$1" "$@"
        touch "$WORK/done/$1"
        ;;
    *)
        sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 2
        ;;
    esac
    exit # bash reads a script as it runs: an edit meanwhile must not be run
}

main "$@"
