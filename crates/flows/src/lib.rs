//! The cold use-cases, one file each, and background jobs.
