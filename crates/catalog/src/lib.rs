//! What a provider's API consists of: descriptions, routes, operations, and what an operation
//! is annotated with (capabilities, conditions, facts, the parameter that names an account).
//!
//! What it never does: read a file, call a network, know an account or decide a call.
//!
//! To add a way to take a fact from a request: a variant of [`FactSource`], its reading in
//! `facts`, its row in the state document.

mod annotation;
mod api;
mod compiled;
mod condition;
mod description;
mod diff;
mod fact;
mod facts;
pub mod openapi;
mod routes;
mod template;

pub use annotation::{
    AccountParameter, CapabilityUse, Condition, FactDefinition, FactIndex, FactSource, FactTable,
    FactType, Fold, Literal,
};
pub use api::{
    AccountCredentials, Api, Cors, Mount, Operation, Upstream, UpstreamCredential, UpstreamIdentity,
};
pub use compiled::{ApiProblem, ApiRoutes};
pub use condition::{ConditionProblem, Truth};
pub use description::{
    BodyFormat, BodyKind, DescribedOperation, Description, ImportReport, Parameter, ParameterPlace,
    ReadableBodies,
};
pub use diff::{DescriptionDiff, OperationChange, diff};
pub use fact::{FactValue, Facts, UnusableFact};
pub use facts::{
    Body, BodyField, BodyProblem, CompiledFacts, FactTableProblem, PathProblem, RequestHead,
    replace_text_field,
};
pub use routes::{AmbiguousParameter, Found, Lookup, Routes, SameShape};
pub use template::{PathTemplate, TemplateProblem};
