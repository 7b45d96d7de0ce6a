//! The corpus, and mutants of it, against every target: what the engine does in hours, seconds
//! of it.

#[cfg(test)]
mod replay;
