use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use primitives::sha256;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::{Refusal, RegistrationAnswer, SignInAnswer, client::Ceremony, key::ALGORITHMS};

/// How long a browser is to wait for somebody, in milliseconds.
const TIMEOUT: u32 = 300_000;

/// Why there can be no passkeys at an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoParty {
    /// It is no URL.
    #[error("`{0}` is no address that a browser opens")]
    Unreadable(String),
    /// A relying party is a domain.
    #[error(
        "passkeys belong to a domain, and `{0}` is a bare address: open this page by a name (`http://localhost:PORT` on this machine), and say that name in the configuration"
    )]
    Address(String),
    /// Browsers hide passkeys from what can be listened to.
    #[error("browsers have passkeys over `https://` only, but for `localhost`: `{0}` is neither")]
    Plain(String),
}

/// One of ours as passkeys see it: a domain, and the one origin that may ask for them.
#[derive(Clone, Debug)]
pub struct Party {
    domain: String,
    /// SHA-256 of the domain, which authenticators sign.
    hash: [u8; 32],
    origin: String,
    name: String,
    verifier: Webauthn,
}

/// Whom a passkey is made for.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// Their id: what the passkey gives back.
    pub id: u128,
    /// What tells their accounts apart: their address.
    pub account: &'a str,
    /// What they are called.
    pub name: &'a str,
}

/// A passkey that has been made, and is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey {
    /// The id of its credential.
    pub credential: Vec<u8>,
    /// What is kept of it, as JSON; no secret.
    pub body: String,
    /// What it has counted to.
    pub counter: u32,
    /// Whether a copy of it is kept elsewhere, by its own word.
    pub backed_up: bool,
}

/// A passkey that has been shown, and is right but for its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it has counted to; 0 when it does not count.
    pub counter: u32,
    /// Whether a copy of it is kept elsewhere, by its own word.
    pub backed_up: bool,
}

/// What is kept of a passkey.
#[derive(Serialize, Deserialize)]
struct Body {
    key: Passkey,
    backup_eligible: bool,
}

impl Party {
    /// What has passkeys at an origin.
    ///
    /// # Errors
    /// When there can be none there.
    pub fn at(origin: &str, name: &str) -> Result<Self, NoParty> {
        let unreadable = || NoParty::Unreadable(origin.to_owned());
        let url: Url = origin.parse().map_err(|_| unreadable())?;
        let host = url.host_str().ok_or_else(unreadable)?;
        let Some(domain) = url.domain().map(ToOwned::to_owned) else {
            return Err(NoParty::Address(host.to_owned()));
        };
        let local = domain == "localhost" || domain.ends_with(".localhost");
        if url.scheme() != "https" && !(local && url.scheme() == "http") {
            return Err(NoParty::Plain(origin.to_owned()));
        }
        let verifier = WebauthnBuilder::new(&domain, &url).and_then(WebauthnBuilder::build);
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            verifier: verifier.map_err(|_| unreadable())?,
            name: name.to_owned(),
            hash: sha256(domain.as_bytes()),
            domain,
        })
    }

    /// The domain that passkeys made here belong to.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The origin that may ask for them.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What `navigator.credentials.create` is asked (WebAuthn, section 5.4). `known` are those
    /// that the person has: no device is to make a second one.
    #[must_use]
    pub fn registration(&self, challenge: &str, holder: Holder<'_>, known: &[Vec<u8>]) -> Value {
        let kinds = ALGORITHMS.map(|number| json!({ "type": "public-key", "alg": number }));
        let known: Vec<Value> = known
            .iter()
            .map(|id| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) }))
            .collect();
        json!({
            "rp": { "id": self.domain, "name": self.name },
            "user": {
                "id": URL_SAFE_NO_PAD.encode(holder.id.to_be_bytes()),
                "name": holder.account,
                "displayName": holder.name,
            },
            "challenge": challenge,
            "pubKeyCredParams": kinds,
            "timeout": TIMEOUT,
            "excludeCredentials": known,
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "required",
            },
            "attestation": "none",
            "extensions": {
                "credentialProtectionPolicy": "userVerificationRequired",
                "enforceCredentialProtectionPolicy": false,
            },
        })
    }

    /// What `navigator.credentials.get` is asked: for any passkey of this domain, so that it
    /// tells nobody who has one (S-73).
    #[must_use]
    pub fn sign_in(&self, challenge: &str) -> Value {
        json!({
            "challenge": challenge,
            "timeout": TIMEOUT,
            "rpId": self.domain,
            "allowCredentials": [],
            "userVerification": "required",
        })
    }

    /// Verifies a registration whose challenge the caller has taken.
    ///
    /// # Errors
    /// When anything of it is not as it has to be.
    pub fn register(&self, answer: &RegistrationAnswer) -> Result<NewPasskey, Refusal> {
        answer.client.check(Ceremony::Create, &self.origin)?;
        let data = &answer.authenticator;
        data.check(&self.hash)?;
        let begun = self.verifier.start_passkey_registration(
            Uuid::from_u128(1),
            "somebody",
            "somebody",
            None,
        );
        let (_, state) = begun.map_err(|why| refusal(&why))?;
        let state: PasskeyRegistration = challenged(&state, "rs", answer.challenge())?;
        let read: RegisterPublicKeyCredential = reread(&answer.json)?;
        let verified = self.verifier.finish_passkey_registration(&read, &state);
        let body = Body {
            key: verified.map_err(|why| refusal(&why))?,
            backup_eligible: data.backup_eligible(),
        };
        Ok(NewPasskey {
            credential: answer.credential().to_vec(),
            body: serde_json::to_string(&body).map_err(|_| Refusal::Form("JSON"))?,
            counter: data.counter,
            backed_up: data.backed_up(),
        })
    }

    /// Verifies a sign-in whose challenge the caller has taken, by what is kept of its passkey.
    /// Whether the counter went on is for whoever keeps it, in one step with counting on.
    ///
    /// # Errors
    /// When anything of it is not as it has to be.
    pub fn verify(&self, answer: &SignInAnswer, body: &str) -> Result<Shown, Refusal> {
        answer.client.check(Ceremony::Get, &self.origin)?;
        let data = &answer.authenticator;
        let body: Body = serde_json::from_str(body).map_err(|_| Refusal::Unknown)?;
        data.check(&self.hash)?;
        if data.backup_eligible() != body.backup_eligible {
            return Err(Refusal::BackupChanged);
        }
        let begun = self.verifier.start_discoverable_authentication();
        let (_, state) = begun.map_err(|why| refusal(&why))?;
        let state: DiscoverableAuthentication = challenged(&state, "ast", answer.challenge())?;
        let read: PublicKeyCredential = reread(&answer.json)?;
        let shown = self
            .verifier
            .finish_discoverable_authentication_v2(&read, state, &body.key);
        let shown = shown.map_err(|why| refusal(&why))?;
        if !shown.user_verified() {
            return Err(Refusal::NotVerified);
        }
        Ok(Shown {
            counter: shown.counter(),
            backed_up: shown.backup_state(),
        })
    }
}

/// A state of the verifier with the challenge that was taken in the place of its own.
fn challenged<S: Serialize + DeserializeOwned>(
    state: &S,
    part: &str,
    challenge: &str,
) -> Result<S, Refusal> {
    let mut state = serde_json::to_value(state).map_err(|_| Refusal::Challenge)?;
    let place = state
        .get_mut(part)
        .and_then(|part| part.get_mut("challenge"));
    *place.ok_or(Refusal::Challenge)? = Value::from(challenge);
    serde_json::from_value(state).map_err(|_| Refusal::Challenge)
}

fn reread<A: DeserializeOwned>(answer: &Value) -> Result<A, Refusal> {
    A::deserialize(answer).map_err(|_| Refusal::Form("an answer that cannot be verified"))
}

/// What the verifier found, in our words. Most of it has been looked at before, and is here in
/// case the verifier sees what we do not.
const fn refusal(why: &WebauthnError) -> Refusal {
    use WebauthnError as W;
    match why {
        W::InvalidClientDataType => Refusal::Ceremony,
        W::MismatchedChallenge => Refusal::Challenge,
        W::InvalidRPOrigin => Refusal::Origin,
        W::CredentialCrossOrigin => Refusal::CrossOrigin,
        W::InvalidRPIDHash => Refusal::RelyingParty,
        W::UserNotPresent => Refusal::NotPresent,
        W::UserNotVerified => Refusal::NotVerified,
        W::CredentialBackupEligibilityInconsistent => Refusal::BackupChanged,
        W::CredentialMayNotBeHardwareBound => Refusal::Backup,
        W::CredentialPossibleCompromise => Refusal::Counter,
        W::CredentialAlteredAlgFromRequest => Refusal::Algorithm,
        W::AttestationNotSupported
        | W::AttestationStatementAlgMismatch
        | W::AttestationStatementSigInvalid => Refusal::Attestation,
        W::CredentialNotFound => Refusal::Unknown,
        W::AuthenticationFailure => Refusal::Signature,
        _ => Refusal::Form("an answer that cannot be verified"),
    }
}
