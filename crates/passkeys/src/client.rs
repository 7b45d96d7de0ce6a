use serde::Deserialize;

use crate::Refusal;

/// Of what ceremony an answer is (WebAuthn, section 5.8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

impl Ceremony {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// What the browser signed for. A field that is there twice is refused; others may be there, as
/// browsers put some in to see that they are borne.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    pub(crate) challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: Option<bool>,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<serde_json::Value>,
}

impl ClientData {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(bytes).map_err(|_| Refusal::Form("client data"))
    }

    /// Whether it is of this ceremony, made at exactly this origin and in no frame of another.
    pub(crate) fn check(&self, ceremony: Ceremony, origin: &str) -> Result<(), Refusal> {
        if self.ceremony != ceremony.word() {
            return Err(Refusal::Ceremony);
        }
        // Compared as text: an origin has one spelling, and what has another is not ours.
        if self.origin != origin {
            return Err(Refusal::Origin);
        }
        if self.cross_origin == Some(true) || self.top_origin.is_some() {
            return Err(Refusal::CrossOrigin);
        }
        Ok(())
    }
}
