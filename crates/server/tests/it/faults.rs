//! The short tier of the faults: what long campaigns do for hours, done for seconds.

use std::{path::Path, time::Duration};

use faults::{Report, ambiguous, away, bombs, crash, disk};
use testkit::Postgres;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_portreeve"))
}

fn kept(report: Option<Report>) {
    if let Some(report) = report {
        println!("{report}");
        report.assert_kept();
    }
}

/// Shows: F-01, G-04.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_every_crash() {
    let wanted = crash::Crashes {
        binary: binary().to_owned(),
        seed: 1,
        kills: 12,
        acknowledged: 500,
        within: Duration::from_secs(12),
        // A build without optimisation on a busy machine; the long tier holds it to a second.
        ready_within: Duration::from_secs(8),
        demanded: false,
    };
    kept(Some(crash::crashes(&wanted).await));
}

/// Shows: F-03.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_after_the_disk_has_failed() {
    kept(disk::failing_syncs(binary(), [5, 9]).await);
}

/// Shows: F-04.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_survived() {
    kept(disk::full_disk(binary(), 192).await);
}

/// Shows: S-19.
#[tokio::test(flavor = "multi_thread")]
async fn what_grows_when_it_is_read_takes_little_memory() {
    kept(Some(bombs::refused(binary()).await));
}

/// Shows: F-38, G-02.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_was_told_of_happens_once() {
    kept(ambiguous::ambiguous_commits(binary(), 3, 1).await);
}

/// Shows: F-31, G-07.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_and_nobody_passes_for_long() {
    let Some(server) = Postgres::launch().await else {
        return;
    };
    let database = server.database().await;
    let address = database.address();
    let (place, folder) = address.expose().split_once("?host=").expect("a folder");
    let name = place.rsplit('/').next().expect("a name");
    let socket = Path::new(folder).join(".s.PGSQL.5432");
    kept(Some(away::database_away(binary(), &socket, name).await));
}

/// Shows: F-31.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_loses_nothing_that_was_acknowledged() {
    // It writes nothing soon that nobody waits for, so that what was not waited for is lost.
    let settings = ["wal_writer_delay=10000"];
    let Some(server) = Postgres::launch_alone(&["--data-checksums"], &settings).await else {
        return;
    };
    let database = server.database().await;
    kept(Some(
        away::database_stopped(binary(), &server, &database).await,
    ));
}
