use state::{SourceFile, Sources};

/// The app of the first call that is shown.
pub(super) const FIRST_APP: &str = "acme-shop";
/// Its path.
pub(super) const FIRST_PATH: &str = "/payments/AdaptivePayments/Pay";
/// Its body.
pub(super) const FIRST_BODY: &str = r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"bob@example.com","amount":"10.00"}]}}"#;

const STATES: [(&str, &str); 2] = [
    (
        "examples/payments/state.yaml",
        include_str!("../../../../../examples/payments/state.yaml"),
    ),
    (
        "examples/telephony/state.yaml",
        include_str!("../../../../../examples/telephony/state.yaml"),
    ),
];

const DESCRIPTIONS: [(&str, &str); 2] = [
    (
        "examples/payments/payments.openapi.yaml",
        include_str!("../../../../../examples/payments/payments.openapi.yaml"),
    ),
    (
        "examples/telephony/telephony.openapi.yaml",
        include_str!("../../../../../examples/telephony/telephony.openapi.yaml"),
    ),
];

/// The examples, as they stand in the repository and in this binary.
pub(super) fn sources() -> Sources {
    Sources {
        files: STATES
            .iter()
            .map(|(path, text)| SourceFile {
                path: (*path).to_owned(),
                text: (*text).to_owned(),
            })
            .collect(),
        descriptions: DESCRIPTIONS
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
        ..Sources::default()
    }
}
