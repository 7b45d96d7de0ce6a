//! What browsers answer when they are asked for a passkey.
//!
//! An input is parts of an answer, as bytes, with their lengths before them (two bytes each): what
//! is around them (base 64, JSON) is made here, so that every change reaches a parser.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use passkeys::{
    Holder, LONGEST_CREDENTIAL, NewPasskey, Party, Refusal, RegistrationAnswer, SignInAnswer,
};
use serde_json::{Value, json};
use soft_authenticator::SoftPasskey;

const ORIGIN: &str = "https://console.example.com";
const CHALLENGE: &str = "Y2hhbGxlbmdlIG9mIHRoaXJ0eS10d28gYnl0ZXMhISE";

/// A passkey that is known here; its key is made anew each time, so no input was signed with it.
struct Known {
    party: Party,
    new: NewPasskey,
}

static KNOWN: LazyLock<Option<Known>> = LazyLock::new(|| {
    let party = Party::at(ORIGIN, "Here").ok()?;
    let holder = Holder {
        id: 7,
        account: "kim@example.com",
        name: "Kim",
    };
    let asked = party.registration(CHALLENGE, holder, &[]);
    let answer = SoftPasskey::new(b"credential").create((&asked, ORIGIN), |_| {});
    let new = party
        .register(&RegistrationAnswer::read(&answer).ok()?)
        .ok()?;
    Some(Known { party, new })
});

#[expect(
    clippy::expect_used,
    reason = "without its tools a target has nothing to say"
)]
fn known() -> &'static Known {
    KNOWN.as_ref().expect("the tools are made of constants")
}

/// The next part; what is missing is empty.
fn part<'b>(bytes: &mut &'b [u8]) -> &'b [u8] {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return std::mem::take(bytes);
    };
    let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
    let (part, rest) = rest.split_at(length);
    *bytes = rest;
    part
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn credential(id: &[u8], response: &Value) -> String {
    let id = text(id);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
}

/// A registration: whatever is read has the id that stands in what was attested, and whatever is
/// registered says our origin, our ceremony and a verified person, and can be kept.
pub(crate) fn made(mut bytes: &[u8]) {
    let (id, client, object) = (part(&mut bytes), part(&mut bytes), part(&mut bytes));
    let response = json!({ "clientDataJSON": text(client), "attestationObject": text(object) });
    let answer = credential(id, &response);
    let Ok(read) = RegistrationAnswer::read(&answer) else {
        return;
    };
    assert_eq!(read.credential(), id);
    assert!((1..=LONGEST_CREDENTIAL).contains(&id.len()));
    let attested = object.windows(id.len()).any(|part| part == id);
    assert!(attested, "the id is another than what was attested");
    if let Ok(new) = known().party.register(&read) {
        let said = String::from_utf8_lossy(client);
        assert!(said.contains("webauthn.create") && said.contains("console.example.com"));
        assert_eq!(new.credential, id);
        // What was kept is understood later: nothing that is shown is refused for its form.
        let kept: Value = serde_json::from_str(&new.body).unwrap_or_default();
        assert!(kept.is_object());
        // All of it was read: one byte more and it is none.
        let more = [object, &[0]].concat();
        let response = json!({ "clientDataJSON": text(client), "attestationObject": text(&more) });
        assert!(RegistrationAnswer::read(&credential(id, &response)).is_err());
    }
}

/// A sign-in: nobody who does not have the key is let in, whatever they send.
pub(crate) fn shown(mut bytes: &[u8]) {
    let (client, data) = (part(&mut bytes), part(&mut bytes));
    let (signature, holder) = (part(&mut bytes), part(&mut bytes));
    let response = json!({
        "clientDataJSON": text(client),
        "authenticatorData": text(data),
        "signature": text(signature),
        "userHandle": text(holder),
    });
    let known = known();
    let answer = credential(&known.new.credential, &response);
    let Ok(read) = SignInAnswer::read(&answer) else {
        return;
    };
    assert_eq!(read.credential(), &*known.new.credential);
    assert_eq!(read.holder().to_be_bytes(), holder);
    let verified = known.party.verify(&read, &known.new.body);
    assert!(verified.is_err(), "let in without the key: {verified:?}");
    if verified == Err(Refusal::Signature) {
        let said = String::from_utf8_lossy(client);
        assert!(said.contains("webauthn.get") && said.contains("console.example.com"));
    }
}
