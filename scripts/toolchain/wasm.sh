# shellcheck shell=bash
# Settles what compiles the browser's half. Source it and call `ensure_wasm_toolchain`; afterwards WASM_TOOLCHAIN is
# exported:
#   empty      the Rust toolchain in use can build for wasm32-unknown-unknown
#   a folder   a private toolchain, for  RUSTUP_TOOLCHAIN="$WASM_TOOLCHAIN" cargo build --target wasm32-unknown-unknown
#
# First what is there; else `rustup target add`; else, where rustup's server is out of reach, a private toolchain from
# Debian's packages (wasm-debian.sh). WASM_TOOLCHAIN_MODE=rustup or =debian forces a way; auto is the default.

WASM_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RUSTUP_SECONDS=120

_wasm_say() { printf 'wasm toolchain: %s\n' "$*" >&2; }

_wasm_has_std() {
    local lib
    lib=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) || return 1
    compgen -G "$lib/libcore-*.rlib" >/dev/null
}

_wasm_rustup() {
    command -v rustup >/dev/null 2>&1 || return 1
    _wasm_say "rustup target add wasm32-unknown-unknown"
    RUST_BACKTRACE=0 timeout "$RUSTUP_SECONDS" rustup target add wasm32-unknown-unknown >&2 || {
        _wasm_say "rustup cannot fetch it here"
        return 1
    }
    _wasm_has_std
}

ensure_wasm_toolchain() {
    local private=${XDG_CACHE_HOME:-$HOME/.cache}/milepost/wasm-toolchain
    export WASM_TOOLCHAIN=
    case ${WASM_TOOLCHAIN_MODE:-auto} in
    rustup)
        _wasm_has_std || _wasm_rustup
        return
        ;;
    debian) ;;
    auto)
        if _wasm_has_std; then return 0; fi
        if [ ! -f "$private/.complete" ] && _wasm_rustup; then return 0; fi
        ;;
    *)
        _wasm_say "WASM_TOOLCHAIN_MODE is auto, rustup or debian"
        return 2
        ;;
    esac
    [ -f "$private/.complete" ] || "$WASM_SCRIPTS/wasm-debian.sh" "$private" || return 1
    WASM_TOOLCHAIN=$private
}
