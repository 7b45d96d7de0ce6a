//! What an upstream links to read the signed context of a call.
