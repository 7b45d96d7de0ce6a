//! Launches what tests need and this project does not build: PostgreSQL, Chromium. Makes GeoIP
//! files, which no vendor lets anyone ship, and mounts disks that can be filled.
//!
//! What it never does: install anything (`cargo xtask test` does), leave a process behind, or
//! let a test pass silently: a test that cannot run says so in one line, and fails when
//! `PORTREEVE_REQUIRE_SERVICES` is set and installing something would let it run.
//!
//! To add a service: a file here that finds its program, starts it through `Kept` and answers
//! `None` through `missing` when it is not installed.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up is to fail loudly"
)]

mod accessibility;
mod browser;
mod geoip;
mod kept;
mod postgres;
mod small_disk;
mod smtp;

pub use browser::Browser;
pub use geoip::{PLACES, geoip, mmdb};
pub use postgres::{Database, Postgres};
pub use small_disk::SmallDisk;
pub use smtp::{Deals, MailServer, Speaks};

/// Says in one line that a test was not run for want of `service`, or fails when running it was
/// asked for by `PORTREEVE_REQUIRE_SERVICES`.
pub fn missing(service: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "how strict the tests are is the environment's to say"
    )]
    let required = std::env::var("PORTREEVE_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "{service} is not installed, and PORTREEVE_REQUIRE_SERVICES asks for it"
    );
    println!("skipped: {service} is not installed; `cargo xtask test` installs it");
}

/// Says in one line that a test was not run because this user, on this machine, has not the
/// `right` it needs. Nothing that can be installed mends that, so it is never a failure.
pub fn forbidden(right: &str) {
    println!("skipped: {right} is not to be had here; as root on a machine of one's own it is");
}

/// The first of the programs that exists, looked for by path or along `PATH`.
fn program(candidates: &[&str]) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    candidates
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}
