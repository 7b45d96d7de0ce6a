use std::net::IpAddr;

use primitives::{Secret, Timestamp};
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
        /// The certificate of the connection.
        certificate: Option<ClientCertificate>,
    },
    /// User name, password and signature.
    ThreeTokens {
        /// The credential's id.
        user: String,
        /// The password.
        password: Secret,
        /// The signature.
        signature: Secret,
        /// The certificate of the connection.
        certificate: Option<ClientCertificate>,
    },
    /// The certificate of the connection, and nothing in the request.
    Certificate(ClientCertificate),
    /// Nothing.
    Nothing,
    /// Something that cannot be read.
    Malformed,
}

/// A certificate that the other end of the connection has proved to hold the key of. Made of the
/// handshake alone: nothing that a request says becomes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of the certificate in DER.
    pub fingerprint: [u8; 32],
    /// From when on it is valid.
    pub valid_from: Timestamp,
    /// Until when.
    pub valid_until: Timestamp,
}

impl ClientCertificate {
    /// Whether it is valid at this moment. A connection may outlive its certificate.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        (self.valid_from..=self.valid_until).contains(&now)
    }
}
