#!/usr/bin/env bash
# bash docs/languages/check.sh [LANGUAGE ...]: each project, built in a copy of its folder, runs the vectors as its own
# test, has what it leaves judged, and is judged as a target; then the same with a mistake in its kernel, which is named.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
vectors=$scratch/vectors
skipped=()

fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

# try LANGUAGE TOOLS BUILD TEST TARGET FILE MISTAKE CODE: the mistake is a command of sed for the file, and the code is
# that of the cause that refconv names first.
try() {
    local language=$1 tools=$2 build=$3 test=$4 target=$5 file=$6 mistake=$7 code=$8
    if ((${#wanted[@]})) && [[ ! " ${wanted[*]} " =~ " $language " ]]; then return; fi
    printf '\n=== %s\n' "$language"
    for tool in $tools; do
        command -v "$tool" > "$scratch/log" || { skipped+=("$language: there is no $tool"); return; }
    done
    cp -r "$here/$language" "$scratch/$language" && cd "$scratch/$language"
    export VECTORS=$vectors
    for state in right wrong; do
        local tier=core
        [[ $language == c ]] || tier=smoke  # of which judge has seen the whole core
        rm -rf "$vectors/results" && mkdir "$vectors/results"
        if [[ $state == wrong ]]; then
            tier=smoke
            sed -i "$mistake" "$file" && ! cmp -s "$file" "$here/$language/$file" || fail "the mistake is not in $file"
        fi
        eval "$build" > "$scratch/log" 2>&1 || { cat "$scratch/log"; fail "$build"; }
        local tested=0 judged=0 checked=0
        eval "$test" > "$scratch/test.log" 2>&1 || tested=1
        refconv judge "$vectors" --json "$scratch/judge.json" > "$scratch/judge.log" || judged=$?
        refconv check "$target" --tier "$tier" --json "$scratch/check.json" > "$scratch/check.log" || checked=$?
        if [[ $state == right ]]; then
            [[ $tested$judged$checked == 000 ]] || { cat "$scratch"/{test,judge,check}.log; fail "$language is right"; }
            grep -hE '^# (pass|fail|skipped)|[1-9][0-9]* passed' "$scratch/test.log"
            head -qn 1 "$scratch/judge.log" "$scratch/check.log"
        else
            [[ $tested$judged$checked == 111 ]] || { cat "$scratch"/{test,judge,check}.log; fail "$language is wrong"; }
            printf 'sed %s %s:\n' "'$mistake'" "$file"
            for log in judge check; do
                head -n 1 "$scratch/$log.log"
                grep -m 1 '"code"' "$scratch/$log.json" | grep -qF "\"$code\"" || fail "$log does not name $code"
            done
        fi
    done
}

wanted=("$@")
refconv vectors "$vectors"
try c "cc make" "make" "make check" "exec:./conv" \
    conv2d.h 's/dilation\[1\] \* j/dilation[0] * j/' \
    "dilation-first-for-both"
try cpp "c++ cmake ctest" "cmake -S . -B build -D VECTORS=$vectors && cmake --build build" \
    "ctest --test-dir build --verbose" "exec:build/conv" \
    conv2d.hpp 's/rows.taps + i) \* columns.taps + j/rows.taps + rows.taps - 1 - i) * columns.taps + columns.taps - 1 - j/' \
    "kernel-flipped"
try rust "cargo" "cargo build --offline --release" "cargo test --offline --release -- --nocapture" "exec:target/release/conv" \
    src/conv2d.rs 's/channels + group \* each + c/channels + c/' \
    "groups-all-read-first"
try javascript "node npm" "true" "npm test" "serve:node conv.js" \
    conv2d.js 's|Math.floor(o / outEach) \* each|(o % groups) * each|' \
    "groups-interleaved-outputs"
printf '\n'
if ((${#skipped[@]})); then printf 'SKIPPED %s\n' "${skipped[@]}"; fi
