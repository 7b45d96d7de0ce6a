//! The API over the embedded store, called as HTTP.

#[cfg(test)]
mod anomalies;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod developers;
#[cfg(test)]
mod document;
#[cfg(test)]
mod entrusting;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod own;
#[cfg(test)]
mod own_apis;
#[cfg(test)]
mod own_sign_ins;
#[cfg(test)]
mod persons;
#[cfg(test)]
mod records;
#[cfg(test)]
mod repetitions;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod state_files;
#[cfg(test)]
mod vettings;
#[cfg(test)]
mod who_may;
