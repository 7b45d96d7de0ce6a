//! The vocabulary that every other crate speaks: typed ids, the clock and entropy seams,
//! stable names, exact quantities, countries, modes, symbols and pages.
//!
//! What it never does: read a wall clock or draw randomness on its own (only
//! [`SystemClock`] and [`SystemEntropy`] do, and only the binary makes them), use a float,
//! or know any business rule.
//!
//! To add an id: one line in `id.rs`. To add a primitive: one file, re-exported here.

mod clock;
mod country;
mod entropy;
mod fingerprint;
mod id;
mod mode;
mod name;
mod page;
mod quantity;
mod secret;
mod steady;
mod symbol;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use country::{Country, NotACountry};
pub use entropy::{Entropy, EntropyExhausted, PooledEntropy, SeededEntropy, SystemEntropy};
pub use fingerprint::{fingerprint, hex, sha256, short_fingerprint};
pub use id::{
    AccountId, AnomalyId, AppId, CredentialId, DeveloperRecordId, EventId, IdProblem, MailId,
    PasskeyId, PersonId, RecordId, SignInId,
};
pub use mode::{Enforcement, Mode};
pub use name::{Name, NameProblem};
pub use page::{PageSize, Revision};
pub use quantity::{Quantity, QuantityProblem};
pub use secret::Secret;
pub use steady::{Look, SteadyClock};
pub use symbol::{Symbol, SymbolSet, Symbols};
