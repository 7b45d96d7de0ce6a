//! The compiled, sharded, immutable inputs of a decision.
