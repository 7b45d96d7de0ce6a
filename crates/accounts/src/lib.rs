//! What a developer account is trusted with: its risk, and the vetting that puts it on a level.
//!
//! [`risk`] gives points to what is known of an account and holds them against the risk of what
//! each level opens (P-27, P-28). [`vetting`] is the way from an application to a level, as
//! states and what moves them (P-29, P-45). Every answer has its reasons, so that a developer
//! and a reviewer can be told them.
//!
//! What it never does: read a clock, a database or a document; change an account. A signal that
//! cannot be read is never taken for a good one.
//!
//! To add a question about accounts: a variant of [`risk::Question`] and its answer in
//! `risk::Question::ask`. To add a move: a method of [`vetting::Vetting`] that consumes it.

pub mod risk;
pub mod vetting;
