//! The canonical request: parsed once, ambiguity refused, re-serialised from the parsed form.
