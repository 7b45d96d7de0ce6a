//! A passkey in software, for tests: it answers what a browser would, and lies where it is told to.
//!
//! Everything an answer says is a field of [`Says`]: a test changes one before it is signed, and
//! what is signed is what it then says. What it never does: verify anything.
//!
//! To add a lie: a field of [`Says`], used where the answer is put together.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a tool of tests reports by panicking"
)]

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use minicbor::Encoder;
use primitives::sha256;
use serde_json::{Map, Value, json};

/// Somebody is there.
pub const PRESENT: u8 = 1;
/// They are verified.
pub const VERIFIED: u8 = 1 << 2;
/// It can be backed up.
pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
/// It is.
pub const BACKED_UP: u8 = 1 << 4;
/// There is a new credential.
pub const ATTESTED: u8 = 1 << 6;
/// There are extensions.
pub const EXTENDED: u8 = 1 << 7;

/// A passkey.
#[derive(Debug)]
pub struct SoftPasskey {
    /// The id of its credential.
    pub id: Vec<u8>,
    /// Whose it is.
    pub holder: Vec<u8>,
    /// What it has counted to.
    pub counter: u32,
    key: EcdsaKeyPair,
}

/// What an answer says. Every field may be changed before it is signed.
#[derive(Clone, Debug)]
pub struct Says {
    /// The client data, by name.
    pub client: Map<String, Value>,
    /// The client data as they are signed, if they are to be another text than `client`.
    pub client_text: Option<String>,
    /// The domain that it is for.
    pub party: String,
    /// What the authenticator says of who is there, and of itself.
    pub flags: u8,
    /// What it has counted to.
    pub counter: u32,
    /// The id of the credential within the authenticator data.
    pub made: Vec<u8>,
    /// The key within the authenticator data, as CBOR.
    pub key: Vec<u8>,
    /// What comes after all of this in the authenticator data.
    pub after: Vec<u8>,
    /// The format of the attestation.
    pub format: String,
    /// Its statement, as CBOR.
    pub statement: Vec<u8>,
    /// The whole attestation object, if it is to be another than of the parts.
    pub object: Option<Vec<u8>>,
    /// What comes after the attestation object.
    pub after_object: Vec<u8>,
    /// The id beside it all.
    pub id: Vec<u8>,
    /// Whose it says it is.
    pub holder: Option<Vec<u8>>,
    /// What is laid over the signature.
    pub over_signature: Option<Vec<u8>>,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn word(options: &Value, pointer: &str) -> String {
    let found = options.pointer(pointer).and_then(Value::as_str);
    found.expect("the options have it").to_owned()
}

/// CBOR by an encoder.
///
/// # Panics
/// Never: it is written into memory.
pub fn cbor(
    write: impl FnOnce(
        &mut Encoder<Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).expect("memory takes everything");
    encoder.into_writer()
}

impl Says {
    fn of(options: &Value, ceremony: &str, origin: &str, party: String) -> Self {
        let client = json!({
            "type": ceremony,
            "challenge": word(options, "/challenge"),
            "origin": origin,
            "crossOrigin": false,
        });
        Self {
            client: client.as_object().cloned().unwrap_or_default(),
            client_text: None,
            party,
            flags: PRESENT | VERIFIED,
            counter: 0,
            made: Vec::new(),
            key: Vec::new(),
            after: Vec::new(),
            format: "none".to_owned(),
            statement: vec![0xa0],
            object: None,
            after_object: Vec::new(),
            id: Vec::new(),
            holder: None,
            over_signature: None,
        }
    }

    fn client_data(&self) -> Vec<u8> {
        let said = || Value::from(self.client.clone()).to_string();
        self.client_text.clone().unwrap_or_else(said).into_bytes()
    }

    fn authenticator_data(&self) -> Vec<u8> {
        let mut data = sha256(self.party.as_bytes()).to_vec();
        data.push(self.flags);
        data.extend(self.counter.to_be_bytes());
        if self.flags & ATTESTED != 0 {
            data.extend([0; 16]);
            let length = u16::try_from(self.made.len()).expect("a length of two bytes");
            data.extend(length.to_be_bytes());
            data.extend(&self.made);
            data.extend(&self.key);
        }
        data.extend(&self.after);
        data
    }

    fn attestation_object(&self) -> Vec<u8> {
        if let Some(object) = &self.object {
            return object.clone();
        }
        let mut object = cbor(|encoder| {
            encoder
                .map(3)?
                .str("fmt")?
                .str(&self.format)?
                .str("attStmt")?;
            Ok(())
        });
        object.extend(&self.statement);
        object.extend(cbor(|encoder| {
            encoder.str("authData")?.bytes(&self.authenticator_data())?;
            Ok(())
        }));
        object.extend(&self.after_object);
        object
    }
}

impl SoftPasskey {
    /// A new passkey whose credential has this id, of nobody yet.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn new(id: &[u8]) -> Self {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
        let document = document.expect("there is randomness");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref());
        Self {
            id: id.to_vec(),
            holder: Vec::new(),
            counter: 0,
            key: key.expect("a key that was just made is one"),
        }
    }

    /// Its public key as COSE has it, with `more` entries that follow.
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        let (x, y) = self.point();
        cbor(|encoder| {
            encoder.map(5)?.i8(1)?.i8(2)?.i8(3)?.i8(-7)?.i8(-1)?.i8(1)?;
            encoder.i8(-2)?.bytes(&x)?.i8(-3)?.bytes(&y)?;
            Ok(())
        })
    }

    /// The coordinates of its public key.
    #[must_use]
    pub fn point(&self) -> (Vec<u8>, Vec<u8>) {
        let point = self.key.public_key().as_ref();
        (point[1..33].to_vec(), point[33..65].to_vec())
    }

    /// Signs.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn sign(&self, what: &[u8]) -> Vec<u8> {
        let signature = self.key.sign(&SystemRandom::new(), what);
        signature.expect("there is randomness").as_ref().to_vec()
    }

    /// What a browser at `origin` answers to the options of a registration.
    pub fn create(
        &mut self,
        (options, origin): (&Value, &str),
        lie: impl FnOnce(&mut Says),
    ) -> String {
        let holder = URL_SAFE_NO_PAD.decode(word(options, "/user/id"));
        self.holder = holder.expect("base64url");
        let party = word(options, "/rp/id");
        let mut says = Says::of(options, "webauthn.create", origin, party);
        says.flags |= ATTESTED;
        says.counter = self.counter;
        says.made.clone_from(&self.id);
        says.id.clone_from(&self.id);
        says.key = self.cose();
        lie(&mut says);
        json!({
            "id": text(&says.id),
            "rawId": text(&says.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": text(&says.client_data()),
                "attestationObject": text(&says.attestation_object()),
            },
        })
        .to_string()
    }

    /// An attestation statement by the key itself, over what is said otherwise.
    #[must_use]
    pub fn self_attestation(&self, says: &Says) -> Vec<u8> {
        let mut signed = says.authenticator_data();
        signed.extend(sha256(&says.client_data()));
        let signature = self.sign(&signed);
        cbor(|encoder| {
            encoder
                .map(2)?
                .str("alg")?
                .i8(-7)?
                .str("sig")?
                .bytes(&signature)?;
            Ok(())
        })
    }

    /// What a browser at `origin` answers to the options of a sign-in.
    pub fn get(&self, (options, origin): (&Value, &str), lie: impl FnOnce(&mut Says)) -> String {
        let party = word(options, "/rpId");
        let mut says = Says::of(options, "webauthn.get", origin, party);
        says.counter = self.counter;
        says.id.clone_from(&self.id);
        says.holder = Some(self.holder.clone());
        lie(&mut says);
        let (client, data) = (says.client_data(), says.authenticator_data());
        let mut signed = data.clone();
        signed.extend(sha256(&client));
        let signature = says.over_signature.clone();
        let signature = signature.unwrap_or_else(|| self.sign(&signed));
        json!({
            "id": text(&says.id),
            "rawId": text(&says.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": text(&client),
                "authenticatorData": text(&data),
                "signature": text(&signature),
                "userHandle": says.holder.as_deref().map(text),
            },
        })
        .to_string()
    }
}
