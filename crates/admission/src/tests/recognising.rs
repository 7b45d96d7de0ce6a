//! The ways of showing who calls, against callers who lie.

use keys::{HashedSecret, IssuedFor};
use primitives::{CredentialId, Mode, Secret, SeededEntropy, Timestamp};
use proptest::prelude::*;
use store::CredentialKind;

use super::fixture::Town;
use crate::{ClientCertificate, Presented};

fn code(town: &Town, presented: &Presented) -> Result<CredentialId, &'static str> {
    let snapshot = town.snapshots.load_full();
    let found = town.admission.identify(&snapshot, presented);
    found
        .map(|found| found.credential.id())
        .map_err(super::super::Unidentified::code)
}

fn three(user: &str, password: &str, signature: &str) -> Presented {
    Presented::ThreeTokens {
        user: user.to_owned(),
        password: Secret::new(password.to_owned()),
        signature: Secret::new(signature.to_owned()),
        certificate: None,
    }
}

/// A town whose credential is three tokens; the third of them.
fn three_token_town() -> (Town, String) {
    let mut town = Town::new();
    let signature = keys::issue(IssuedFor::App(Mode::Live), &SeededEntropy::new(70)).unwrap();
    let text = signature.expose().to_owned();
    town.change_credential(|credential, hashing| {
        credential.kind = CredentialKind::ThreeToken;
        credential.signature = Some(hashing.hash(&signature).to_string());
    });
    (town, text)
}

/// Shows: P-31, P-32.
#[test]
fn three_tokens_open_together_and_no_two_of_them_do() {
    let (town, signature) = three_token_town();
    let (id, password) = (town.key.0, town.key.1.expose().to_owned());
    let user = id.to_string();
    let stranger = keys::issue(IssuedFor::App(Mode::Live), &SeededEntropy::new(5)).unwrap();
    let test = keys::issue(IssuedFor::App(Mode::Test), &SeededEntropy::new(5)).unwrap();
    assert_eq!(code(&town, &three(&user, &password, &signature)), Ok(id));
    for wrong in [
        three(&user, &signature, &password),
        three(&user, &password, &password),
        three(&user, &signature, &signature),
        three(&user, stranger.expose(), &signature),
        three(&user, &password, stranger.expose()),
        three(&user, &password, test.expose()),
        three("key_00000000000000000000000000", &password, &signature),
        three("", &password, &signature),
        // The password alone is not enough, and neither is it as a key.
        town.presents(&user, &password),
        town.presents(&user, &signature),
    ] {
        assert_eq!(code(&town, &wrong), Err("credential_unknown"), "{wrong:?}");
    }
    let short = |token: &str| token.chars().take(40).collect::<String>();
    for cut in [
        three(&user, &short(&password), &signature),
        three(&user, &password, &short(&signature)),
        three(&user, &format!("{password}x"), &signature),
    ] {
        assert_eq!(code(&town, &cut), Err("credential_malformed"));
    }
    // What was recognised before is recognised again, and nothing more.
    assert_eq!(code(&town, &three(&user, &password, &signature)), Ok(id));
    let still = three(&user, &password, stranger.expose());
    assert_eq!(code(&town, &still), Err("credential_unknown"));
}

#[test]
fn a_key_is_not_shown_as_three_tokens() {
    let town = Town::new();
    let (id, secret) = (town.key.0.to_string(), town.key.1.expose().to_owned());
    let shown = three(&id, &secret, &secret);
    assert_eq!(code(&town, &shown), Err("credential_unknown"));
}

proptest! {
    /// Shows: P-31, S-59.
    #[test]
    fn nothing_but_the_three_is_taken(
        parts in prop::array::uniform3(0_usize..6),
        at in any::<prop::sample::Index>(),
        to in "[!-~]",
    ) {
        let (town, signature) = three_token_town();
        let user = town.key.0.to_string();
        let password = town.key.1.expose().to_owned();
        let mut bent = signature.clone();
        let place = at.index(bent.len());
        bent.replace_range(place..=place, &to);
        let texts = [&user, &password, &signature, &bent, "old-key", ""];
        let [a, b, c] = parts.map(|part| texts[part]);
        let opens = (a == user || a == "old-key") && b == password && c == signature;
        prop_assert_eq!(code(&town, &three(a, b, c)).is_ok(), opens, "{} {} {}", a, b, c);
    }
}

fn shown(fingerprint: [u8; 32], from: i64, until: i64) -> ClientCertificate {
    ClientCertificate {
        fingerprint,
        valid_from: super::fixture::NOON.plus_seconds(from),
        valid_until: super::fixture::NOON.plus_seconds(until),
    }
}

/// A connection may outlive the certificate that opened it.
///
/// Shows: P-31, P-32.
#[test]
fn a_certificate_counts_while_it_is_valid() {
    let mut town = Town::new();
    town.change_credential(|credential, _| {
        credential.kind = CredentialKind::Certificate;
        credential.certificate = Some([4; 32]);
        credential.hash = "certificate:".to_owned();
    });
    let id = town.key.0;
    let certificate = |one| Presented::Certificate(one);
    assert_eq!(code(&town, &certificate(shown([4; 32], -9, 9))), Ok(id));
    for (from, until) in [(-9, -1), (1, 9)] {
        let late = certificate(shown([4; 32], from, until));
        assert_eq!(code(&town, &late), Err("credential_certificate"));
    }
    let other = certificate(shown([5; 32], -9, 9));
    assert_eq!(code(&town, &other), Err("credential_unknown"));
    town.clock.advance_seconds(10);
    let outlived = certificate(shown([4; 32], -9, 9));
    assert_eq!(code(&town, &outlived), Err("credential_certificate"));
    town.change_credential(|credential, _| {
        credential.revoked_at = Some(Timestamp::from_seconds(1));
    });
    let revoked = certificate(shown([4; 32], -9, 99));
    assert_eq!(code(&town, &revoked), Err("credential_revoked"));
}

/// Shows: P-32.
#[test]
fn a_bound_key_needs_the_certificate_beside_the_secret() {
    let mut town = Town::new();
    town.change_credential(|credential, _| credential.certificate = Some([4; 32]));
    let (id, secret) = (town.key.0, town.key.1.expose().to_owned());
    let with = |certificate: Option<ClientCertificate>, password: &str| Presented::Basic {
        user: id.to_string(),
        password: Secret::new(password.to_owned()),
        certificate,
    };
    let good = Some(shown([4; 32], -9, 9));
    assert_eq!(code(&town, &with(good, &secret)), Ok(id));
    for bad in [
        None,
        Some(shown([5; 32], -9, 9)),
        Some(shown([4; 32], -9, -1)),
    ] {
        let refused = code(&town, &with(bad, &secret));
        assert_eq!(refused, Err("credential_certificate"));
    }
    // Whoever has only the certificate learns nothing of the key.
    assert_eq!(code(&town, &with(good, "wrong")), Err("credential_unknown"));
    let alone = Presented::Certificate(shown([4; 32], -9, 9));
    assert_eq!(code(&town, &alone), Err("credential_unknown"));
}

/// Shows: S-72, P-32.
#[test]
fn guesses_at_an_imported_secret_are_bounded_for_the_key_not_its_spelling() {
    let mut town = Town::new();
    town.change_credential(|credential, _| {
        credential.hash = HashedSecret::Plain(keys::sha256(b"chosen by somebody")).to_string();
    });
    let id = town.key.0.to_string();
    let spellings = [id.clone(), "old-key".to_owned()];
    let mut compared = 0;
    for guess in 0..200_usize {
        let user = &spellings[guess % 2];
        match code(&town, &town.presents(user, &format!("guess {guess}"))) {
            Err("credential_unknown") => compared += 1,
            Err("credential_tried_too_often") => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(compared, 10);
    // Right or wrong is not told then either.
    let right = town.presents(&id, "chosen by somebody");
    assert_eq!(code(&town, &right), Err("credential_tried_too_often"));
    town.clock.advance_seconds(6);
    assert_eq!(code(&town, &right), Ok(town.key.0));
    // Once shown here, nobody can shut its owner out.
    for guess in 0..50 {
        let tried = town.presents("old-key", &format!("again {guess}"));
        assert!(code(&town, &tried).is_err());
    }
    assert_eq!(code(&town, &right), Ok(town.key.0));
}

/// 256 random bits need no bound, and a bound would shut their owner out.
///
/// Shows: S-72.
#[test]
fn nobody_shuts_the_owner_of_an_issued_secret_out() {
    let town = Town::new();
    let id = town.key.0.to_string();
    for seed in 0..100 {
        let wrong = keys::issue(IssuedFor::App(Mode::Live), &SeededEntropy::new(900 + seed));
        let tried = town.presents(&id, wrong.unwrap().expose());
        assert_eq!(code(&town, &tried), Err("credential_unknown"));
    }
    assert_eq!(code(&town, &town.presented()), Ok(town.key.0));
}
