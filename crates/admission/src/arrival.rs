use std::net::IpAddr;

use primitives::Secret;
use request::CanonicalRequest;

/// A request as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The request in its only reading, with the mount still on its path.
    pub request: &'a CanonicalRequest,
    /// The address the call came from.
    pub peer: IpAddr,
    /// The W3C trace id, 32 characters of hex.
    pub trace_id: &'a str,
    /// What the caller presented to be recognised by.
    pub presented: &'a Presented,
}

/// What a caller presents to be recognised by.
#[derive(Clone, Debug)]
pub enum Presented {
    /// HTTP Basic: the id of a key, and its secret.
    Basic {
        /// The key's id, ours or the one from before the move here.
        user: String,
        /// The secret.
        password: Secret,
    },
    /// Nothing.
    Nothing,
    /// Something that cannot be read.
    Malformed,
}
