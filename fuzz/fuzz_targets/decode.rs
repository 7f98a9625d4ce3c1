//! Invented input for one decoder, named by `FUZZ_CONNECTOR`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CONNECTOR: LazyLock<String> =
    LazyLock::new(|| std::env::var("FUZZ_CONNECTOR").expect("FUZZ_CONNECTOR names the decoder"));

fuzz_target!(|bytes: &[u8]| tests::fuzzing::decode(&CONNECTOR, bytes));
