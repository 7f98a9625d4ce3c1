//! What fuzzing found stays tried: the saved corpora, and every fixture as a seed.

use std::{fs, path::PathBuf};
use tests::{conformance::root, fuzzing};

fn files(folder: PathBuf) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|e| e.path().is_file()).filter_map(|e| fs::read(e.path()).ok()).collect()
}

#[test]
fn decoders_stand_their_corpora() {
    let fixtures = root().join("server/crates/carriers/src");
    for carrier in carriers::ALL {
        let id = carrier.manifest().id;
        let corpus = files(root().join("fuzz/corpus").join(id));
        assert!(!corpus.is_empty(), "no corpus is saved for {id}: FUZZ_SECONDS=60 make fuzz, then keep what is small");
        let seeds =
            files(fixtures.join(id).join("fixtures")).into_iter().chain(files(fixtures.join("fixtures/hostile")));
        for bytes in seeds.chain(corpus) {
            fuzzing::decode(id, &bytes);
        }
    }
}

#[test]
fn verifiers_stand_their_corpus() {
    let corpus = files(root().join("fuzz/corpus/verify"));
    assert!(!corpus.is_empty(), "no corpus is saved");
    corpus.iter().for_each(|bytes| fuzzing::verify(bytes));
}

#[test]
fn the_reading_of_numbers_stands_its_corpus() {
    let corpus = files(root().join("fuzz/corpus/number"));
    assert!(!corpus.is_empty(), "no corpus is saved");
    corpus.iter().for_each(|bytes| fuzzing::number(bytes));
}
