use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::aws_lc_rs::AwsLcRsBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
        webauthn::{CredentialCreationOptions, CredentialRequestOptions},
    },
};
use passkeys::{Holder, Party, RegistrationAnswer, SignInAnswer};
use serde_json::{Value, json};
use webauthn_rs::prelude::Url;

const ORIGIN: &str = "https://console.example.com";
const CHALLENGE: &str = "Y2hhbGxlbmdlIG9mIHRoaXJ0eS10d28gYnl0ZXMhISE";

/// Somebody who is there, and shows it.
struct There;

#[async_trait::async_trait]
impl UserValidationMethod for There {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence,
            verification,
        })
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }
}

/// What `toJSON` of a browser makes of bytes, which this one writes as lists of numbers.
fn in_base64(answer: Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, field)| (name, in_base64(field)))
                .collect()
        }
        Value::Array(items) => {
            let byte = |item: &Value| item.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
            bytes.map_or(Value::Array(items), |bytes| {
                Value::from(URL_SAFE_NO_PAD.encode(bytes))
            })
        }
        other => other,
    }
}

/// A browser and a device of others understand what they are asked, and are understood.
///
/// Shows: S-67.
#[tokio::test]
async fn a_browser_and_a_device_of_others_are_understood() {
    let party = Party::at(ORIGIN, "Here").unwrap();
    let origin: Url = ORIGIN.parse().unwrap();
    let device = Authenticator::new(Aaguid::new_empty(), None::<Passkey>, There, AwsLcRsBackend);
    let mut browser = Client::new(device);
    let holder = Holder {
        id: 7,
        account: "kim@example.com",
        name: "Kim",
    };
    let asked = json!({ "publicKey": party.registration(CHALLENGE, holder, &[]) });
    let asked: CredentialCreationOptions = serde_json::from_value(asked).unwrap();
    let made = browser.register(&origin, asked, DefaultClientData).await;
    let made: Value = serde_json::to_value(made.unwrap()).unwrap();
    let answer = RegistrationAnswer::read(&in_base64(made).to_string()).unwrap();
    assert_eq!(answer.challenge(), CHALLENGE);
    let new = party.register(&answer).unwrap();

    let asked = json!({ "publicKey": party.sign_in(CHALLENGE) });
    let asked: CredentialRequestOptions = serde_json::from_value(asked).unwrap();
    let shown = browser
        .authenticate(&origin, asked, DefaultClientData)
        .await;
    let shown: Value = serde_json::to_value(shown.unwrap()).unwrap();
    let answer = SignInAnswer::read(&in_base64(shown).to_string()).unwrap();
    assert_eq!(
        (answer.holder(), answer.credential()),
        (7, &*new.credential)
    );
    party.verify(&answer, &new.body).unwrap();
}
