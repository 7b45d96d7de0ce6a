//! The configuration of an installation: sections with defaults, documentation and checks.
//!
//! Later sources win: defaults, then one TOML file, then the environment
//! (`PORTREEVE__SECTION__KEY`, or `…_FILE` naming a file that holds the value), then flags.
//! Every value remembers where it came from, so that a problem names file and line, variable
//! or flag, and says the mend.
//!
//! What it never does: guess. An unknown key, a value of another type and a key set in two
//! ways by one source are refused, all of them at once.
//!
//! To add a key: one documented field with a default in `settings.rs`. The JSON Schema, the
//! reference page, the environment variable and `config show` follow from it; a rule between
//! keys goes to `safety.rs`. Then run `cargo xtask generate`.

mod file;
mod key;
mod load;
mod origin;
mod reference;
mod safety;
mod settings;
mod value;

pub use key::{Key, Shape, keys};
pub use load::{Flag, Loaded, Sources, environment, load};
pub use origin::{Origin, Problem, Problems};
pub use reference::{reference_page, schema};
pub use safety::{Refusal, refusals};
pub use settings::{
    Admits, Audit, Data, Durability, Geo, Installation, Journal, Keys, Limits, Listener, Listeners,
    Log, LogFormat, Mail, MailTls, Memory, Operator, Proxies, Registration, Settings, Shutdown,
    Store,
};
pub use value::{Address, Network, SecretText};

#[cfg(test)]
mod tests;
