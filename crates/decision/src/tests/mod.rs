//! Gates one by one, the tables of the requirements, and what holds for every set-up.

mod gates;
mod listing;
mod offers;
mod passing;
mod properties;
mod tables;
mod world;
