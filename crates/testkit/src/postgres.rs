use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
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
    /// What runs since it was stopped; ended before the folder goes with the first.
    again: Mutex<Option<Kept>>,
    server: Kept,
    serving: Vec<String>,
    stopping: Vec<String>,
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
        let mut stopping = owner.command(&programs.join("pg_ctl"));
        stopping.extend(["stop", "-D", &data, "-m", "immediate"].map(str::to_owned));
        let server = Arc::new(Self {
            again: Mutex::default(),
            server,
            serving: command,
            stopping,
            folder,
            databases: AtomicU64::new(0),
        });
        server.admin().await.close().await.ok();
        Some(server)
    }

    /// Ends it at once and without a checkpoint, as a crash does; its databases stay.
    ///
    /// # Panics
    /// When it does not run.
    pub fn stop(&self) {
        run(&self.stopping);
    }

    /// Starts it again after [`Postgres::stop`], and waits for it to answer.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start_again(&self) {
        let folder = self.folder.join("again");
        {
            let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
            // With the one before goes its folder, which is the new one's.
            *again = None;
            fs::create_dir_all(&folder).expect("a folder can be made");
            let started = Kept::start(&folder, "QUIT", &self.serving);
            *again = Some(started.expect("postgres can be started"));
        }
        self.admin().await.close().await.ok();
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

    /// Lets PostgreSQL check every table and every index of it (`amcheck`).
    ///
    /// # Errors
    /// What it found, or why it could not look.
    pub async fn examine(&self) -> Result<(), String> {
        let told = |problem: sqlx::Error| problem.to_string();
        let address = self.address();
        let connected = PgConnection::connect(address.expose()).await;
        let mut connection = connected.map_err(told)?;
        sqlx::query("CREATE EXTENSION IF NOT EXISTS amcheck")
            .execute(&mut connection)
            .await
            .map_err(told)?;
        let indexes = sqlx::query_scalar::<_, i64>(INDEXES);
        let indexes = indexes.fetch_one(&mut connection).await.map_err(told)?;
        let broken = sqlx::query_scalar::<_, String>(TABLES);
        let broken = broken.fetch_all(&mut connection).await.map_err(told)?;
        connection.close().await.ok();
        match broken.first() {
            Some(first) => Err(first.clone()),
            None if indexes == 0 => Err("there is no index in it".to_owned()),
            None => Ok(()),
        }
    }
}

/// How many indexes there are; fails at one that is broken or misses a row of its table.
const INDEXES: &str = "SELECT count(bt_index_check(class.oid, true)::text)
    FROM pg_class class JOIN pg_am method ON method.oid = class.relam
    WHERE method.amname = 'btree' AND class.relkind = 'i'";

/// What is broken in tables.
const TABLES: &str = "SELECT class.relname || ': ' || found.msg
    FROM pg_class class, LATERAL verify_heapam(class.oid) found
    WHERE class.relkind IN ('r', 't', 'm')";

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

    #[tokio::test]
    async fn it_comes_back_after_a_crash_and_says_what_is_broken() {
        let Some(server) = Postgres::launch_alone(&["--data-checksums"], &[]).await else {
            return;
        };
        let database = server.database().await;
        let mut connection = PgConnection::connect(database.address().expose())
            .await
            .unwrap();
        for statement in [
            "CREATE TABLE marks (mark BIGINT PRIMARY KEY)",
            "INSERT INTO marks SELECT generate_series(1, 100)",
        ] {
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
        connection.close().await.ok();
        server.stop();
        let address = database.address();
        assert!(PgConnection::connect(address.expose()).await.is_err());
        server.start_again().await;
        assert_eq!(database.examine().await, Ok(()));
        // A row that its index does not know.
        let mut connection = PgConnection::connect(database.address().expose())
            .await
            .unwrap();
        for statement in [
            "UPDATE pg_index SET indisready = false WHERE indrelid = 'marks'::regclass",
            "INSERT INTO marks VALUES (101)",
            "UPDATE pg_index SET indisready = true WHERE indrelid = 'marks'::regclass",
        ] {
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
        assert!(database.examine().await.unwrap_err().contains("marks"));
    }

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "postgresql:x:7:8::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        assert_eq!(ids(users, "postgres"), Some((101, 104)));
        assert_eq!(ids(users, "nobody"), None);
    }
}
