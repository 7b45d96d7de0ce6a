use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use primitives::Secret;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

use crate::{kept::Kept, missing, program};

/// A PostgreSQL server of this test process, reachable through a socket in a private folder.
#[derive(Debug)]
pub struct Postgres {
    server: Kept,
    folder: PathBuf,
    databases: AtomicU64,
}

/// A database of one test. It goes with its server.
#[derive(Clone, Debug)]
pub struct Database {
    server: Arc<Postgres>,
    name: String,
}

impl Postgres {
    /// The server that the tests of this process share; `None` when PostgreSQL is not installed,
    /// which has then been said.
    pub async fn launch() -> Option<Arc<Self>> {
        static SHARED: OnceCell<Option<Arc<Postgres>>> = OnceCell::const_new();
        let server = SHARED.get_or_init(|| Self::launch_alone(&["--data-checksums"], &[]));
        server.await.clone()
    }

    /// A server of one's own, with further arguments for `initdb` and further settings.
    pub async fn launch_alone(initdb: &[&str], settings: &[&str]) -> Option<Arc<Self>> {
        let Some(programs) = programs() else {
            missing("PostgreSQL");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("portreeve-postgres-")
            .tempdir()
            .expect("a temporary folder can be made")
            .keep();
        let owner = Owner::of_servers(&folder);
        let data = folder.join("data").display().to_string();
        let mut init = owner.command(&programs.join("initdb"));
        init.extend(["-D", &data, "-U", "postgres", "-A", "trust"].map(str::to_owned));
        init.extend(["-E", "UTF8", "--no-locale", "--no-sync"].map(str::to_owned));
        init.extend(initdb.iter().map(|&argument| argument.to_owned()));
        run(&init);
        let mut command = owner.command(&programs.join("postgres"));
        let socket = folder.display().to_string();
        command.extend(["-D", &data, "-k", &socket].map(str::to_owned));
        let quiet = ["listen_addresses=", "max_connections=200", "autovacuum=off"];
        for setting in quiet.iter().chain(settings) {
            command.extend(["-c".to_owned(), (*setting).to_owned()]);
        }
        let server = Kept::start(&folder, "QUIT", &command).expect("postgres can be started");
        let server = Arc::new(Self {
            server,
            folder,
            databases: AtomicU64::new(0),
        });
        server.admin().await.close().await.ok();
        Some(server)
    }

    /// A new, empty database.
    pub async fn database(self: &Arc<Self>) -> Database {
        self.database_from("template0").await
    }

    /// A new database that begins as a copy of `prepared`, to which nothing may be connected.
    pub async fn copy_of(self: &Arc<Self>, prepared: &Database) -> Database {
        self.database_from(&prepared.name).await
    }

    async fn database_from(self: &Arc<Self>, template: &str) -> Database {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
        let mut admin = self.admin().await;
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut admin)
            .await
            .expect("a database can be made");
        admin.close().await.ok();
        Database {
            server: Arc::clone(self),
            name,
        }
    }

    /// Waits for the server to answer.
    async fn admin(&self) -> PgConnection {
        let address = self.address("postgres");
        for _ in 0..600 {
            match PgConnection::connect(&address).await {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!(
            "PostgreSQL did not answer in 30 s: {}",
            self.server.printed()
        );
    }

    fn address(&self, database: &str) -> String {
        let folder = self.folder.display();
        format!("postgres://postgres@localhost/{database}?host={folder}")
    }
}

impl Database {
    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> Secret {
        Secret::new(self.server.address(&self.name))
    }
}

/// The newest version that is installed as Debian does, else what is on `PATH`.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("postgres").is_file())
        .collect();
    versions.sort();
    versions
        .pop()
        .map(|(_, bin)| bin)
        .or_else(|| Some(program(&["postgres"])?.parent()?.to_owned()))
}

/// PostgreSQL refuses to run as root, so root lends the folder to another user.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn of_servers(folder: &Path) -> Self {
        let me = fs::metadata("/proc/self").map_or(1, |process| process.uid());
        if me != 0 {
            return Self(None);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (user, group) = ["postgres", "nobody"]
            .iter()
            .find_map(|name| ids(&users, name))
            .expect("a user `postgres` or `nobody` exists");
        chown(folder, Some(user), Some(group)).expect("root can lend a folder");
        Self(Some((user, group)))
    }

    fn command(&self, file: &Path) -> Vec<String> {
        let mut command = Vec::new();
        if let Self(Some((user, group))) = self {
            command.push("setpriv".to_owned());
            command.push(format!("--reuid={user}"));
            command.push(format!("--regid={group}"));
            command.push("--clear-groups".to_owned());
        }
        command.push(file.display().to_string());
        command
    }
}

/// User and group number from the text of `/etc/passwd`.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn run(command: &[String]) {
    let (file, arguments) = command.split_first().expect("a command has a program");
    let output = Command::new(file)
        .args(arguments)
        .current_dir("/")
        .output()
        .expect("the program can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn databases_are_apart_and_copies_begin_alike() {
        let Some(server) = Postgres::launch().await else {
            return;
        };
        let first = server.database().await;
        let mut connection = PgConnection::connect(first.address().expose())
            .await
            .unwrap();
        sqlx::query("CREATE TABLE marks (mark BIGINT)")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let marks = "SELECT count(*) FROM marks";
        for (database, there) in [
            (server.copy_of(&first).await, true),
            (server.database().await, false),
        ] {
            let mut connection = PgConnection::connect(database.address().expose())
                .await
                .unwrap();
            let found = sqlx::query(marks).execute(&mut connection).await;
            assert_eq!(found.is_ok(), there);
        }
    }

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "postgresql:x:7:8::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        assert_eq!(ids(users, "postgres"), Some((101, 104)));
        assert_eq!(ids(users, "nobody"), None);
    }
}
