# shellcheck shell=bash
# Sourced by run and release: the fuzz targets. src/hostile.rs describes their properties.

fuzz_version=0.13.2

# fuzz_for SECONDS JOBS: runs each target for SECONDS, JOBS targets at a time, with its seeds and the corpus of earlier
# runs.
fuzz_for() {
    local seconds=$1 jobs=$2 name names=()
    tool cargo-fuzz "$fuzz_version"
    # RUSTC_BOOTSTRAP enables the sanitizer and the coverage that libFuzzer needs in the stable compiler.
    RUSTC_BOOTSTRAP=1 bounded 20 cargo-fuzz build --fuzz-dir fuzz --target-dir "$target/fuzz"
    for name in fuzz/targets/*.rs; do names+=("$(basename "$name" .rs)"); done
    export target root seconds
    export -f fuzz_one
    # All targets run; xargs fails if one of them failed.
    printf '%s\n' "${names[@]}" | bounded $((5 + seconds * ${#names[@]} / jobs / 60 * 2)) \
        xargs -P "$jobs" -I '{}' bash -c 'fuzz_one "$1"' fuzz_one '{}'
}

# fuzz_one TARGET: prints the number of inputs, or the failure. The input of a failure is kept in fuzz/artifacts.
fuzz_one() {
    local name=$1 log=$target/fuzz/$1.log status=0
    mkdir -p "$root/fuzz/corpus/$name" "$root/fuzz/artifacts/$name"
    # An input of some kilobytes that takes more than ten seconds counts as a hang.
    ASAN_OPTIONS=detect_odr_violation=0 "$(echo "$target"/fuzz/*/release/"$name")" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$root/fuzz/artifacts/$name/" \
        "$root/fuzz/corpus/$name" "$root/fuzz/seeds/$name" >"$log" 2>&1 || status=$?
    if ((status == 0)); then
        sed -n "s/^stat::number_of_executed_units: */$name: inputs tried: /p" "$log"
    else
        tail -40 "$log"
        echo "$name: FAILED; after the fix, add its input to fuzz/seeds/$name"
    fi
    return $((status != 0))
}
