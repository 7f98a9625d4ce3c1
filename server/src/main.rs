//! The binary `milepost`: everything is in the library.

fn main() -> std::process::ExitCode {
    server::cli::main()
}
