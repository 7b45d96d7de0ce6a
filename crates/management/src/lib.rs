//! The operator and developer REST API.
