//! What attackers send, generated from the document of the API, so that no operation is left out.

mod audit;
mod bounds;
mod closed;
mod described;

mod inventory;
mod others;
