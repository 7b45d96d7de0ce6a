//! What `portreeve` does besides `serve`, a file for each group of commands.

pub(crate) mod anomalies;
pub(crate) mod audit;
pub(crate) mod confidential;
pub(crate) mod configuration;
pub(crate) mod database;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod persons;
pub(crate) mod secrets;
pub(crate) mod state_files;
pub(crate) mod version;
pub(crate) mod vettings;
