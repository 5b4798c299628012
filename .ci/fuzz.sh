# shellcheck shell=bash
# Sourced by run and release: the fuzz targets. What they hold is told in src/hostile.rs.

fuzz_version=0.13.2

# fuzz_for SECONDS JOBS: each target for so long, so many at a time, from its seeds and from what earlier runs kept.
fuzz_for() {
    local seconds=$1 jobs=$2 name names=()
    tool cargo-fuzz "$fuzz_version"
    # The stable compiler has the sanitizer and the coverage that libFuzzer wants, but gives them only when told so.
    RUSTC_BOOTSTRAP=1 bounded 20 cargo-fuzz build --fuzz-dir fuzz --target-dir "$target/fuzz"
    for name in fuzz/targets/*.rs; do names+=("$(basename "$name" .rs)"); done
    export target root seconds
    export -f fuzz_one
    # All of them run; xargs fails when one did.
    printf '%s\n' "${names[@]}" | bounded $((5 + seconds * ${#names[@]} / jobs / 60 * 2)) \
        xargs -P "$jobs" -I '{}' bash -c 'fuzz_one "$1"' fuzz_one '{}'
}

# fuzz_one TARGET: says how much was tried, or how it failed. An input that breaks a promise is kept in fuzz/artifacts.
fuzz_one() {
    local name=$1 log=$target/fuzz/$1.log status=0
    mkdir -p "$root/fuzz/corpus/$name" "$root/fuzz/artifacts/$name"
    # Ten seconds for an input of some kilobytes are a hang.
    ASAN_OPTIONS=detect_odr_violation=0 "$(echo "$target"/fuzz/*/release/"$name")" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$root/fuzz/artifacts/$name/" \
        "$root/fuzz/corpus/$name" "$root/fuzz/seeds/$name" >"$log" 2>&1 || status=$?
    if ((status == 0)); then
        sed -n "s/^stat::number_of_executed_units: */$name: inputs tried: /p" "$log"
    else
        tail -40 "$log"
        echo "$name: FAILED; once it is mended, its input goes into fuzz/seeds/$name"
    fi
    return $((status != 0))
}
