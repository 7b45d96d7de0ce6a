use keys::{CONTEXT_TYPE, InstallationKeys, SigningKey, TokenProblem, request_hash};
use primitives::{Mode, RecordId, SeededEntropy, Timestamp};
use serde_json::{Value, json};

use crate::{Context, Refusal, RequestLine, Verifier};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const UPSTREAM: &str = "http://upstream.test/payments";
const NOW: i64 = 1_800_000_000;
const LINE: RequestLine<'static> = RequestLine {
    method: "POST",
    authority: "upstream.test",
    path_and_query: "/payments/Pay?a=1",
};

fn claims() -> Value {
    json!({
        "iss": "https://gate.test", "aud": UPSTREAM, "iat": NOW, "exp": NOW + 60,
        "jti": "dec_1", "htm": "POST", "hta": "upstream.test",
        "htp": request_hash("POST", "upstream.test", "/payments/Pay?a=1"),
        "decision": RecordId { epoch: 1, sequence: 2 },
        "app": { "id": "app_1", "name": "shop" },
        "developer": { "id": "acct_1", "name": "acme" },
        "account": { "id": "acct_2", "name": "user", "external_id": "AC1" },
        "mode": "live",
        "capabilities": [
            { "name": "SEND", "granted": true,
              "limits": [{ "name": "amount", "most": "2000" },
                         { "name": "daily", "most": "10", "remaining": "3" }] },
            { "name": "REFUND", "granted": false, "limits": [] },
        ],
        "something_new": 1,
    })
}

fn verifier() -> Verifier {
    Verifier::shared(KEY).unwrap().audience(UPSTREAM)
}

fn signed(claims: &Value) -> String {
    SigningKey::shared(KEY)
        .unwrap()
        .sign(CONTEXT_TYPE, claims)
        .unwrap()
}

fn verified(claims: &Value) -> Result<Context, Refusal> {
    verifier().verify(&signed(claims), &LINE, Timestamp::from_seconds(NOW))
}

fn with(field: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[field] = value;
    claims
}

/// Shows: P-59.
#[test]
fn the_api_itself_reads_and_enforces_what_was_decided() {
    let context = verified(&claims()).unwrap();
    assert_eq!(context.app.name, "shop");
    assert_eq!(context.mode, Mode::Live);
    assert_eq!(context.decision.sequence, 2);
    let account = context.account.as_ref().unwrap();
    assert_eq!(account.external_id.as_deref(), Some("AC1"));
    let send = context.require("SEND").unwrap();
    assert!(send.allows("amount", "2000".parse().unwrap()));
    assert!(!send.allows("amount", "2000.01".parse().unwrap()));
    assert_eq!(send.limits[1].remaining, Some("3".parse().unwrap()));
    assert!(context.require("REFUND").is_err());
    assert!(context.require("OTHER").is_err());
}

#[test]
fn another_request_is_refused() {
    let token = signed(&claims());
    let now = Timestamp::from_seconds(NOW);
    let upper = RequestLine {
        authority: "UPSTREAM.test",
        ..LINE
    };
    assert!(verifier().verify(&token, &upper, now).is_ok());
    for other in [
        RequestLine {
            method: "GET",
            ..LINE
        },
        RequestLine {
            authority: "evil.test",
            ..LINE
        },
        RequestLine {
            path_and_query: "/payments/Refund?a=1",
            ..LINE
        },
        RequestLine {
            path_and_query: "/payments/Pay",
            ..LINE
        },
        RequestLine {
            path_and_query: "/payments/Pay?a=2",
            ..LINE
        },
        RequestLine {
            path_and_query: "/payments/pay?a=1",
            ..LINE
        },
    ] {
        let refusal = verifier().verify(&token, &other, now);
        assert_eq!(refusal, Err(Refusal::OtherRequest), "{other:?}");
    }
    // The plain claims must agree with the hash.
    assert_eq!(
        verified(&with("htm", json!("GET"))),
        Err(Refusal::OtherRequest)
    );
    assert_eq!(
        verified(&with("hta", json!("evil"))),
        Err(Refusal::OtherRequest)
    );
}

#[test]
fn another_audience_or_issuer_is_refused() {
    let other = "http://upstream.test/other";
    assert_eq!(
        verified(&with("aud", json!(other))),
        Err(Refusal::Audience(other.to_owned()))
    );
    let token = signed(&claims());
    let now = Timestamp::from_seconds(NOW);
    let right = verifier().issuer("https://gate.test");
    assert!(right.verify(&token, &LINE, now).is_ok());
    let wrong = verifier().issuer("https://other.test");
    let refusal = wrong.verify(&token, &LINE, now).unwrap_err();
    assert_eq!(refusal, Refusal::Issuer("https://gate.test".to_owned()));
}

/// Shows: S-53, S-65.
#[test]
fn times_are_checked_with_a_minute_of_skew() {
    let at =
        |seconds| verifier().verify(&signed(&claims()), &LINE, Timestamp::from_seconds(seconds));
    assert!(at(NOW - 60).is_ok());
    assert_eq!(at(NOW - 61), Err(Refusal::Times));
    assert!(at(NOW + 119).is_ok());
    assert_eq!(at(NOW + 120), Err(Refusal::Expired));
    for exp in [NOW * 1000, NOW - 1, NOW + 601, i64::MAX, i64::MIN, -1] {
        assert_eq!(
            verified(&with("exp", json!(exp))),
            Err(Refusal::Times),
            "{exp}"
        );
    }
    for field in ["exp", "iat"] {
        for value in [
            json!("1"),
            json!(1.5),
            json!(null),
            json!(u64::MAX),
            json!([NOW]),
        ] {
            let refusal = verified(&with(field, value.clone())).unwrap_err();
            assert!(
                matches!(refusal, Refusal::Token(TokenProblem::Claims(_))),
                "{value}"
            );
        }
    }
}

/// Shows: R-45.
#[test]
fn every_claim_is_needed() {
    for field in [
        "iss",
        "aud",
        "iat",
        "exp",
        "htm",
        "hta",
        "htp",
        "decision",
        "app",
        "developer",
        "mode",
        "capabilities",
    ] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(field);
        let refusal = verified(&claims).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Token(TokenProblem::Claims(_))),
            "{field}"
        );
    }
    let several = verified(&with("aud", json!([UPSTREAM, "other"]))).unwrap_err();
    assert!(matches!(several, Refusal::Token(TokenProblem::Claims(_))));
}

/// Shows: S-51.
#[test]
fn keys_and_algorithms_do_not_mix() {
    let keys = InstallationKeys::generate(&SeededEntropy::new(5)).unwrap();
    let pair = keys.signing_key().unwrap();
    let jwks = pair.jwks().to_string();
    let public = Verifier::ed25519(&jwks).unwrap().audience(UPSTREAM);
    let now = Timestamp::from_seconds(NOW);
    let token = pair.sign(CONTEXT_TYPE, &claims()).unwrap();
    assert!(public.verify(&token, &LINE, now).is_ok());
    // A token made with the public key as if it were a shared one.
    let confused = SigningKey::shared(jwks.as_bytes()).unwrap();
    for token in [
        confused.sign(CONTEXT_TYPE, &claims()).unwrap(),
        signed(&claims()),
        String::new(),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ] {
        let refusal = public.verify(&token, &LINE, now).unwrap_err();
        assert!(matches!(refusal, Refusal::Token(_)));
    }
    let refusal = verifier().verify(&token, &LINE, now).unwrap_err();
    assert_eq!(refusal, Refusal::Token(TokenProblem::UnknownKey));
    let other = SigningKey::shared(KEY)
        .unwrap()
        .sign("JWT", &claims())
        .unwrap();
    let refusal = verifier().verify(&other, &LINE, now).unwrap_err();
    assert_eq!(refusal, Refusal::Token(TokenProblem::Type));
}

#[test]
fn the_request_must_be_unambiguous() {
    let request = |headers: &[(&str, &str)]| {
        let mut builder = http::Request::builder()
            .method("POST")
            .uri("/payments/Pay?a=1");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap()
    };
    let good = request(&[("host", "upstream.test"), ("portreeve-context", "t")]);
    assert_eq!(crate::token(good.headers()), Ok("t"));
    assert_eq!(RequestLine::of(&good), Ok(LINE));
    let none = request(&[]);
    assert_eq!(crate::token(none.headers()), Err(Refusal::Missing));
    assert_eq!(RequestLine::of(&none), Err(Refusal::NoAuthority));
    let twice = request(&[
        ("host", "a"),
        ("host", "b"),
        ("portreeve-context", "t"),
        ("portreeve-context", "u"),
    ]);
    assert_eq!(crate::token(twice.headers()), Err(Refusal::Ambiguous));
    assert_eq!(RequestLine::of(&twice), Err(Refusal::NoAuthority));
}
