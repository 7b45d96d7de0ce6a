use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Refusal, authenticator::AuthenticatorData, cbor::Map, client::ClientData};

/// The longest id of a credential, in bytes (WebAuthn, section 4).
pub const LONGEST_CREDENTIAL: usize = 1_023;
/// The longest answer of a browser, in bytes: a long id, twice, and a long key.
const LONGEST: usize = 16 * 1_024;

/// A `PublicKeyCredential` as its `toJSON` writes it (WebAuthn, section 5.1). What else browsers
/// write there is a copy of what stands in it, and is not looked at.
#[derive(Deserialize)]
struct Text<R> {
    id: String,
    #[serde(rename = "rawId")]
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

#[derive(Deserialize)]
struct Attestation {
    #[serde(rename = "clientDataJSON")]
    client: String,
    #[serde(rename = "attestationObject")]
    object: String,
}

#[derive(Deserialize)]
struct Assertion {
    #[serde(rename = "clientDataJSON")]
    client: String,
    #[serde(rename = "authenticatorData")]
    authenticator: String,
    signature: String,
    #[serde(default, rename = "userHandle")]
    holder: Option<String>,
}

/// What a browser answers to a registration, well-formed. Proves nothing yet.
#[derive(Clone, Debug)]
pub struct RegistrationAnswer {
    pub(crate) id: Vec<u8>,
    pub(crate) client: ClientData,
    pub(crate) authenticator: AuthenticatorData,
    pub(crate) json: Value,
}

/// What a browser answers to a sign-in, well-formed. Proves nothing yet.
#[derive(Clone, Debug)]
pub struct SignInAnswer {
    id: Vec<u8>,
    holder: u128,
    pub(crate) client: ClientData,
    pub(crate) authenticator: AuthenticatorData,
    pub(crate) json: Value,
}

impl RegistrationAnswer {
    /// Reads what a browser answered.
    ///
    /// # Errors
    /// When it is not of the form, or of a kind that is not taken.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let (text, id) = parsed::<Attestation>(text)?;
        let client = decoded(&text.response.client)?;
        let object = decoded(&text.response.object)?;
        let authenticator = attested(&object)?;
        if authenticator.made.as_deref() != Some(&*id) {
            return Err(Refusal::Form("two ids"));
        }
        Ok(Self {
            client: ClientData::read(&client)?,
            authenticator,
            json: json!({
                "id": text.id,
                "rawId": text.raw_id,
                "type": text.kind,
                "response": {
                    "clientDataJSON": text.response.client,
                    "attestationObject": text.response.object,
                },
            }),
            id,
        })
    }

    /// The challenge that it signs.
    #[must_use]
    pub fn challenge(&self) -> &str {
        &self.client.challenge
    }

    /// The id of the credential.
    #[must_use]
    pub fn credential(&self) -> &[u8] {
        &self.id
    }
}

impl SignInAnswer {
    /// Reads what a browser answered.
    ///
    /// # Errors
    /// When it is not of the form.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let (text, id) = parsed::<Assertion>(text)?;
        let client = decoded(&text.response.client)?;
        let authenticator = AuthenticatorData::read(&decoded(&text.response.authenticator)?)?;
        if authenticator.made.is_some() {
            return Err(Refusal::Form("a new credential where one was to be shown"));
        }
        let holder = text.response.holder.as_deref().map(decoded).transpose()?;
        let holder = holder.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        Ok(Self {
            client: ClientData::read(&client)?,
            authenticator,
            // Without it nobody is named; a passkey that is discoverable always gives it.
            holder: u128::from_be_bytes(holder.ok_or(Refusal::Holder)?),
            json: json!({
                "id": text.id,
                "rawId": text.raw_id,
                "type": text.kind,
                "response": {
                    "clientDataJSON": text.response.client,
                    "authenticatorData": text.response.authenticator,
                    "signature": text.response.signature,
                    "userHandle": text.response.holder,
                },
            }),
            id,
        })
    }

    /// The challenge that it signs.
    #[must_use]
    pub fn challenge(&self) -> &str {
        &self.client.challenge
    }

    /// The id of the credential.
    #[must_use]
    pub fn credential(&self) -> &[u8] {
        &self.id
    }

    /// Whose it says it is.
    #[must_use]
    pub const fn holder(&self) -> u128 {
        self.holder
    }
}

fn parsed<R: for<'de> Deserialize<'de>>(text: &str) -> Result<(Text<R>, Vec<u8>), Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal::Form("too long"));
    }
    let parsed: Text<R> = serde_json::from_str(text).map_err(|_| Refusal::Form("JSON"))?;
    if parsed.kind != "public-key" {
        return Err(Refusal::Form("another kind of credential"));
    }
    if parsed.id != parsed.raw_id {
        return Err(Refusal::Form("two ids"));
    }
    let id = decoded(&parsed.raw_id)?;
    if id.is_empty() || id.len() > LONGEST_CREDENTIAL {
        return Err(Refusal::Form("a credential id that is empty or too long"));
    }
    Ok((parsed, id))
}

fn decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|_| Refusal::Form("base64url"))
}

/// The authenticator data of an attestation object (WebAuthn, section 6.5.4). No attestation is
/// asked for, so there is none; one by the key itself is taken, as it names no third party.
fn attested(object: &[u8]) -> Result<AuthenticatorData, Refusal> {
    let object = Map::whole(object)?;
    if object.len() != 3 {
        return Err(Refusal::Form("an attestation object"));
    }
    let statement = object.named_map("attStmt").ok_or(Refusal::Attestation)?;
    let taken = match object.named_text("fmt") {
        Some("none") => statement.len() == 0,
        Some("packed") => statement.len() == 2 && statement.has("alg") && statement.has("sig"),
        _ => false,
    };
    if !taken {
        return Err(Refusal::Attestation);
    }
    let data = object.named_bytes("authData");
    AuthenticatorData::read(data.ok_or(Refusal::Form("an attestation object"))?)
}
