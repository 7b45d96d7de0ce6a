use std::fmt::Write as _;

use journal::{CallOutcome, CounterSpend, Granted, LimitStand};
use primitives::{
    AccountId, AppId, CredentialId, Enforcement, Mode, Quantity, RecordId, Revision, Timestamp,
};
use serde_json::json;

use super::*;

const AT: Timestamp = Timestamp::from_seconds(1_000_000);

fn granted() -> CallRecord {
    let account = || Some((AccountId::from_u128(2), "acme".to_owned()));
    CallRecord {
        id: RecordId {
            epoch: 7,
            sequence: 9,
        },
        at: AT,
        mode: Some(Mode::Live),
        api: "pay".to_owned(),
        operation: "Plain".to_owned(),
        method: "GET".to_owned(),
        path: "/pay/plain".to_owned(),
        credential: Some(CredentialId::from_u128(3)),
        app: Some((AppId::from_u128(1), "shop".to_owned())),
        developer: account(),
        account: account(),
        capabilities: vec!["PLAIN".to_owned()],
        facts: Vec::new(),
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: String::new(),
        granted: Some(Granted {
            gates: [0, 2, 4].as_slice().into(),
            limits: Vec::new(),
            capabilities: vec![(
                [6, 9, 10, 12, 14, 16, 18, 20, 22, 25, 27, 29, 30]
                    .as_slice()
                    .into(),
                vec![LimitStand {
                    limit: "by-day".to_owned(),
                    currency: None,
                    most: Quantity::whole(10),
                    used: Quantity::whole(4),
                    resets_at: Some(AT.plus_seconds(60)),
                }],
            )],
        }),
        counters: vec![CounterSpend {
            limit: 5,
            subject: 1,
            fact: 0,
            begins_at: Timestamp::default(),
            ends_at: AT.plus_seconds(60),
            cost: Quantity::whole(1).unwrap(),
            near: 0,
        }],
        revision: Revision(4),
        trace_id: "0af7".to_owned(),
        manner: None,
    }
}

fn settled() -> Settlement {
    Settlement {
        id: granted().id,
        at: AT.plus_micros(734),
        outcome: CallOutcome::Served {
            status: 200,
            bytes_in: 0,
            bytes_out: 1_024,
            micros: 734,
        },
        refunded: false,
    }
}

/// The record of the call above, as the first build wrote it that kept records in bytes.
const KEPT: &str = "\
    98180107091b000000e8d4a51000f56370617965506c61696e634745546a2f7061792f706c61696e50000000\
    000000000000000000000000038250000000000000000000000000000000016473686f708250000000000000\
    000000000000000000026461636d658250000000000000000000000000000000026461636d658165504c4149\
    4e8000f5006060818705410140001b000000e8d83897001a000f42400004643061663783430002048081824d\
    06090a0c0e10121416191b1d1e81856662792d646179f61a009896801a003d09001b000000e8d83897008602\
    07091b000000e8d4a512def48418c8001904001902de";

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

/// Rows are kept for weeks and outlive the build that wrote them: neither the order of fields
/// nor the number of a gate may change.
#[test]
fn what_was_written_once_says_the_same_for_ever() {
    let mut hex = String::new();
    for byte in journal::pack(&granted(), Some(&settled())) {
        write!(hex, "{byte:02x}").unwrap();
    }
    assert_eq!(hex, KEPT, "the bytes of a record have changed");
    let said = record_in_words(&bytes(KEPT));
    let answer = said["call"]["answer"].as_str().unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    let gates = |gates: &[(&str, &str)]| -> Value {
        let gate = |(gate, outcome)| json!({ "gate": gate, "outcome": outcome });
        gates.iter().copied().map(gate).collect()
    };
    let (yes, none) = ("passed", "not_applicable");
    assert_eq!(
        answer,
        json!({
            "verdict": "granted",
            "gates": gates(&[("api", yes), ("subscription", yes), ("operation", yes)]),
            "limits": [],
            "capabilities": [{
                "capability": "PLAIN",
                "granted": true,
                "gates": gates(&[
                    ("level", yes), ("business_unit", none), ("switch", yes), ("off_list", yes),
                    ("developer_profile", yes), ("app_profile", yes), ("key_permissions", yes),
                    ("plan", yes), ("list", yes), ("policy", none), ("geography", none),
                    ("numeric_limit", none), ("rate_limit", yes),
                ]),
                "limits": [{
                    "limit": "by-day", "most": "10", "used": "4", "remaining": "6",
                    "resets_at": "1970-01-12T13:47:40Z",
                }],
            }],
            "edits": [],
        })
    );
    assert_eq!(said["call"]["path"], "/pay/plain");
    assert_eq!(said["settled"]["outcome"]["served"]["micros"], 734);
}

/// A record as it stood in the list before, with its words written out.
#[test]
fn a_record_of_before_says_what_it_says_now() {
    let now = journal::pack(&granted(), Some(&settled()));
    let known = CallDocument::read(&now).unwrap();
    assert_eq!(known.call.granted, None);
    let before = serde_json::to_vec(&known).unwrap();
    assert_eq!(CallDocument::read(&before), Some(known));
    assert_eq!(record_in_words(&before), record_in_words(&now));
    let mut refused = granted();
    (refused.granted, refused.answer) = (None, "{\"verdict\":\"refused\"}".to_owned());
    let record = journal::pack(&refused, None);
    let known = CallDocument::read(&record).unwrap();
    assert_eq!((known.call, known.settled), (refused, None));
}

#[test]
fn what_is_no_record_says_nothing() {
    let whole = journal::pack(&granted(), Some(&settled()));
    let cut = &whole[..whole.len() - 1];
    for record in [&b""[..], b"\xff", b"{", b"[]", cut] {
        assert_eq!(CallDocument::read(record), None, "{record:?}");
        assert_eq!(record_in_words(record), Value::Null, "{record:?}");
    }
    // A newer version may write more JSON than is known here; people still see it.
    assert_eq!(record_in_words(b"{\"of\":1}"), json!({ "of": 1 }));
    assert_eq!(CallDocument::read(b"{\"of\":1}"), None);
}
