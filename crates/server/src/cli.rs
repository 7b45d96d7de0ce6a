use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use primitives::Mode;

mod vettings;

pub(crate) use vettings::VettingsCommand;

/// What a script is told.
const STATUSES: &str = "Ends with 0 when done, 1 when it could not be done, 2 when `diff` finds a \
                        difference, 64 when the command line cannot be read.";

/// Portreeve: who may come in, what they may do there.
#[derive(Parser)]
#[command(name = "portreeve", version, arg_required_else_help = true, after_help = STATUSES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs the installation.
    Serve(Box<ServeArguments>),
    /// Puts what the files say in force, whole or not at all.
    Apply {
        #[command(flatten)]
        files: FilesArguments,
        /// Only tells what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Tells what `apply` would change; ends with 2 when something would.
    Diff(FilesArguments),
    /// Writes the state in force, to standard output or with its descriptions into a directory.
    Export {
        /// Directory for `state.yaml` and the API descriptions.
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
        #[command(flatten)]
        connect: ConnectArguments,
    },
    /// Tells why a call was admitted or refused, gate by gate.
    Explain {
        /// The decision's id, from the problem body or the `Portreeve-Decision` header.
        id: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Lists apps.
    Apps(ShowArguments),
    /// Lists accounts.
    Accounts(ShowArguments),
    /// Lists calls, the newest first.
    Calls(CallsArguments),
    /// Keys of apps.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What was unusual in how apps call, and what they usually do.
    #[command(subcommand)]
    Anomalies(AnomaliesCommand),
    /// Applications of developers for levels, and what is decided.
    #[command(subcommand)]
    Vettings(VettingsCommand),
    /// Persons who sign in to the console, and what they may do.
    #[command(subcommand)]
    Persons(PersonsCommand),
    /// Secrets that state files name.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// What accounts entrust: numbers, passwords, bank and card data.
    #[command(subcommand)]
    Confidential(ConfidentialCommand),
    /// The event log, checked by who need not believe the server.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The database's schema.
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Looks for what would keep the installation from working.
    Doctor(SetUpArguments),
    /// Makes a link that signs an operator in, once.
    SignInLink(ConnectArguments),
    /// Writes completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Tells the version.
    Version {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes the files that are generated from this program.
    #[command(hide = true)]
    Generate {
        /// The directory to write them into.
        into: PathBuf,
    },
}

/// Where the configuration comes from.
#[derive(Args, Clone, Default)]
pub(crate) struct SetUpArguments {
    /// TOML file of the configuration.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory for the database, the journal and generated keys.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// For a try on this machine: accepts settings that are unsafe elsewhere. `serve` also makes
    /// what is missing, and loads the examples with an upstream for them.
    #[arg(long)]
    pub(crate) dev: bool,
}

#[derive(Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) set_up: SetUpArguments,
    /// Address of the APIs; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    pub(crate) public: Option<String>,
    /// Address of the pages.
    #[arg(long, value_name = "ADDR")]
    pub(crate) site: Option<String>,
    /// Address of management REST and the console.
    #[arg(long, value_name = "ADDR")]
    pub(crate) management: Option<String>,
    /// Address of health and metrics.
    #[arg(long, value_name = "ADDR")]
    pub(crate) ops: Option<String>,
    /// State file to apply at the start, instead of the examples of `--dev`; repeatable.
    #[arg(long = "state", value_name = "FILE")]
    pub(crate) states: Vec<PathBuf>,
    /// Value of a `${name}` in the state files; repeatable.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) variables: Vec<(String, String)>,
    /// Takes over from the running server that starts this one and gives it its sockets.
    #[arg(long, hide = true)]
    pub(crate) take_over: bool,
}

/// Which installation is spoken to.
#[derive(Args, Clone)]
pub(crate) struct ConnectArguments {
    /// Address of management REST.
    #[arg(long, env = "PORTREEVE_MANAGEMENT", value_name = "URL")]
    pub(crate) management: Option<String>,
    /// The operator's token.
    #[arg(
        long,
        env = "PORTREEVE_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// Directory whose `dev.json` tells address and token of a `serve --dev`.
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub(crate) data: PathBuf,
}

#[derive(Args)]
pub(crate) struct FilesArguments {
    /// State file; repeatable.
    #[arg(short, long = "file", required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Value of a `${name}` in the files; repeatable.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) variables: Vec<(String, String)>,
    /// Deletes what the files do not have; accounts and apps only where the files list some.
    #[arg(long)]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) connect: ConnectArguments,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    #[default]
    Table,
    /// The answer of management REST.
    Json,
    /// The same as YAML.
    Yaml,
}

#[derive(Args)]
pub(crate) struct ShowArguments {
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Form,
    #[command(flatten)]
    pub(crate) connect: ConnectArguments,
}

#[derive(Args)]
pub(crate) struct CallsArguments {
    /// Only calls of this API.
    #[arg(long)]
    pub(crate) api: Option<String>,
    /// Only calls of this app (name or id).
    #[arg(long)]
    pub(crate) app: Option<String>,
    /// Only calls of this developer's apps (name or id of the account).
    #[arg(long)]
    pub(crate) developer: Option<String>,
    /// Only calls that acted for this account (name or id).
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// Only calls that used this capability.
    #[arg(long)]
    pub(crate) capability: Option<String>,
    /// Only calls with this outcome.
    #[arg(long, value_parser = ["served", "refused", "unknown", "not_sent"])]
    pub(crate) outcome: Option<String>,
    /// Only calls in this mode.
    #[arg(long, value_parser = mode)]
    pub(crate) mode: Option<Mode>,
    /// Only calls at or after this time (RFC 3339).
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Only calls before this time (RFC 3339).
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
}

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Lists the keys of an app.
    List {
        /// The app's name or id.
        app: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Issues a key; its secret is shown this once.
    Issue {
        /// The app's name or id.
        app: String,
        /// Test or live.
        #[arg(long, default_value = "test", value_parser = mode)]
        mode: Mode,
        /// Permission profile that the key is bound to.
        #[arg(long, value_name = "PROFILE")]
        permissions: Option<String>,
        /// How it is shown.
        #[arg(long, default_value = "key", value_parser = ["key", "three_token", "certificate"])]
        kind: String,
        /// SHA-256 of a client certificate (DER, hexadecimal) that is shown as well, or alone.
        #[arg(long, value_name = "SHA256")]
        certificate: Option<String>,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Issues a successor; the old key works on for the overlap.
    Rotate {
        /// The app's name or id.
        app: String,
        /// The key's id.
        key: String,
        /// Seconds that the old key works on.
        #[arg(long, default_value_t = 86_400, value_name = "SECONDS")]
        overlap: u32,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Revokes a key at once.
    Revoke {
        /// The app's name or id.
        app: String,
        /// The key's id.
        key: String,
        #[command(flatten)]
        connect: ConnectArguments,
    },
    /// Revokes whatever leaked secrets open: one a line, from a file or standard input.
    Leaked {
        /// The file; standard input when left out.
        file: Option<PathBuf>,
        #[command(flatten)]
        connect: ConnectArguments,
    },
}

#[derive(Subcommand)]
pub(crate) enum AnomaliesCommand {
    /// Lists what was unusual, found last first.
    List {
        /// Only of this app (name or id).
        #[arg(long)]
        app: Option<String>,
        /// Only what this rule found.
        #[arg(long)]
        rule: Option<String>,
        /// Only those in this state.
        #[arg(long, value_parser = ["open", "fine"])]
        state: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Marks one as fine: from now on it is usual for the app.
    Fine {
        /// The anomaly's id.
        anomaly: String,
        /// Why, for those who look at it later.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Shows what an app usually does, and which rules judge it.
    Habits {
        /// The app's name or id.
        app: String,
        /// Test or live.
        #[arg(long, default_value = "live", value_parser = mode)]
        mode: Mode,
        #[command(flatten)]
        show: ShowArguments,
    },
}

#[derive(Subcommand)]
pub(crate) enum PersonsCommand {
    /// Lists everybody, by e-mail address.
    List(ShowArguments),
    /// Invites somebody: by mail, or with a link that is printed to hand to them.
    Invite {
        /// The e-mail address.
        email: String,
        /// What they are called.
        #[arg(long)]
        name: String,
        /// What they are to be allowed; may be given several times.
        #[arg(long, value_parser = ["viewer", "support", "risk", "business_unit", "admin"])]
        role: Vec<String>,
        /// A business unit of the role `business_unit`; may be given several times.
        #[arg(long)]
        unit: Vec<String>,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Gives somebody these roles and no others.
    Roles {
        /// Their id or e-mail address.
        person: String,
        /// What they are to be allowed; may be given several times.
        #[arg(long, value_parser = ["viewer", "support", "risk", "business_unit", "admin"])]
        role: Vec<String>,
        /// A business unit of the role `business_unit`; may be given several times.
        #[arg(long)]
        unit: Vec<String>,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Shuts somebody out at once, with every sign-in and token.
    Disable {
        /// Their id or e-mail address.
        person: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Lets somebody in again.
    Enable {
        /// Their id or e-mail address.
        person: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Prints a link with which somebody sets their password anew.
    PasswordLink {
        /// Their id or e-mail address.
        person: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Takes the one-time codes of somebody who has lost the device off.
    RemoveCodes {
        /// Their id or e-mail address.
        person: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Takes all passkeys of somebody who has lost a device off.
    RemovePasskeys {
        /// Their id or e-mail address.
        person: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Ends every sign-in and access token of somebody.
    SignOut {
        /// Their id or e-mail address.
        person: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Deletes somebody; what they did stays in the event log under their id.
    Delete {
        /// Their id or e-mail address.
        person: String,
        #[command(flatten)]
        connect: ConnectArguments,
    },
}

#[derive(Subcommand)]
pub(crate) enum SecretCommand {
    /// Sets a secret; the value is read from the file or from standard input.
    Set {
        /// The name that state files use.
        name: String,
        /// File that holds the value.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        connect: ConnectArguments,
    },
    /// Lists the names of secrets that are set.
    List(ShowArguments),
    /// Removes a secret that no API and no account names.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        connect: ConnectArguments,
    },
}

#[derive(Subcommand)]
pub(crate) enum ConfidentialCommand {
    /// Lists what an account entrusts, masked.
    List {
        /// The account's name or id.
        account: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Keeps something sealed; it is read from the file or from standard input.
    Set {
        /// The account's name or id.
        account: String,
        /// What it is called.
        name: String,
        /// What it is.
        #[arg(long, value_parser = ["account_number", "bank", "card", "password", "other"])]
        kind: String,
        /// File that holds it.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        connect: ConnectArguments,
    },
    /// Prints it in full; the event log says who had it printed.
    Reveal {
        /// The account's name or id.
        account: String,
        /// What it is called.
        name: String,
        #[command(flatten)]
        connect: ConnectArguments,
    },
    /// Removes it.
    Remove {
        /// The account's name or id.
        account: String,
        /// What it is called.
        name: String,
        #[command(flatten)]
        connect: ConnectArguments,
    },
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Writes the event log, a line for each event, the oldest first.
    Export {
        /// File to write; standard output when left out.
        #[arg(long, value_name = "FILE")]
        into: Option<PathBuf>,
        #[command(flatten)]
        connect: ConnectArguments,
    },
    /// Checks an exported log and the signed heads it has to go through. Needs no server.
    Verify {
        /// The exported log.
        events: PathBuf,
        /// The file of signed heads (`audit.heads`).
        #[arg(long, value_name = "FILE")]
        heads: PathBuf,
        /// The installation's public keys, as `/.well-known/jwks.json` of the site gives them; kept
        /// from a time when it was trusted.
        #[arg(long, value_name = "FILE")]
        keys: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tells everything that is wrong or unsafe.
    Check(SetUpArguments),
    /// Writes the JSON Schema of the configuration file.
    Schema,
    /// Shows every value; secrets are left out.
    Show {
        /// Adds where each value comes from.
        #[arg(long)]
        origin: bool,
        #[command(flatten)]
        set_up: SetUpArguments,
    },
    /// Makes a file with new installation keys that only its owner can read.
    NewKeys {
        /// The file; must not exist.
        file: PathBuf,
    },
    /// Prints a new operator token.
    NewToken,
}

#[derive(Subcommand)]
pub(crate) enum MigrateCommand {
    /// Tells which revision and schema the database is at.
    Status(SetUpArguments),
    /// Brings the database's schema up to this version.
    Up(SetUpArguments),
}

fn variable(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is not of the form NAME=VALUE"))
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "test" => Ok(Mode::Test),
        "live" => Ok(Mode::Live),
        _ => Err(format!("`{text}` is neither `test` nor `live`")),
    }
}
