//! The API over the embedded store, called as HTTP.

mod calls;
mod desk;
mod developers;
mod document;
mod keys;
mod lists;
mod repetitions;
mod resources;
mod state_files;
mod who_may;
