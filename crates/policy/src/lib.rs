//! Cedar policies of capabilities: schema, validation, evaluation.
