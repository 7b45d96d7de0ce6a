//! What a decision reads: the set-up of the provider, and who calls.

mod caller;
mod catalogue;
mod limit;
mod vocabulary;

pub use caller::{
    Account, App, Attribute, Attributes, Call, Caller, Developer, Places, Profile, Switches,
};
pub use catalogue::{
    Admission, Capability, Catalogue, CatalogueIndex, GeoRule, GeoSubject, Ladder, Level, List,
    ListEffect, ListSubject, Plan, Region,
};
pub use limit::{Exhausted, Limit, LimitKind, LimitScope, LimitValue, Overrides};
pub use vocabulary::{SymbolMap, Vocabulary};
