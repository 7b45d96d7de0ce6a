//! What is verified of passkeys, and what is refused.

#[cfg(test)]
mod interop;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod parties;
