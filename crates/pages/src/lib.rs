//! The pages people see: layout, components, sign-in, and the operator console.
//!
//! Server-rendered, usable without JavaScript except for the list that renews itself. Nothing
//! here decides anything: a page reads what flows, store and snapshot say and shows it.
//!
//! To add a page: a template that extends `layout.html`, a view struct in `views`, a handler
//! file under `console/`, its line in `console::routes`, its fixture in the tests, and its
//! entry in the navigation.

mod assets;
mod console;
mod render;
mod sign_in;
mod views;

pub use console::{Console, routes};

#[cfg(test)]
mod tests;
