use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use primitives::{Secret, Timestamp};

/// The headers of a signed message (Standard Webhooks 1.0): its id, the second it was made, and
/// the signature over both and the body.
#[must_use]
pub fn sign_message(
    secret: &Secret,
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> [(&'static str, String); 3] {
    let text = secret.expose();
    let decoded = text
        .strip_prefix("whsec_")
        .and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
    let seconds = at.as_seconds().to_string();
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        context.update(part);
    }
    let signature = format!("v1,{}", STANDARD.encode(context.sign()));
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds),
        ("webhook-signature", signature),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_message_is_signed_as_the_specification_shows() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let at = Timestamp::from_seconds(1_614_265_330);
        let body = br#"{"test": 2432232314}"#;
        let headers = sign_message(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        let [_, (_, seconds), (_, signature)] = headers;
        assert_eq!(seconds, "1614265330");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn another_body_id_time_or_secret_is_another_signature() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let at = Timestamp::from_seconds;
        let all = [
            sign_message(&secret("s"), "a", at(1), b"x"),
            sign_message(&secret("t"), "a", at(1), b"x"),
            sign_message(&secret("s"), "b", at(1), b"x"),
            sign_message(&secret("s"), "a", at(2), b"x"),
            sign_message(&secret("s"), "a", at(1), b"y"),
        ];
        let signatures: std::collections::HashSet<_> =
            all.iter().map(|[_, _, (_, signature)]| signature).collect();
        assert_eq!(signatures.len(), all.len());
    }
}
