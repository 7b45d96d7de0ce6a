use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::{
    cli::{MigrateCommand, SetUpArguments},
    failure::{Failure, why},
    serve::authority::Backend,
    set_up,
};

pub(crate) async fn run(command: &MigrateCommand) -> Result<(), Failure> {
    match command {
        MigrateCommand::Status(arguments) => status(arguments).await,
        MigrateCommand::Up(arguments) => up(arguments).await,
    }
}

async fn status(arguments: &SetUpArguments) -> Result<(), Failure> {
    let loaded = set_up::load(arguments, Vec::new())?;
    let pending = match &loaded.settings.store.postgres_url {
        Some(address) => PostgresStore::pending(&address.0)
            .await
            .map_err(why("PostgreSQL"))?,
        None => SqliteStore::pending(set_up::sqlite_file(&loaded))
            .await
            .map_err(why("SQLite"))?,
    };
    let shown = Backend::shown(&loaded);
    if pending.is_empty() {
        println!("{shown}: schema current");
    } else {
        println!("{shown}: to run: {}", pending.join(", "));
    }
    Ok(())
}

async fn up(arguments: &SetUpArguments) -> Result<(), Failure> {
    let loaded = set_up::load(arguments, Vec::new())?;
    let backend = Backend::open(&loaded).await?;
    let installation = backend
        .store()
        .installation()
        .await
        .map_err(why("reading"))?;
    println!(
        "{}: schema current, revision {}",
        Backend::shown(&loaded),
        installation.revision
    );
    backend.close().await;
    Ok(())
}
