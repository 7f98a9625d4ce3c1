#!/usr/bin/env bash
# Fuzzes every decoder and verifier, and the reading of numbers: `make fuzz`. Each gets FUZZ_SECONDS (60); FUZZ_ONLY=aftership,verify takes only some.
# Seeds are the fixtures and the saved corpora in fuzz/corpus; new finds are kept in the cache, what fails in
# fuzz/artifacts. FUZZ_SAVE=1 puts finds that reach new code into fuzz/corpus, for `make test`.
# Needs a nightly compiler and cargo-fuzz, which it installs.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

seconds=${FUZZ_SECONDS:-60}
SAVED_FILES=24 SAVED_BYTES=1024
export CARGO_TARGET_DIR=$CACHE/fuzz-target
export PATH=$CACHE/bin:$PATH

need_fuzzer() {
    rustup toolchain list 2>/dev/null | grep -q ^nightly || rustup toolchain install nightly --profile minimal >&2 ||
        die "no nightly compiler is to be had here"
    cargo fuzz --version >/dev/null 2>&1 && return
    say "installing cargo-fuzz"
    CARGO_TARGET_DIR=$CACHE/tools-target cargo install --quiet --locked --root "$CACHE" cargo-fuzz || die "cargo-fuzz cannot be installed here"
}

carriers=$ROOT/server/crates/carriers/src
targets() {
    local manifest id
    for manifest in "$carriers"/*/mod.rs; do
        id=$(basename "$(dirname "$manifest")")
        grep -qs "id: \"$id\"\|const ID: &str = \"$id\"" "$carriers/$id/mod.rs" && echo "$id"
    done
    printf '%s\n' verify number
}

run() { FUZZ_CONNECTOR=$id cargo +nightly fuzz run --sanitizer none "$target" "$@"; }

# Merging keeps, of all finds, the ones that together reach everything; of these the ones that fit are worth a place here.
save() {
    local merged
    merged=$(mktemp -d)
    # the first folder of the arguments is merged into
    run "$found" -- -merge=1 "$merged" "${seeds[@]}" >>"$found.log" 2>&1
    rm -rf "fuzz/corpus/$id"
    mkdir -p "fuzz/corpus/$id"
    find "$merged" -type f -size -"${SAVED_BYTES}c" -printf '%s %p\n' | sort -rn | sed -n "1,${SAVED_FILES}p" | cut -d' ' -f2- |
        xargs -r -I{} cp {} "fuzz/corpus/$id/"
    rm -rf "$merged"
}

need_fuzzer
failed=()
while read -r id; do
    [ -z "${FUZZ_ONLY:-}" ] || [[ ",$FUZZ_ONLY," == *",$id,"* ]] || continue
    found=$CACHE/fuzz-corpus/$id
    mkdir -p "$found" "fuzz/corpus/$id"
    seeds=("fuzz/corpus/$id")
    [ ! -d "$carriers/$id" ] || seeds+=("$carriers/fixtures/hostile")
    [ ! -d "$carriers/$id/fixtures" ] || seeds+=("$carriers/$id/fixtures")
    target=decode
    case $id in verify | number) target=$id ;; esac
    say "fuzzing $id for $seconds s"
    run "$found" "${seeds[@]}" -- \
        -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$found.log" 2>&1 || {
        failed+=("$id")
        tail -n 30 "$found.log" >&2
    }
    [ -z "${FUZZ_SAVE:-}" ] || save
    grep -E "stat::number_of_executed_units|DONE" "$found.log" | sed "s/^/  $id /" || true
done < <(targets)
[ ${#failed[@]} = 0 ] || die "failed: ${failed[*]}; the inputs are in fuzz/artifacts"
