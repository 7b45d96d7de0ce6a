//! Sections with default, doc and validation; schema and reference page.
