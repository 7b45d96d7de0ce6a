use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fuzz::{TARGETS, Target};

/// Mutants of each file of a corpus.
const MUTANTS: usize = 400;
/// Of each target, whatever the size of its corpus.
const MOST_MUTANTS: usize = 12_000;
/// Of segments of the journal, which without optimisation take 12 ms each: a reader makes room for
/// 256 KiB several times.
const MOST_SEGMENTS: usize = 400;
/// What all corpora together may weigh.
const MOST_BYTES: u64 = 2 << 20;
/// Longer than any input may take; far more than one needs on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name)
}

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder(target)).expect("every target has a corpus");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path).expect("a file that can be read");
            (path, bytes)
        })
        .collect()
}

/// A sequence of numbers that is the same at every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end.max(1)
    }
}

const MARKS: &[&[u8]] = &[
    b"\0",
    b"\r\n",
    b"\n",
    b"/",
    b"%2f",
    b"%2e",
    b"..",
    b"\"",
    b"{",
    b"[",
    b":",
    b",",
    b"-1",
    b"1e999",
    b"\xff\xff\xff\xff",
    b"\xc0\xae",
    b"\xe2\x82\xac",
    b" ",
    b"\t",
    b"null",
    b"ptr_",
];

/// One to four changes: bits, bytes, marks, cuts, repetitions, pieces of another file.
fn mutant(bytes: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut mutant = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(mutant.len() + 1);
        let length = numbers.below(16).min(mutant.len() - at);
        match numbers.below(7) {
            0 if at < mutant.len() => mutant[at] ^= 1 << numbers.below(8),
            1 if at < mutant.len() => {
                mutant[at] = u8::try_from(numbers.below(256)).expect("a byte");
            }
            2 => drop(mutant.drain(at..at + length)),
            3 => {
                let mark = MARKS[numbers.below(MARKS.len())];
                mutant.splice(at..at, mark.iter().copied());
            }
            4 => {
                let piece = mutant[at..at + length].to_vec();
                mutant.splice(at..at, piece);
            }
            5 => {
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(32)).min(other.len());
                mutant.splice(at..at, other[from..to].iter().copied());
            }
            _ => mutant.truncate(at),
        }
    }
    mutant
}

#[expect(
    clippy::disallowed_methods,
    reason = "an input that takes long is a finding"
)]
fn timed(target: &Target, bytes: &[u8], what: &dyn Fn() -> String) {
    let began = Instant::now();
    let outcome = std::panic::catch_unwind(|| (target.run)(bytes));
    assert!(
        outcome.is_ok(),
        "{}: {} breaks a promise",
        target.name,
        what()
    );
    let took = began.elapsed();
    assert!(took < LONGEST, "{}: {} took {took:?}", target.name, what());
}

/// Replays one target; how many inputs it was given.
fn replay(name: &str) -> usize {
    let target = fuzz::find(name).expect("a target of this name");
    let files = corpus(target);
    assert!(files.len() >= 3, "a corpus of {} files", files.len());
    for (path, bytes) in &files {
        timed(target, bytes, &|| path.display().to_string());
    }
    let mut numbers = Numbers(7);
    let most = if name == "journal" {
        MOST_SEGMENTS
    } else {
        MOST_MUTANTS
    };
    let mutants = (files.len() * MUTANTS).min(most);
    for at in 0..mutants {
        let (path, bytes) = &files[at % files.len()];
        let other = &files[numbers.below(files.len())].1;
        let mutant = mutant(bytes, other, &mut numbers);
        timed(target, &mutant, &|| {
            format!(
                "a mutant of {}: {:?}",
                path.display(),
                String::from_utf8_lossy(&mutant)
            )
        });
    }
    files.len() + mutants
}

macro_rules! replayed {
    ($($test:ident = $name:literal,)*) => {
        $(#[test]
        fn $test() {
            let inputs = replay($name);
            println!("{}: {inputs} inputs", $name);
        })*

        /// No target is without its replay, no folder without its target.
        #[test]
        fn every_target_is_replayed_and_the_corpus_is_small() {
            let replayed = [$($name),*];
            assert_eq!(TARGETS.map(|target| target.name).as_slice(), replayed);
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
            let mut folders: Vec<String> = fs::read_dir(root)
                .expect("the corpus")
                .map(|entry| entry.expect("a folder").file_name().into_string().expect("a name"))
                .collect();
            folders.sort();
            assert_eq!(folders, replayed);
            let sizes = TARGETS.iter().flat_map(corpus).map(|(_, bytes)| bytes.len() as u64);
            let total: u64 = sizes.sum();
            assert!(total <= MOST_BYTES, "the corpus weighs {total} bytes");
        }
    };
}

replayed! {
    basic = "basic",
    body = "body",
    cursor = "cursor",
    framing = "framing",
    geoip = "geoip",
    hash = "hash",
    head = "head",
    headers = "headers",
    host = "host",
    idempotency_key = "idempotency-key",
    journal = "journal",
    jsonpath = "jsonpath",
    jwks = "jwks",
    jwt = "jwt",
    openapi = "openapi",
    passkey_made = "passkey-made",
    passkey_shown = "passkey-shown",
    path = "path",
    query = "query",
    secret = "secret",
    state = "state",
    traceparent = "traceparent",
}
