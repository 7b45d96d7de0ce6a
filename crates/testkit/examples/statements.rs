//! Checks every SQL statement against a migrated database and writes what the compiler needs to
//! check them without one: `cargo run -p testkit --example statements -- OUT`, which is a part
//! of `cargo xtask generate`.

#![expect(
    clippy::expect_used,
    reason = "a tool of this repository is to fail loudly"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{Connection as _, PgConnection, SqliteConnection, migrate::Migrator};
use testkit::Postgres;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let out = std::env::args_os().nth(1).expect("a folder to write into");
    let out = PathBuf::from(out);
    sqlite(&out).await;
    postgres(&out).await;
}

async fn sqlite(out: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let address = format!("sqlite://{}?mode=rwc", folder.path().join("db").display());
    let mut connection = SqliteConnection::connect(&address)
        .await
        .expect("the database opens");
    let migrator = migrations("store-sqlite").await;
    migrator
        .run(&mut connection)
        .await
        .expect("the migrations run");
    connection.close().await.expect("the database closes");
    describe("store-sqlite", "STORE_SQLITE_DATABASE_URL", &address, out);
}

async fn postgres(out: &Path) {
    let Some(server) = Postgres::launch().await else {
        return;
    };
    let address = server.database().await.address();
    let mut connection = PgConnection::connect(address.expose())
        .await
        .expect("the database answers");
    let migrator = migrations("store-postgres").await;
    migrator
        .run(&mut connection)
        .await
        .expect("the migrations run");
    connection.close().await.expect("the connection closes");
    describe(
        "store-postgres",
        "STORE_POSTGRES_DATABASE_URL",
        address.expose(),
        out,
    );
}

async fn migrations(name: &str) -> Migrator {
    let folder = root().join(format!("crates/{name}/migrations"));
    Migrator::new(folder)
        .await
        .expect("the migrations are readable")
}

/// Compiles the crate against the database; its macros write what they learn.
fn describe(name: &str, variable: &str, address: &str, out: &Path) {
    let into = out.join(name);
    fs::create_dir_all(&into).expect("the folder can be made");
    let front = root().join(format!("crates/{name}/src/lib.rs"));
    let text = fs::read(&front).expect("the crate is readable");
    // A file that is newer than what was compiled is compiled again.
    fs::write(&front, text).expect("the crate is writable");
    let done = Command::new("cargo")
        .args(["check", "--quiet", "--package", name])
        .current_dir(root())
        .env(variable, address)
        .env("SQLX_OFFLINE_DIR", &into)
        .status()
        .expect("cargo starts");
    assert!(done.success(), "{name} does not fit its migrations");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
