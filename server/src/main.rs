//! The binary `milepost`: everything is in the library.

/// What one thread allocates another frees here: a message is read by one that serves and kept by the one that writes. The
/// system's allocator has a lock for that, this one has not.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::cli::main()
}
