//! The state document: YAML form, schema, errors with line and mend, compilation into catalogue values.
