use passkeys::{
    Holder, LONGEST_CREDENTIAL, NewPasskey, Party, Refusal, RegistrationAnswer, Shown, SignInAnswer,
};
use serde_json::{Value, json};
use soft_authenticator::{
    ATTESTED, BACKED_UP, BACKUP_ELIGIBLE, EXTENDED, PRESENT, Says, SoftPasskey, VERIFIED, cbor,
};

const ORIGIN: &str = "https://console.example.com";
const CHALLENGE: &str = "Y2hhbGxlbmdlIG9mIHRoaXJ0eS10d28gYnl0ZXMhISE";
const OTHER: &str = "b3RoZXIgY2hhbGxlbmdlIG9mIHRoaXJ0eS10d28gYnk";

fn party() -> Party {
    Party::at(ORIGIN, "Here").unwrap()
}

fn registration() -> Value {
    let holder = Holder {
        id: 7,
        account: "kim@example.com",
        name: "Kim",
    };
    party().registration(CHALLENGE, holder, &[])
}

fn register(answer: &str) -> Result<NewPasskey, Refusal> {
    party().register(&RegistrationAnswer::read(answer)?)
}

fn verify(answer: &str, body: &str) -> Result<Shown, Refusal> {
    party().verify(&SignInAnswer::read(answer)?, body)
}

fn made(lie: impl FnOnce(&mut Says)) -> Result<NewPasskey, Refusal> {
    let mut passkey = SoftPasskey::new(b"credential");
    register(&passkey.create((&registration(), ORIGIN), lie))
}

/// A passkey that is registered, and what is kept of it.
fn known(lie: impl FnOnce(&mut Says)) -> (SoftPasskey, String) {
    let mut passkey = SoftPasskey::new(b"credential");
    let new = register(&passkey.create((&registration(), ORIGIN), lie)).unwrap();
    (passkey, new.body)
}

fn set(field: &'static str, value: Value) -> impl FnOnce(&mut Says) {
    move |says| {
        says.client.insert(field.to_owned(), value);
    }
}

type Lie = Box<dyn FnOnce(&mut Says)>;

fn lie(lie: impl FnOnce(&mut Says) + 'static) -> Lie {
    Box::new(lie)
}

/// Addresses that are not ours, letter for letter.
const ELSEWHERE: [&str; 15] = [
    "https://console.example.com.evil.example",
    "https://evilconsole.example.com",
    "https://sub.console.example.com",
    "https://other.example.com",
    "https://example.com",
    "https://console.example.com:8443",
    "https://console.example.com:443",
    "http://console.example.com",
    "https://console.example.com/",
    "https://CONSOLE.example.com",
    "https://console.example.com@evil.example",
    "https://console.example.com.",
    "null",
    "",
    "android:apk-key-hash:AAAA",
];

fn lies_about_the_browser() -> Vec<(&'static str, Lie, Refusal)> {
    let data = Refusal::Form("client data");
    let client = |field, value: Value| lie(set(field, value));
    let elsewhere = ELSEWHERE
        .map(|origin| (origin, client("origin", json!(origin)), Refusal::Origin))
        .into_iter();
    elsewhere
        .chain([
            ("a list of origins", client("origin", json!([ORIGIN])), data),
            (
                "a frame",
                client("crossOrigin", json!(true)),
                Refusal::CrossOrigin,
            ),
            (
                "a top",
                client("topOrigin", json!("https://evil.example")),
                Refusal::CrossOrigin,
            ),
            (
                "our own top",
                client("topOrigin", json!(ORIGIN)),
                Refusal::CrossOrigin,
            ),
            (
                "a frame in words",
                client("crossOrigin", json!("false")),
                data,
            ),
            (
                "a payment",
                client("type", json!("payment.get")),
                Refusal::Ceremony,
            ),
            (
                "capitals",
                client("type", json!("WEBAUTHN.GET")),
                Refusal::Ceremony,
            ),
            ("no challenge", client("challenge", Value::Null), data),
            (
                "a challenge twice",
                lie(said_twice("challenge", OTHER)),
                data,
            ),
            (
                "an origin twice",
                lie(said_twice("origin", "https://evil.example")),
                data,
            ),
            (
                "a ceremony twice",
                lie(said_twice("type", "webauthn.create")),
                data,
            ),
            (
                "more after it",
                lie(|says| says.client_text = Some("{} {}".to_owned())),
                data,
            ),
        ])
        .collect()
}

/// The client data with a field that is there before, and says something else.
fn said_twice(field: &'static str, before: &'static str) -> impl FnOnce(&mut Says) {
    move |says| {
        let said = Value::from(says.client.clone()).to_string();
        let rest = said.trim_start_matches('{');
        says.client_text = Some(format!("{{\"{field}\":\"{before}\",{rest}"));
    }
}

fn lies_about_the_authenticator() -> Vec<(&'static str, Lie, Refusal)> {
    let party = |party: &'static str| lie(move |says| party.clone_into(&mut says.party));
    let extended = |after: Vec<u8>| {
        lie(|says| {
            says.flags |= EXTENDED;
            says.after = after;
        })
    };
    let canonical = Refusal::Form("CBOR that is not in canonical form");
    let twice = cbor(|e| {
        e.map(2)?.str("uvm")?.bool(true)?.str("uvm")?.bool(false)?;
        Ok(())
    });
    let deep = [vec![0xa1, 0x61, 0x61], vec![0x81; 3_000], vec![0xf5]].concat();
    let after = Refusal::Form("bytes after the authenticator data");
    let length = Refusal::Form("a credential id that is empty or too long");
    vec![
        (
            "another party",
            party("evil.example"),
            Refusal::RelyingParty,
        ),
        (
            "the parent party",
            party("example.com"),
            Refusal::RelyingParty,
        ),
        ("the origin as party", party(ORIGIN), Refusal::RelyingParty),
        (
            "nobody there",
            lie(|says| says.flags &= !PRESENT),
            Refusal::NotPresent,
        ),
        (
            "nobody verified",
            lie(|says| says.flags &= !VERIFIED),
            Refusal::NotVerified,
        ),
        (
            "backed up, not eligible",
            lie(|says| says.flags |= BACKED_UP),
            Refusal::Backup,
        ),
        ("bytes after it", lie(|says| says.after = vec![0]), after),
        ("no extensions", extended(Vec::new()), canonical),
        ("extensions that are none", extended(vec![1]), canonical),
        (
            "an extension twice",
            extended(twice),
            Refusal::Form("a CBOR map that has a key twice"),
        ),
        (
            "extensions without end",
            extended(vec![0xbf, 0xff]),
            canonical,
        ),
        ("extensions nested deep", extended(deep), canonical),
        ("an empty id", lie(|says| says.id.clear()), length),
        (
            "a long id",
            lie(|says| says.id = vec![7; LONGEST_CREDENTIAL + 1]),
            length,
        ),
    ]
}

/// Lies about where, for whom and by whom, which are the same in both ceremonies.
fn lies_of_both() -> Vec<(&'static str, Lie, Refusal)> {
    let mut lies = lies_about_the_browser();
    lies.extend(lies_about_the_authenticator());
    lies
}

/// Shows: S-67, S-68, S-69, S-71.
#[test]
fn a_registration_that_lies_is_refused() {
    assert!(made(|_| {}).is_ok());
    for (what, lie, refusal) in lies_of_both() {
        assert_eq!(made(lie).unwrap_err(), refusal, "{what}");
    }
    let ceremony = made(set("type", json!("webauthn.get"))).unwrap_err();
    assert_eq!(ceremony, Refusal::Ceremony);
    let none = made(|says| says.flags &= !ATTESTED).unwrap_err();
    assert_eq!(none, Refusal::Form("two ids"));
    let other = made(|says| says.made = b"another".to_vec()).unwrap_err();
    assert_eq!(other, Refusal::Form("two ids"));
    let after = made(|says| says.after_object = vec![0]).unwrap_err();
    assert_eq!(after, Refusal::Form("bytes after the CBOR"));
}

/// Shows: S-67, S-68, S-69, S-71.
#[test]
fn a_sign_in_that_lies_is_refused() {
    let (passkey, body) = known(|_| {});
    let options = party().sign_in(CHALLENGE);
    let get = |lie: Lie| verify(&passkey.get((&options, ORIGIN), lie), &body);
    assert!(get(lie(|_| {})).is_ok());
    for (what, lie, refusal) in lies_of_both() {
        assert_eq!(get(lie).unwrap_err(), refusal, "{what}");
    }
    for (what, lie, refusal) in [
        (
            "a registration",
            lie(set("type", json!("webauthn.create"))),
            Refusal::Ceremony,
        ),
        (
            "eligible of late",
            lie(|says| says.flags |= BACKUP_ELIGIBLE),
            Refusal::BackupChanged,
        ),
        (
            "eligible and backed up of late",
            lie(|says| says.flags |= BACKUP_ELIGIBLE | BACKED_UP),
            Refusal::BackupChanged,
        ),
        ("nobody's", lie(|says| says.holder = None), Refusal::Holder),
        (
            "of a short id",
            lie(|says| says.holder = Some(vec![7; 15])),
            Refusal::Holder,
        ),
        (
            "no signature",
            lie(|says| says.over_signature = Some(Vec::new())),
            Refusal::Form("an answer that cannot be verified"),
        ),
        (
            "a signature of zeros",
            lie(|says| says.over_signature = Some(vec![0; 70])),
            Refusal::Form("an answer that cannot be verified"),
        ),
        (
            "a credential that is new",
            lie(|says| {
                says.flags |= ATTESTED;
                says.made = b"credential".to_vec();
                says.key = SoftPasskey::new(b"credential").cose();
            }),
            Refusal::Form("a new credential where one was to be shown"),
        ),
        (
            "another id",
            lie(|says| says.id = b"another".to_vec()),
            Refusal::Unknown,
        ),
    ] {
        assert_eq!(get(lie).unwrap_err(), refusal, "{what}");
    }
}

/// What is signed is what counts: everything about a signed answer that is changed afterwards is
/// seen by the signature alone.
///
/// Shows: S-67, S-71.
#[test]
fn a_signature_is_of_this_key_and_these_bytes() {
    let (passkey, body) = known(|_| {});
    let (other, other_body) = known(|_| {});
    let options = party().sign_in(CHALLENGE);
    let answer = passkey.get((&options, ORIGIN), |_| {});
    assert!(verify(&answer, &body).is_ok());
    assert_eq!(
        verify(&answer, &other_body).unwrap_err(),
        Refusal::Signature
    );
    let theirs = other.get((&options, ORIGIN), |_| {});
    assert_eq!(verify(&theirs, &body).unwrap_err(), Refusal::Signature);
    // The challenge of the body, which nobody signed.
    let fresh = passkey.get((&party().sign_in(OTHER), ORIGIN), |_| {});
    let (mut old, fresh): (Value, Value) = (read(&answer), read(&fresh));
    old["response"]["clientDataJSON"] = fresh["response"]["clientDataJSON"].clone();
    assert_eq!(
        verify(&old.to_string(), &body).unwrap_err(),
        Refusal::Signature
    );
    let mut counted: Value = read(&answer);
    let more = passkey.get((&options, ORIGIN), |says| says.counter = 99);
    counted["response"]["authenticatorData"] = read(&more)["response"]["authenticatorData"].clone();
    assert_eq!(
        verify(&counted.to_string(), &body).unwrap_err(),
        Refusal::Signature
    );
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Shows: S-69.
#[test]
fn backups_may_come_and_go_where_there_can_be_one() {
    let (passkey, body) = known(|says| says.flags |= BACKUP_ELIGIBLE);
    let options = party().sign_in(CHALLENGE);
    for flags in [BACKUP_ELIGIBLE, BACKUP_ELIGIBLE | BACKED_UP] {
        let answer = passkey.get((&options, ORIGIN), |says| says.flags |= flags);
        let shown = verify(&answer, &body).unwrap();
        assert_eq!(shown.backed_up, flags & BACKED_UP != 0);
    }
    let answer = passkey.get((&options, ORIGIN), |_| {});
    assert_eq!(verify(&answer, &body).unwrap_err(), Refusal::BackupChanged);
}

/// Shows: S-69.
#[test]
fn a_counter_that_does_not_go_on_from_the_registration_is_refused() {
    let (passkey, body) = known(|says| says.counter = 40);
    let options = party().sign_in(CHALLENGE);
    let counted = |counter: u32| {
        let answer = passkey.get((&options, ORIGIN), |says| says.counter = counter);
        verify(&answer, &body).map(|shown| shown.counter)
    };
    for counter in [0, 1, 39, 40] {
        assert_eq!(counted(counter).unwrap_err(), Refusal::Counter, "{counter}");
    }
    assert_eq!(counted(41).unwrap(), 41);
    assert_eq!(counted(u32::MAX).unwrap(), u32::MAX);
}

/// Shows: S-71.
#[test]
fn ids_have_up_to_1023_bytes() {
    for length in [1, 16, 64, 1_022, LONGEST_CREDENTIAL] {
        let mut passkey = SoftPasskey::new(&vec![7; length]);
        let new = register(&passkey.create((&registration(), ORIGIN), |_| {})).unwrap();
        assert_eq!(new.credential.len(), length);
        let answer = passkey.get((&party().sign_in(CHALLENGE), ORIGIN), |_| {});
        assert!(verify(&answer, &new.body).is_ok(), "{length}");
    }
    for length in [0, LONGEST_CREDENTIAL + 1, 65_535] {
        let refused = made(|says| says.made = vec![7; length]).unwrap_err();
        assert!(matches!(refused, Refusal::Form(_)), "{length}: {refused:?}");
    }
}

/// A COSE key on a curve, said to be of a kind.
fn ec((x, y): (&[u8], &[u8]), kind: i8, algorithm: i64, curve: i8) -> Vec<u8> {
    cbor(|e| {
        e.map(5)?.i8(1)?.i8(kind)?.i8(3)?.i64(algorithm)?;
        e.i8(-1)?.i8(curve)?.i8(-2)?.bytes(x)?.i8(-3)?.bytes(y)?;
        Ok(())
    })
}

/// A key as one that is taken, with an entry more before the last.
fn ec_with((x, y): (&[u8], &[u8]), more: &[u8]) -> Vec<u8> {
    let mut key = cbor(|e| {
        e.map(6)?.i8(1)?.i8(2)?.i8(3)?.i8(-7)?.i8(-1)?.i8(1)?;
        e.i8(-2)?.bytes(x)?;
        Ok(())
    });
    key.extend(more);
    key.extend(cbor(|e| e.i8(-3)?.bytes(y).map(drop)));
    key
}

fn rsa(modulus: usize, exponent: &[u8]) -> Vec<u8> {
    cbor(|e| {
        e.map(4)?.i8(1)?.i8(3)?.i8(3)?.i16(-257)?;
        e.i8(-1)?
            .bytes(&vec![0xc1; modulus])?
            .i8(-2)?
            .bytes(exponent)?;
        Ok(())
    })
}

/// Shows: S-71.
#[test]
fn keys_are_of_a_kind_that_was_asked_for_and_nothing_else() {
    let (x, y) = SoftPasskey::new(b"credential").point();
    let mut off = y.clone();
    off[31] ^= 1;
    let short = cbor(|e| e.i8(-3)?.bytes(&off).map(drop));
    // The number -3 as CBOR may write it in two bytes: it is the same key all the same.
    let long = [&[0x38, 0x02], &short[1..]].concat();
    let private = cbor(|e| e.i8(-4)?.bytes(&[1; 32]).map(drop));
    let double = Refusal::Form("a CBOR map that has a key twice");
    let odd = Refusal::Form("an answer that cannot be verified");
    let own = (&*x, &*y);
    for (what, key, refusal) in [
        ("RSA in name", ec(own, 2, -257, 1), Refusal::Algorithm),
        ("EdDSA in name", ec(own, 2, -8, 1), Refusal::Algorithm),
        ("RSA with SHA-1", ec(own, 3, -65_535, 1), Refusal::Algorithm),
        (
            "another curve in name",
            ec(own, 2, -7, 2),
            Refusal::Algorithm,
        ),
        (
            "another type in name",
            ec(own, 3, -7, 1),
            Refusal::Algorithm,
        ),
        (
            "a short coordinate",
            ec((&x, &y[1..]), 2, -7, 1),
            Refusal::Algorithm,
        ),
        ("a point beside the curve", ec((&x, &off), 2, -7, 1), odd),
        ("a coordinate twice", ec_with(own, &short), double),
        (
            "a coordinate twice in two spellings",
            ec_with(own, &long),
            double,
        ),
        ("a private part", ec_with(own, &private), Refusal::Algorithm),
        ("a weak RSA key", rsa(128, &[1, 0, 1]), Refusal::Algorithm),
        (
            "an RSA key with exponent 1",
            rsa(256, &[1]),
            Refusal::Algorithm,
        ),
        ("no key", vec![0xa0], Refusal::Algorithm),
        (
            "a number",
            vec![1],
            Refusal::Form("CBOR that is not in canonical form"),
        ),
    ] {
        let refused = made(|says| says.key = key).unwrap_err();
        assert_eq!(refused, refusal, "{what}");
    }
}

/// Shows: S-71.
#[test]
fn an_attestation_is_none_or_by_the_key_itself() {
    let mut passkey = SoftPasskey::new(b"credential");
    let stranger = SoftPasskey::new(b"stranger");
    let attest = |passkey: &mut SoftPasskey, by: &SoftPasskey| {
        let mut statement = Vec::new();
        passkey.create((&registration(), ORIGIN), |says| {
            statement = by.self_attestation(says);
        });
        passkey.create((&registration(), ORIGIN), |says| {
            says.format = "packed".to_owned();
            says.statement = statement;
        })
    };
    let forged = attest(&mut passkey, &stranger);
    assert_eq!(register(&forged).unwrap_err(), Refusal::Attestation);
    let mut said = None;
    passkey.create((&registration(), ORIGIN), |says| said = Some(says.clone()));
    let statement = passkey.self_attestation(&said.unwrap());
    let own = passkey.create((&registration(), ORIGIN), |says| {
        says.format = "packed".to_owned();
        says.statement = statement;
    });
    assert!(register(&own).is_ok());
    for (format, statement) in [
        (
            "none",
            cbor(|e| e.map(1)?.str("sig")?.bytes(&[1]).map(drop)),
        ),
        ("packed", vec![0xa0]),
        (
            "packed",
            cbor(|e| {
                e.map(3)?.str("alg")?.i8(-7)?.str("sig")?.bytes(&[1; 64])?;
                e.str("x5c")?.array(1)?.bytes(&[0x30, 0])?;
                Ok(())
            }),
        ),
        ("tpm", vec![0xa0]),
        ("android-safetynet", vec![0xa0]),
        ("fido-u2f", vec![0xa0]),
        ("apple", vec![0xa0]),
        ("NONE", vec![0xa0]),
        ("", vec![0xa0]),
    ] {
        let refused = made(|says| {
            says.format = format.to_owned();
            says.statement = statement;
        });
        assert_eq!(refused.unwrap_err(), Refusal::Attestation, "{format}");
    }
    let twice = made(|says| {
        let data = vec![0; 37];
        says.object = Some(cbor(|e| {
            e.map(4)?.str("fmt")?.str("none")?.str("attStmt")?.map(0)?;
            e.str("authData")?
                .bytes(&data)?
                .str("authData")?
                .bytes(&data)?;
            Ok(())
        }));
    });
    assert_eq!(
        twice.unwrap_err(),
        Refusal::Form("a CBOR map that has a key twice")
    );
}

/// Any byte of an answer that is cut off or changed makes it another one, or none.
///
/// Shows: S-71.
#[test]
fn no_prefix_of_authenticator_data_is_read() {
    for length in 0..37 {
        let refused = made(|says| {
            let short = vec![0; length];
            says.object = Some(cbor(|e| {
                e.map(3)?.str("fmt")?.str("none")?.str("attStmt")?.map(0)?;
                e.str("authData")?.bytes(&short)?;
                Ok(())
            }));
        });
        assert_eq!(
            refused.unwrap_err(),
            Refusal::Form("authenticator data that end too early"),
            "{length}"
        );
    }
}
