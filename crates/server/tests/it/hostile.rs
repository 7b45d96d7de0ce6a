//! What attackers do to the console and the site of a running platform.

mod listeners;
mod payloads;
mod timing;
mod written;
