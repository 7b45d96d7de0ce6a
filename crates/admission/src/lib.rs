//! The hot use-case: identify, decide, reserve, admit, permit, settle.
