//! The pages people see: layout, components, sign-in, the operator console, the developers' site.
//!
//! Server-rendered, and usable without JavaScript but for the list that renews itself. Nothing
//! here decides anything: a page reads what flows, store and snapshot say and shows it.
//!
//! To add a page:
//!
//! 1. A template that extends `layout.html` and is built from the macros of `components.html`
//!    (`entries`, `tabs`, `empty`, `verdict`, `when`, `copyable` …), its name in `render`.
//! 2. Its view in `views`: plain values, words and links; no markup.
//! 3. A handler file under `console/` or `site/`, and its door in `doors` there with what is done:
//!    whoever has no role for it is not let in. Its `Console` knows who is signed in.
//! 4. Its section in `navigation`, when it begins one.
//! 5. Its fixture in the tests here, and its line in `PAGES` of the browser tests of `server`:
//!    there it is looked at on a phone and a desk, light and dark, and held to the rules of
//!    accessibility.

mod assets;
mod console;
mod navigation;
mod recovery;
mod render;
mod side;
mod sign_in;
mod site;
mod spans;
mod views;
mod when;

pub use console::{Console, Door, Place, routes, table};
pub use side::{Mails, Side};
pub use site::{site_routes, site_table};

#[cfg(test)]
mod tests;
