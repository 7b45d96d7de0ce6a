//! libFuzzer over one target of `fuzz`, which `PORTREEVE_FUZZ_TARGET` names.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("PORTREEVE_FUZZ_TARGET").unwrap_or_default();
    let known = || fuzz::TARGETS.map(|target| target.name).join(", ");
    let Some(target) = fuzz::find(&name) else {
        eprintln!("PORTREEVE_FUZZ_TARGET is `{name}`: there are {}", known());
        std::process::exit(2);
    };
    target.run
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
