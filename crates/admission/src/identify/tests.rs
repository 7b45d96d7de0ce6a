use std::collections::HashMap;

use keys::InstallationKeys;
use primitives::{AppId, Entropy as _, SeededEntropy};

use super::*;

/// Each of so many keys is compared with every other: 450 million pairs.
const KEYS: usize = 30_000;

struct Numbers(SeededEntropy);

impl Numbers {
    fn below(&self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes).unwrap();
        u64::from_be_bytes(bytes) % end
    }

    /// A short text of what keys are joined with.
    fn text(&self) -> String {
        let marks = [
            "a", "b", ":", ",", "|", "\0", "\"", "1", "é", "e\u{301}", " ",
        ];
        let length = self.below(5);
        let mark = |_| marks[usize::try_from(self.below(11)).unwrap()];
        (0..length).map(mark).collect()
    }
}

fn credential(id: u128, hash: &HashedSecret) -> Credential {
    let stored = store::Credential {
        id: CredentialId::from_u128(id),
        external_id: None,
        app: AppId::from_u128(1),
        app_name: "shop".parse().unwrap(),
        mode: Mode::Live,
        hash: hash.to_string(),
        hint: String::new(),
        permissions: None,
        created_at: Timestamp::from_seconds(0),
        expires_at: None,
        revoked_at: None,
        kind: store::CredentialKind::Key,
        signature: None,
        certificate: None,
    };
    Credential::new(&stored, None)
}

/// One of a few hashes, so that the same bytes stand under several schemes and salts.
fn stored(numbers: &Numbers) -> HashedSecret {
    let mut hash = [0; 32];
    hash[31] = u8::try_from(numbers.below(3)).unwrap();
    match numbers.below(3) {
        0 => HashedSecret::Keyed(hash),
        1 => HashedSecret::Plain(hash),
        _ => HashedSecret::Salted(vec![u8::try_from(numbers.below(3)).unwrap()], hash),
    }
}

/// Shows: S-22, R-64.
#[test]
fn what_is_remembered_is_never_another_credential_hash_or_secret() {
    let numbers = Numbers(SeededEntropy::new(22));
    let keys = InstallationKeys::generate(&SeededEntropy::new(7)).unwrap();
    let recogniser = Recogniser::new(keys.hashing_key());
    let mut seen: HashMap<u128, (u128, String, String)> = HashMap::new();
    let mut met = 0_usize;
    for _ in 0..KEYS / 10 {
        let (id, hash) = (u128::from(numbers.below(40)), stored(&numbers));
        let credential = credential(id, &hash);
        // Many secrets on one credential: parsing it anew each time is what takes long.
        for _ in 0..10 {
            let secret = numbers.text();
            let key = recogniser.fingerprint(&credential, &hash, &Secret::new(secret.clone()));
            let asked = (id, hash.to_string(), secret);
            match seen.get(&key) {
                Some(known) => {
                    assert_eq!(*known, asked, "one key for two");
                    met += 1;
                }
                None => drop(seen.insert(key, asked)),
            }
        }
    }
    // That many look-ups met what was there: the keys are not merely different each time.
    assert!(
        met > KEYS / 100 && seen.len() > KEYS / 10,
        "{met} of {}",
        seen.len()
    );
}

/// A recogniser with a memory answers as one without, whatever was asked before.
///
/// Shows: S-22, R-64, R-72.
#[test]
fn a_memory_changes_no_answer() {
    let entropy = SeededEntropy::new(72);
    let keys = InstallationKeys::generate(&entropy).unwrap();
    let hashing = keys.hashing_key();
    let secrets: Vec<Secret> = ["a", "b", "ab", "a:b", "", "a\0", "A"]
        .map(|text| Secret::new(text.to_owned()))
        .into();
    let mut hashes: Vec<HashedSecret> = secrets.iter().map(|one| hashing.hash(one)).collect();
    for secret in &secrets {
        let bytes = secret.expose().as_bytes();
        let plain = keys::sha256(bytes);
        hashes.push(HashedSecret::Plain(plain));
        // The same bytes under another scheme fit another secret, or none.
        hashes.push(HashedSecret::Keyed(plain));
        hashes.push(HashedSecret::Salted(
            b"a".to_vec(),
            keys::sha256(&[b"a", bytes].concat()),
        ));
    }
    let credentials: Vec<(Credential, &HashedSecret)> = (0..4)
        .flat_map(|id| hashes.iter().map(move |hash| (credential(id, hash), hash)))
        .collect();
    let recogniser = Recogniser::new(keys.hashing_key());
    let numbers = Numbers(SeededEntropy::new(5));
    let mut fitting = 0;
    for round in 0..30_000 {
        let at = usize::try_from(numbers.below(credentials.len() as u64)).unwrap();
        let (credential, stored) = &credentials[at];
        let secret = &secrets[usize::try_from(numbers.below(secrets.len() as u64)).unwrap()];
        let plainly = stored.matches(secret.expose(), &hashing);
        // So slowly that no guess is one too many.
        let now = Timestamp::from_seconds(60 * round);
        let fits = recogniser.fits(credential, &Parts::Key(secret), now);
        assert_eq!(fits, Ok(plainly));
        fitting += usize::from(plainly);
    }
    assert!(fitting > 1_000, "only {fitting} fit");
}
