use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn pair() -> SigningKey {
    SigningKey::ed25519(&[7; 32]).unwrap()
}

fn public(key: &SigningKey) -> VerifyingKeys {
    VerifyingKeys::from_jwks(&key.jwks().to_string()).unwrap()
}

fn forged(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
}

#[test]
fn what_is_signed_is_verified_with_the_public_half_only() {
    let shared = SigningKey::shared(SECRET).unwrap();
    for (key, keys) in [
        (pair(), public(&pair())),
        (shared, VerifyingKeys::shared([SECRET]).unwrap()),
    ] {
        let token = key.sign("context+jwt", &json!({ "a": 1 })).unwrap();
        let claims: Value = keys.claims("context+jwt", &token).unwrap();
        assert_eq!(claims, json!({ "a": 1 }));
        let other = keys.claims::<Value>("other+jwt", &token);
        assert_eq!(other, Err(TokenProblem::Type));
    }
    assert!(!pair().jwks().to_string().contains("\"d\""));
    assert_eq!(
        SigningKey::shared(SECRET).unwrap().jwks(),
        json!({ "keys": [] })
    );
}

/// RFC 8037, appendix A.3.
#[test]
fn the_key_id_is_the_thumbprint() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(public_thumbprint(x), thumbprint);
}

/// Shows: S-51, S-52.
#[test]
fn a_token_has_no_say_in_how_it_is_verified() {
    let key = pair();
    let keys = public(&key);
    let id = key.key_id();
    let x = key.jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    let raw = URL_SAFE_NO_PAD.decode(&x).unwrap();
    let claims = json!({});
    let cases = [
        (json!({"alg": "none", "kid": id}), TokenProblem::Algorithm),
        (json!({"alg": "None", "kid": id}), TokenProblem::Algorithm),
        (json!({"alg": "HS256", "kid": id}), TokenProblem::Algorithm),
        (json!({"alg": "RS256", "kid": id}), TokenProblem::Algorithm),
        (json!({"alg": "eddsa", "kid": id}), TokenProblem::Algorithm),
        (json!({"alg": "EdDSA", "kid": id}), TokenProblem::Signature),
        (json!({"alg": "EdDSA"}), TokenProblem::Signature),
        (
            json!({"alg": "EdDSA", "kid": "../../key"}),
            TokenProblem::UnknownKey,
        ),
        (json!({"alg": "EdDSA", "kid": ""}), TokenProblem::UnknownKey),
        (json!({"alg": "EdDSA", "kid": 1}), TokenProblem::Form),
        (json!({"kid": id}), TokenProblem::Form),
        (json!({"alg": "EdDSA", "crit": ["exp"]}), TokenProblem::Form),
        (json!({"alg": "EdDSA", "b64": false}), TokenProblem::Form),
        (json!({"alg": "EdDSA", "zip": "DEF"}), TokenProblem::Form),
        (
            json!({"alg": "EdDSA", "jku": "https://evil"}),
            TokenProblem::Form,
        ),
        (
            json!({"alg": "EdDSA", "jwk": {"kty": "OKP", "x": x}}),
            TokenProblem::Form,
        ),
        (json!({"alg": "EdDSA", "x5c": []}), TokenProblem::Form),
    ];
    for (header, problem) in cases {
        for secret in [raw.as_slice(), x.as_bytes(), id.as_bytes(), b""] {
            let token = forged(&header, &claims, |message| hmac(secret, message));
            assert_eq!(keys.payload(&token), Err(problem.clone()), "{header}");
        }
        let unsigned = forged(&header, &claims, |_| Vec::new());
        assert!(keys.payload(&unsigned).is_err());
    }
    let shared = VerifyingKeys::shared([SECRET]).unwrap();
    let confused = key.sign("t", &claims).unwrap();
    assert_eq!(shared.payload(&confused), Err(TokenProblem::UnknownKey));
    let long = "a".repeat(LONGEST_TOKEN + 1);
    assert!(matches!(keys.payload(&long), Err(TokenProblem::TooLong(_))));
}

#[test]
fn a_repeated_header_field_or_part_is_refused() {
    let keys = VerifyingKeys::shared([SECRET]).unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","alg":"HS256"}"#);
    let message = format!("{header}.e30");
    let signature = URL_SAFE_NO_PAD.encode(hmac(SECRET, message.as_bytes()));
    assert_eq!(
        keys.payload(&format!("{message}.{signature}")),
        Err(TokenProblem::Form)
    );
    let good = SigningKey::shared(SECRET)
        .unwrap()
        .sign("t", &json!({}))
        .unwrap();
    assert!(keys.payload(&good).is_ok());
    for bad in [
        format!("{good}."),
        format!(".{good}"),
        format!("{good}=="),
        format!(" {good}"),
    ] {
        assert!(keys.payload(&bad).is_err(), "{bad}");
    }
}

#[test]
fn several_shared_keys_overlap() {
    let next = [9; 32];
    let keys = VerifyingKeys::shared([SECRET, &next]).unwrap();
    for secret in [SECRET, &next] {
        let token = SigningKey::shared(secret)
            .unwrap()
            .sign("t", &json!({}))
            .unwrap();
        assert!(keys.payload(&token).is_ok());
    }
    let nameless = forged(&json!({"alg": "HS256"}), &json!({}), |m| hmac(SECRET, m));
    assert_eq!(keys.payload(&nameless), Err(TokenProblem::UnknownKey));
    assert!(matches!(
        VerifyingKeys::shared([SECRET, SECRET]),
        Err(KeyProblem::KeyIdTwice(_))
    ));
    let short = VerifyingKeys::shared([&SECRET[..31]]).unwrap_err();
    assert_eq!(short, KeyProblem::TooShort(31));
}

proptest! {
    #[test]
    fn no_token_with_one_character_changed_is_believed(
        at: prop::sample::Index,
        to in "[A-Za-z0-9_.-]",
        shared: bool,
    ) {
        let (key, keys) = if shared {
            (SigningKey::shared(SECRET).unwrap(), VerifyingKeys::shared([SECRET]).unwrap())
        } else {
            (pair(), public(&pair()))
        };
        let token = key.sign("t", &json!({ "sub": "x" })).unwrap();
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        if changed != token {
            prop_assert!(keys.payload(&changed).is_err());
        }
    }
}

fn vectors(name: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/vectors")
        .join(name);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("the vectors {name} are not here: nothing is checked");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Cases the vectors call valid, although RFC 7515 (section 2) allows no such character.
const NOT_BASE64URL: [u64; 2] = [372, 373];

/// Cases the vectors call invalid, although their tokens are those of case 357, byte for byte.
const SAME_AS_A_VALID_ONE: [u64; 2] = [367, 370];

/// Every case of a file; returns how many tokens were believed and how many refused.
fn run_vectors(file: &Value) -> (usize, usize) {
    let (mut believed, mut refused) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let key = group
            .get("public")
            .or_else(|| group.get("private"))
            .unwrap();
        let set = match key.get("keys") {
            Some(_) => key.clone(),
            None => json!({ "keys": [key] }),
        };
        let keys = VerifyingKeys::from_jwks(&set.to_string());
        let all = set["keys"].as_array().unwrap();
        let allowed = all
            .iter()
            .all(|key| key["kty"] == "oct" && key["alg"] == "HS256");
        for test in group["tests"].as_array().unwrap() {
            let id = test["tcId"].as_u64().unwrap();
            let token = test["jws"]
                .as_str()
                .map_or_else(|| test["jws"].to_string(), str::to_owned);
            let is_believed = keys.as_ref().is_ok_and(|keys| keys.payload(&token).is_ok());
            let is_valid = test["result"] == "valid" && !NOT_BASE64URL.contains(&id)
                || SAME_AS_A_VALID_ONE.contains(&id);
            let expected = allowed && is_valid;
            assert_eq!(is_believed, expected, "{id} {}", test["comment"]);
            if is_believed {
                believed += 1;
            } else {
                refused += 1;
            }
        }
    }
    (believed, refused)
}

/// Shows: S-51, S-54.
#[test]
fn agrees_with_the_wycheproof_signature_vectors() {
    if let Some(file) = vectors("wycheproof_json_web_signature_test.json") {
        let (believed, refused) = run_vectors(&file);
        assert_eq!((believed, refused), (10, 391));
    }
}

/// Shows: S-51, S-54.
#[test]
fn agrees_with_the_wycheproof_key_vectors() {
    if let Some(file) = vectors("wycheproof_json_web_key_test.json") {
        assert_eq!(run_vectors(&file), (2, 24));
    }
}
