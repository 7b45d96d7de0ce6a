//! Issued secrets, keyed hashes, sealing, signing and verifying with an allow-list.
