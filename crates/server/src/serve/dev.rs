//! `serve --dev`: everything a first look needs, made once in the data directory and kept there.

mod examples;
mod file;
mod keys;
mod upstream;

use std::path::PathBuf;

use primitives::Secret;
use snapshot::Loader;
use state::Sources;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::file::DevFile;
use crate::{
    cli::ServeArguments,
    commands::configuration::new_token,
    failure::{Failure, why},
    serve::{house::House, listening::Listening, states},
    source,
};

/// The variable that stands for the upstream's address in state files.
const UPSTREAM_VARIABLE: &str = "dev_upstream";

/// Where the listeners are reached.
#[derive(Clone)]
pub(crate) struct Announced {
    pub(crate) public: String,
    pub(crate) site: String,
    pub(crate) management: String,
    pub(crate) ops: String,
}

impl Announced {
    pub(crate) fn of(listening: &Listening) -> Self {
        Self {
            public: listening.public.url.clone(),
            site: listening.site.url.clone(),
            management: listening.management.url.clone(),
            ops: listening.ops.url.clone(),
        }
    }

    /// Prints where everything is.
    pub(crate) fn tell(&self) {
        println!("public      {}", self.public);
        println!("site        {}", self.site);
        println!("management  {}", self.management);
        println!("ops         {}", self.ops);
    }
}

/// A `--dev` whose state is in force and whose upstream has its place.
pub(crate) struct Begun {
    earlier: Option<DevFile>,
    listener: TcpListener,
    upstream: String,
    token: Secret,
    wanted: Wanted,
}

/// The state files that a `--dev` runs on. Those of an earlier start are put in force again only
/// when the upstream has moved, so that what was changed since stays.
struct Wanted {
    /// Whether this start names them.
    asked: bool,
    states: Vec<PathBuf>,
    variables: Vec<(String, String)>,
}

impl Wanted {
    fn of(arguments: &ServeArguments, earlier: Option<&DevFile>) -> Self {
        let asked = !arguments.states.is_empty();
        let (states, variables) = match earlier {
            Some(file) if !asked => (&file.states, &file.variables),
            _ => (&arguments.states, &arguments.variables),
        };
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Self {
            asked,
            states: states.iter().map(whole).collect(),
            variables: variables.clone(),
        }
    }

    fn sources(&self) -> Result<Sources, Failure> {
        if self.states.is_empty() {
            Ok(examples::sources())
        } else {
            source::read(&self.states, self.variables.iter().cloned())
        }
    }
}

/// A `--dev` with everything a first look needs.
pub(crate) struct Furnished {
    upstream: String,
    token: Secret,
    keys: Vec<file::Key>,
    wanted: Wanted,
}

impl Begun {
    /// Finds a place for the upstream and puts the state in force.
    ///
    /// # Errors
    /// When a state file is wrong.
    pub(crate) async fn begin(house: &House, arguments: &ServeArguments) -> Result<Self, Failure> {
        let earlier = DevFile::read(&house.loaded.settings.data.directory);
        let before = earlier.as_ref().map(|file| file.upstream.as_str());
        let (listener, upstream) = upstream::place(before).await?;
        let wanted = Wanted::of(arguments, earlier.as_ref());
        if wanted.asked || before != Some(upstream.as_str()) {
            let mut sources = wanted.sources()?;
            let variable = sources.variables.entry(UPSTREAM_VARIABLE.to_owned());
            variable.or_insert_with(|| upstream.clone());
            states::apply(house, sources).await?;
        }
        let token = match &earlier {
            Some(file) => Secret::new(file.operator_token.clone()),
            None => new_token()?,
        };
        Ok(Self {
            earlier,
            listener,
            upstream,
            token,
            wanted,
        })
    }

    pub(crate) fn operator_token(&self) -> Secret {
        self.token.clone()
    }

    /// Starts the upstream and issues what is missing of the apps' keys.
    ///
    /// # Errors
    /// When a secret or key cannot be made or the upstream does not start.
    pub(crate) async fn furnish(
        self,
        house: &House,
        loader: &Loader,
        stop: &CancellationToken,
    ) -> Result<Furnished, Failure> {
        let snapshot = loader.handle().load_full();
        let place = (self.listener, self.upstream.as_str());
        upstream::serve(house, &snapshot, place, stop).await?;
        let keys = keys::for_every_app(house, &snapshot, self.earlier.as_ref()).await?;
        loader.refresh().await.map_err(why("snapshot"))?;
        Ok(Furnished {
            upstream: self.upstream,
            token: self.token,
            keys,
            wanted: self.wanted,
        })
    }
}

impl Furnished {
    /// Writes `dev.json` and prints where everything is.
    ///
    /// # Errors
    /// When the file cannot be written or no link be made.
    pub(crate) async fn announce(self, house: &House, at: &Announced) -> Result<(), Failure> {
        let directory = &house.loaded.settings.data.directory;
        let link = flows::make_sign_in_link(&house.authority, None)
            .await
            .map_err(why("sign-in link"))?;
        let first = self.first_call(&at.public);
        DevFile {
            public: at.public.clone(),
            site: at.site.clone(),
            management: at.management.clone(),
            ops: at.ops.clone(),
            upstream: self.upstream.clone(),
            states: self.wanted.states.clone(),
            variables: self.wanted.variables.clone(),
            operator_token: self.token.expose().to_owned(),
            apps: self.keys,
        }
        .write(directory)?;
        println!("Portreeve is ready.\n");
        at.tell();
        println!("upstream    {}", self.upstream);
        println!("secrets     {}", directory.join("dev.json").display());
        println!(
            "\nSign in to the console, once:\n{}/console/sign-in?code={}",
            at.management,
            link.code.expose()
        );
        if let Some(call) = first {
            println!("\nA first call:\n{call}");
        }
        Ok(())
    }

    /// A call that the examples admit, to be pasted into a shell.
    fn first_call(&self, public: &str) -> Option<String> {
        let key = self
            .keys
            .iter()
            .find(|key| key.name == examples::FIRST_APP)?;
        Some(format!(
            "curl -u {}:{} {public}{} -H 'content-type: application/json' -d '{}'",
            key.id,
            key.secret,
            examples::FIRST_PATH,
            examples::FIRST_BODY,
        ))
    }
}
