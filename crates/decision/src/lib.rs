//! The gates, their order, the answer of every gate, and the smallest admitting change.
//!
//! A pure function of values: (catalogue, developer, app, account, facts, counters) → answer.
//! What it never does: I/O, time, randomness, Cedar (a [`Evidence`] tells a policy's verdict).
//!
//! To add a gate: a variant of [`Gate`], its file under `gates/`, its row in the code table,
//! and, if an edit can open it, a variant of [`Edit`]. To add a meaning of an exhausted limit: a
//! variant of [`Exhausted`], and one of [`Offer`] when it offers something.

mod answer;
pub mod codes;
mod edits;
mod evaluate;
mod finding;
mod gates;
mod grant;
mod model;
mod offers;
mod passing;
mod quick;
mod scene;
mod words;

pub use answer::{
    Answer, By, CapabilityAnswer, Edit, Evidence, Gate, GateAnswer, Likeness, LimitAnswer, Offer,
    Outcome, PolicyVerdict, Unusual, Verdict,
};
pub use evaluate::{assess, capabilities_of, evaluate, refuse_exhausted};
pub use grant::{Grant, GrantedCapability, GrantedLimit, Granting, Marks, grant, mark, read_mark};
pub use model::{
    Account, Admission, App, Attribute, Attributes, Call, Caller, Capability, Catalogue,
    CatalogueIndex, Developer, Exhausted, GeoRule, GeoSubject, Ladder, Level, Limit, LimitKind,
    LimitScope, LimitValue, List, ListEffect, ListSubject, Overrides, Places, Plan, Profile,
    Region, Switches, SymbolMap, Vocabulary,
};
pub use quick::{Quick, decide, used_capabilities};
pub use words::spoken_level;

#[cfg(test)]
mod tests;
