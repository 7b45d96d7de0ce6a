//! Who is trusted with what: developer accounts by their risk and vetting, apps by what they
//! usually do, persons by their roles.
//!
//! [`risk`] gives points to what is known of an account and holds them against the risk of what
//! each level opens (P-27, P-28). [`vetting`] is the way from an application to a level, as
//! states and what moves them (P-29, P-45). [`persons`] are those who sign in, and the table of
//! what each role may do. [`anomalies`] knows how an app usually calls, and what departs from it
//! (P-33, P-34). Every answer has its reasons, so that a developer
//! and a reviewer can be told them.
//!
//! [`profile`] is what the records about a developer come to (P-22, P-24), and [`confidential`] what
//! accounts entrust and what may be shown of it (P-19).
//!
//! What it never does: read a clock, a database or a document; change an account. A signal that
//! cannot be read is never taken for a good one.
//!
//! To add a question about accounts: a variant of [`risk::Question`] and its answer in
//! `risk::Question::ask`. To add a move: a method of [`vetting::Vetting`] that consumes it. To add
//! a role: a variant of [`persons::Role`], its row in `Role::may`, and in the test of the table.

pub mod anomalies;
pub mod confidential;
pub mod notices;
pub mod persons;
pub mod profile;
pub mod risk;
pub mod vetting;
