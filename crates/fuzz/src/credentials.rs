//! What proves who somebody is, or that something came from here.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use http_kit::Basic;
use keys::{
    CursorKey, HashedSecret, HashingKey, InstallationKeys, IssuedFor, SigningKey, VerifyingKeys,
    read_issued,
};
use primitives::{Mode, Secret, SeededEntropy, Timestamp};
use verifier::{RequestLine, Verifier};

const SHARED: &[u8] = b"a context key of more than 32 bytes, shared";
const NOW: i64 = 1_800_000_000;

/// A tool that everything is tested with; when it cannot be made, the target fails at once.
struct Tools {
    cursors: CursorKey,
    hashing: HashingKey,
    shared: Verifier,
    public: Verifier,
    signing: SigningKey,
    issued: [String; 3],
}

static TOOLS: LazyLock<Option<Tools>> = LazyLock::new(|| {
    let entropy = SeededEntropy::new(7);
    let keys = InstallationKeys::generate(&entropy).ok()?;
    let signing = keys.signing_key().ok()?;
    let issue = |whom| Some(keys::issue(whom, &entropy).ok()?.expose().to_owned());
    Some(Tools {
        cursors: keys.cursor_key(),
        hashing: keys.hashing_key(),
        shared: Verifier::shared(SHARED)
            .ok()?
            .audience("https://upstream.test"),
        public: Verifier::ed25519(&signing.jwks().to_string())
            .ok()?
            .audience("https://upstream.test"),
        signing,
        issued: [
            issue(IssuedFor::App(Mode::Live))?,
            issue(IssuedFor::App(Mode::Test))?,
            issue(IssuedFor::Operator)?,
        ],
    })
});

#[expect(
    clippy::expect_used,
    reason = "without its tools a target has nothing to say"
)]
fn tools() -> &'static Tools {
    TOOLS.as_ref().expect("the tools are made of constants")
}

/// What is taken from a `Basic` header is what its base 64 says, split at the first colon.
pub(crate) fn basic(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|&byte| byte == b'\n').take(3) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::AUTHORIZATION, value);
        }
    }
    let given = headers.len();
    match Basic::of(&headers) {
        Basic::Missing => assert_eq!(given, 0, "a credential was passed over"),
        Basic::Malformed => assert!(given > 0, "nothing was refused"),
        Basic::Given(user, password) => {
            assert_eq!(given, 1, "of several credentials one was taken");
            assert!(!user.is_empty() && !user.contains(':'), "{user}");
            let joined = format!("{user}:{}", password.expose());
            assert!(!joined.bytes().any(|c| c.is_ascii_control()), "{joined:?}");
            let value = headers
                .get(header::AUTHORIZATION)
                .map(HeaderValue::as_bytes);
            let value = value.map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
            assert!(value.starts_with(b"basic "), "another scheme");
            let again = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(&joined)));
            let again = again.map(|value| {
                headers.insert(header::AUTHORIZATION, value);
                Basic::of(&headers)
            });
            let same = matches!(&again, Ok(Basic::Given(u, p)) if *u == user && p.expose() == password.expose());
            assert!(same, "{joined:?} is read otherwise");
        }
    }
}

/// No bytes are a cursor but those that were made here for the same list.
pub(crate) fn cursor(bytes: &[u8]) {
    let tools = tools();
    if let Ok(text) = std::str::from_utf8(bytes) {
        let opened = tools.cursors.open("/v1/apps?", text);
        // Nobody finds 128 bits of a tag: what opens was sealed.
        if let Ok(payload) = opened {
            assert_eq!(tools.cursors.seal("/v1/apps?", &payload), text, "forged");
        }
    }
    let payload = bytes.get(..bytes.len().min(1400)).unwrap_or_default();
    let sealed = tools.cursors.seal("/v1/apps?", payload);
    let opened = tools.cursors.open("/v1/apps?", &sealed);
    assert_eq!(opened.as_deref(), Ok(payload), "its own cursor");
    assert!(
        tools.cursors.open("/v1/accounts?", &sealed).is_err(),
        "of another list"
    );
}

/// A stored hash has one text, and the secret that fits it is the one that was hashed.
pub(crate) fn hash(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(stored) = text.parse::<HashedSecret>() {
        let again = stored.to_string().parse::<HashedSecret>();
        assert!(again == Ok(stored.clone()), "`{text}` is written otherwise");
        assert!(!stored.matches(text, &tools().hashing), "a hash of itself");
    }
    let hashed = tools().hashing.hash(&Secret::new(text.to_owned()));
    assert!(hashed.matches(text, &tools().hashing), "its own secret");
    assert!(
        !hashed.matches(&format!("{text}\0"), &tools().hashing),
        "another"
    );
}

/// A text is taken for a secret of ours only with its prefix, length and check sum, and with any
/// one character changed it is none.
pub(crate) fn secret(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match read_issued(text) {
        Ok(Some(whom)) => {
            assert!(text.starts_with(whom.prefix()), "{text}");
            assert_eq!(text.len(), whom.prefix().len() + 49, "{text}");
            assert!(text.is_ascii(), "{text}");
        }
        Ok(None) => assert!(!text.starts_with("ptr_"), "{text}"),
        Err(_) => assert!(text.starts_with("ptr_"), "{text}"),
    }
    let [at, to, ..] = *bytes else { return };
    for issued in &tools().issued {
        assert!(matches!(read_issued(issued), Ok(Some(_))), "its own secret");
        let mut changed: Vec<char> = issued.chars().collect();
        let at = usize::from(at) % changed.len();
        let Some(place) = changed.get_mut(at) else {
            return;
        };
        if *place != char::from(to) {
            *place = char::from(to);
            let changed: String = changed.into_iter().collect();
            let taken = matches!(read_issued(&changed), Ok(Some(_)));
            assert!(!taken, "`{changed}` is taken for a secret of ours");
        }
    }
}

/// No bytes are a signed context but those signed with the key, for this request, here and now.
pub(crate) fn jwt(bytes: &[u8]) {
    let tools = tools();
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let line = RequestLine {
        method: "POST",
        authority: "upstream.test",
        path_and_query: "/pay",
    };
    let now = Timestamp::from_seconds(NOW);
    // The fuzzer has no key; what it brings is never authentic.
    for verifier in [&tools.shared, &tools.public] {
        assert!(verifier.verify(text, &line, now).is_err(), "forged: {text}");
    }
    let claims = serde_json::json!({ "iss": "https://gate.test", "said": text });
    let signed = tools.signing.sign("context+jwt", &claims);
    let Ok(keys) = VerifyingKeys::from_jwks(&tools.signing.jwks().to_string()) else {
        return;
    };
    if let Ok(signed) = signed
        && signed.len() <= keys::LONGEST_TOKEN
    {
        let read = keys.claims::<serde_json::Value>("context+jwt", &signed);
        assert_eq!(read.as_ref(), Ok(&claims), "its own token");
        assert!(
            keys.claims::<serde_json::Value>("other+jwt", &signed)
                .is_err(),
            "another type"
        );
        if let [at, to, ..] = *bytes {
            let mut changed = signed.clone().into_bytes();
            let at = usize::from(at).saturating_mul(7) % changed.len();
            if let Some(place) = changed.get_mut(at) {
                *place = to;
            }
            if let Ok(changed) = String::from_utf8(changed)
                && changed != signed
            {
                let read = keys.claims::<serde_json::Value>("context+jwt", &changed);
                assert!(read.is_err(), "changed at {at}: {changed}");
            }
        }
    }
}

/// A set of keys is taken only when every key of it can be used, and then verifies nothing that
/// was not signed with one of them.
pub(crate) fn jwks(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(keys) = VerifyingKeys::from_jwks(text) {
        let read: Result<serde_json::Value, _> = serde_json::from_str(text);
        assert!(
            read.is_ok_and(|set| set.get("keys").is_some_and(serde_json::Value::is_array)),
            "{text}"
        );
        let foreign = tools().signing.sign("context+jwt", &1);
        if let Ok(foreign) = foreign
            && !text.contains(tools().signing.key_id())
        {
            assert!(keys.payload(&foreign).is_err(), "another's token: {text}");
        }
    }
}
