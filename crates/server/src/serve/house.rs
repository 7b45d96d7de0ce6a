use std::sync::Arc;

use config::Loaded;
use flows::{Authority, Passwords, Post, RiskServices, Rounds, SecretBook};
use journal::{Journal, Options};
use keys::InstallationKeys;
use primitives::{Clock, Entropy, SystemEntropy};

use crate::{
    failure::{Failure, why},
    serve::{
        authority::{Backend, private_folder},
        carrier::Https,
        clock::Watch,
        heads::Signed,
        mail::Smtp,
    },
    set_up,
};

/// What is there before a call can be decided: keys, database, journal, secrets.
pub(crate) struct House {
    pub(crate) loaded: Loaded,
    /// Whether it is a `--dev`.
    pub(crate) dev: bool,
    pub(crate) keys: InstallationKeys,
    pub(crate) backend: Backend,
    pub(crate) authority: Authority,
    pub(crate) secrets: SecretBook,
    pub(crate) services: RiskServices,
    /// What brings mails out; none when no server is named.
    pub(crate) post: Option<Arc<dyn Post>>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) watch: Watch,
    /// How far the event log is signed.
    pub(crate) signed: Signed,
}

impl House {
    /// Opens all of it; with `dev` makes the keys if there are none.
    ///
    /// # Errors
    /// When a part does not open.
    pub(crate) async fn open(loaded: Loaded, dev: bool) -> Result<Self, Failure> {
        let watch = Watch::begin();
        let clock = watch.clock();
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        private_folder(&loaded.settings.data.directory)?;
        let file = set_up::key_file(&loaded);
        let keys = if dev {
            InstallationKeys::load_or_create(&file, &*entropy)
        } else {
            InstallationKeys::load(&file)
        };
        let keys = keys.map_err(why("keys"))?;
        let backend = Backend::open(&loaded).await?;
        let passwords = Passwords::new(&keys.hashing_key(), Arc::clone(&entropy));
        let authority = Authority {
            passwords: passwords.map_err(why("passwords"))?,
            store: backend.store(),
            clock: Arc::clone(&clock),
            entropy,
            hashing: Arc::new(keys.hashing_key()),
            sealer: Arc::new(keys.sealer()),
            rounds: Rounds::default(),
        };
        watch
            .compare(&*authority.store)
            .await
            .map_err(why("call records"))?;
        let journal = open_journal(&loaded, &authority, clock).await?;
        // After the journal, whose lock says that no other process serves from here.
        if let Backend::Sqlite(store) = &backend {
            store.release_held_keys().await.map_err(why("SQLite"))?;
        }
        let secrets = SecretBook::default();
        secrets.refresh(&authority).await.map_err(why("secrets"))?;
        let carrier = Arc::new(Https::new().map_err(why("risk services"))?);
        let services = RiskServices {
            carrier,
            secrets: secrets.clone(),
        };
        let settings = &loaded.settings;
        let post = Smtp::of(&settings.mail, &settings.installation.name)?;
        let post = post.map(|smtp| Arc::new(smtp) as Arc<dyn Post>);
        Ok(Self {
            loaded,
            dev,
            keys,
            backend,
            authority,
            secrets,
            services,
            post,
            journal,
            signed: Signed::new(watch.clock()),
            watch,
        })
    }

    pub(crate) fn gateway_name(&self) -> &str {
        &self.loaded.settings.journal.gateway
    }
}

async fn open_journal(
    loaded: &Loaded,
    authority: &Authority,
    clock: Arc<dyn Clock>,
) -> Result<Arc<Journal>, Failure> {
    let directory = set_up::journal_directory(loaded);
    private_folder(&directory)?;
    let gateway = &loaded.settings.journal.gateway;
    let folded = flows::oldest_needed(&*authority.store, gateway)
        .await
        .map_err(why("journal"))?;
    let options = Options {
        unsettled_from: folded,
        ..Options::default()
    };
    let opened = tokio::task::spawn_blocking(move || Journal::open(&directory, clock, options));
    let journal = opened
        .await
        .map_err(why("journal"))?
        .map_err(why("journal"))?;
    let left = journal.unsettled_before_open().len();
    if left > 0 {
        tracing::warn!(left, "calls of an earlier run have an unknown outcome");
    }
    Ok(Arc::new(journal))
}
