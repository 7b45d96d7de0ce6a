use proptest::prelude::*;

use super::*;
use crate::FactDefinition;

#[derive(Default)]
struct Head {
    path: Vec<(&'static str, &'static str)>,
    query: Vec<(&'static str, &'static str)>,
    headers: Vec<(&'static str, &'static [u8])>,
}

fn values<T: Copy>(pairs: &[(&str, T)], name: &str, each: &mut dyn FnMut(T)) {
    for (known, value) in pairs {
        if *known == name {
            each(*value);
        }
    }
}

impl RequestHead for Head {
    fn path(&self, name: &str, each: &mut dyn FnMut(&str)) {
        values(&self.path, name, &mut |value| each(value));
    }

    fn query(&self, name: &str, each: &mut dyn FnMut(&str)) {
        values(&self.query, name, &mut |value| each(value));
    }

    fn header(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        values(&self.headers, name, &mut |value| each(value));
    }
}

fn fact(source: FactSource, kind: FactType, fold: Fold) -> CompiledFacts {
    CompiledFacts::compile(&FactTable(vec![FactDefinition {
        name: "fact".parse().unwrap(),
        source,
        kind,
        fold,
    }]))
    .unwrap()
}

fn of_json(path: &str, kind: FactType, fold: Fold, body: &str) -> FactValue {
    let facts = fact(FactSource::Body(path.to_owned()), kind, fold);
    let mut read = facts.read_head(&Head::default());
    assert_eq!(read.0, [FactValue::Unread]);
    facts
        .read_body(&mut read, Some("application/json"), body.as_bytes())
        .unwrap();
    read.0.remove(0)
}

fn of_form(path: &str, kind: FactType, fold: Fold, body: &str) -> FactValue {
    let facts = fact(FactSource::Body(path.to_owned()), kind, fold);
    let mut read = facts.read_head(&Head::default());
    let media_type = Some("application/x-www-form-urlencoded; charset=UTF-8");
    facts
        .read_body(&mut read, media_type, body.as_bytes())
        .unwrap();
    read.0.remove(0)
}

fn quantity(text: &str) -> FactValue {
    FactValue::Quantity(text.parse().unwrap())
}

fn text(text: &str) -> FactValue {
    FactValue::Text(text.into())
}

const AMBIGUOUS: FactValue = FactValue::Unusable(UnusableFact::Ambiguous);
const OUT_OF_RANGE: FactValue = FactValue::Unusable(UnusableFact::OutOfRange);

fn wrong(kind: &'static str) -> FactValue {
    FactValue::Unusable(UnusableFact::WrongType(kind))
}

/// A payment with two legs, the way the examples write one.
const PAY: &str = r#"{"receiverList":{"receiver":[
    {"amount":10.10,"email":"a@example.com","primary":true},
    {"amount":"0.20","email":"b@example.com"}]},"currencyCode":"USD","pin":null}"#;

#[test]
fn numbers_stay_exact() {
    use FactType::Quantity;
    for (number, expected) in [
        ("0.1", quantity("0.1")),
        ("1e2", quantity("100")),
        ("9007199254.740993", quantity("9007199254.740993")),
        ("\"12.50\"", quantity("12.5")),
        ("0.0000001", OUT_OF_RANGE),
        ("1e30", OUT_OF_RANGE),
        ("\"1e2\"", wrong("quantity")),
        ("\" 1\"", wrong("quantity")),
        ("true", wrong("quantity")),
        ("null", wrong("quantity")),
        ("[1]", wrong("quantity")),
    ] {
        let body = format!("{{\"a\":{number}}}");
        assert_eq!(
            of_json("$.a", Quantity, Fold::Single, &body),
            expected,
            "{number}"
        );
    }
}

/// Shows: P-46.
#[test]
fn folds_several_matches_into_one_fact() {
    use FactType::Quantity;
    let amounts = "$.receiverList.receiver[*].amount";
    for (fold, expected) in [
        (Fold::Count, quantity("2")),
        (Fold::Sum, quantity("10.3")),
        (Fold::Min, quantity("0.2")),
        (Fold::Max, quantity("10.1")),
        (Fold::Single, AMBIGUOUS),
    ] {
        assert_eq!(of_json(amounts, Quantity, fold, PAY), expected, "{fold:?}");
    }
    let nothing = "$.receiverList.receiver[*].nothing";
    assert_eq!(of_json(nothing, Quantity, Fold::Count, PAY), quantity("0"));
    for fold in [Fold::Single, Fold::Sum, Fold::Min, Fold::Max] {
        assert_eq!(of_json(nothing, Quantity, fold, PAY), FactValue::Absent);
    }
    let emails = "$.receiverList.receiver[*].email";
    assert_eq!(of_json(emails, Quantity, Fold::Sum, PAY), wrong("quantity"));
    let largest = r"[9223372036854.775807, 0.000001]";
    assert_eq!(of_json("$[*]", Quantity, Fold::Sum, largest), OUT_OF_RANGE);
    for hidden in ["[5000, -4950]", "[-4950, 5000]", "[1, 1, -1]", "[-1]"] {
        let below = FactValue::Unusable(UnusableFact::BelowZero);
        assert_eq!(
            of_json("$[*]", Quantity, Fold::Sum, hidden),
            below,
            "{hidden}"
        );
    }
}

#[test]
fn every_type_takes_only_its_own() {
    use FactType::{Boolean, Country, Text};
    let one = |kind, body| of_json("$.a", kind, Fold::Single, body);
    assert_eq!(one(Text, r#"{"a":"x"}"#), text("x"));
    assert_eq!(one(Text, r#"{"a":1}"#), wrong("text"));
    assert_eq!(one(Boolean, r#"{"a":true}"#), FactValue::Boolean(true));
    assert_eq!(one(Boolean, r#"{"a":"true"}"#), wrong("boolean"));
    assert_eq!(
        one(Country, r#"{"a":"de"}"#),
        FactValue::Country("DE".parse().unwrap())
    );
    assert_eq!(one(Country, r#"{"a":"deu"}"#), wrong("country"));
    assert_eq!(
        of_form("$.a", Boolean, Fold::Single, "a=true"),
        FactValue::Boolean(true)
    );
    assert_eq!(
        of_form("$.a", Boolean, Fold::Single, "a=TRUE"),
        wrong("boolean")
    );
}

#[test]
fn a_form_is_an_object_of_texts_that_may_repeat_a_name() {
    use FactType::{Quantity, Text};
    let form = "To=%2B1555&Body=a+b%26c&MediaUrl=x&MediaUrl=y&Empty";
    assert_eq!(of_form("$.To", Text, Fold::Single, form), text("+1555"));
    assert_eq!(of_form("$.Body", Text, Fold::Single, form), text("a b&c"));
    assert_eq!(of_form("$.Empty", Text, Fold::Single, form), text(""));
    assert_eq!(of_form("$.MediaUrl", Text, Fold::Single, form), AMBIGUOUS);
    assert_eq!(
        of_form("$.MediaUrl", Quantity, Fold::Count, form),
        quantity("2")
    );
    assert_eq!(
        of_form("$['None']", Text, Fold::Single, form),
        FactValue::Absent
    );
}

#[test]
fn takes_facts_from_the_head_without_a_body() {
    let head = Head {
        path: vec![("Sid", "AC1"), ("both", "x"), ("both", "y")],
        query: vec![("limit", "20"), ("twice", "1"), ("twice", "1")],
        headers: vec![("x-pin", b"1234"), ("x-raw", b"\xff")],
    };
    let of = |source, kind| {
        fact(source, kind, Fold::Single)
            .read_head(&head)
            .0
            .remove(0)
    };
    let path = |name: &str| FactSource::Path(name.to_owned());
    let query = |name: &str| FactSource::Query(name.to_owned());
    let header = |name: &str| FactSource::Header(name.to_owned());
    assert_eq!(of(path("Sid"), FactType::Text), text("AC1"));
    assert_eq!(of(path("both"), FactType::Text), AMBIGUOUS);
    assert_eq!(of(query("limit"), FactType::Quantity), quantity("20"));
    assert_eq!(of(query("twice"), FactType::Quantity), AMBIGUOUS);
    assert_eq!(of(header("X-Pin"), FactType::Text), text("1234"));
    assert_eq!(of(header("x-raw"), FactType::Text), wrong("text"));
    assert_eq!(of(header("x-none"), FactType::Text), FactValue::Absent);
}

#[test]
fn paths_select_as_rfc_9535_says() {
    let body = r#"{"a":[{"n":1,"k":"x"},{"n":2.5},{"n":3,"k":null}],"b":{"a":[9]}}"#;
    for (path, sum) in [
        ("$.a[0].n", "1"),
        ("$.a[-1].n", "3"),
        ("$.a[0,2].n", "4"),
        ("$.a[1:].n", "5.5"),
        ("$.a[::-2].n", "4"),
        ("$.a[5:0:-1].n", "5.5"),
        ("$['a'][*]['n']", "6.5"),
        ("$..n", "6.5"),
        ("$..a[0].n", "1"),
        ("$.b..[0]", "9"),
        ("$.a[?@.k].n", "4"),
        ("$.a[?!@.k].n", "2.5"),
        ("$.a[?@.k == null].n", "3"),
        ("$.a[?@.n > 2.4].n", "5.5"),
        ("$.a[?@.n >= 2.5 && @.n != 3].n", "2.5"),
        ("$.a[?@.n < 2 || @.n == 3].n", "4"),
        ("$.a[?@.n == $.a[0].n].n", "1"),
        ("$.a[?(@.k == 'x')].n", "1"),
        ("$.a[?@.missing == $.missing].n", "6.5"),
    ] {
        let found = of_json(path, FactType::Quantity, Fold::Sum, body);
        assert_eq!(found, quantity(sum), "{path}");
    }
}

#[test]
fn a_filter_compares_numbers_exactly() {
    let body =
        r#"[{"n":0.30000000000000004,"v":1},{"n":0.3,"v":2},{"n":9007199254740991.2,"v":4}]"#;
    for (path, sum) in [
        ("$[?@.n == 0.3].v", "2"),
        ("$[?@.n > 9007199254740991].v", "4"),
        ("$[?@.n <= 0.3].v", "2"),
    ] {
        let found = of_json(path, FactType::Quantity, Fold::Sum, body);
        assert_eq!(found, quantity(sum), "{path}");
    }
}

#[test]
fn refuses_a_table_that_cannot_be_read() {
    let definition = |path: &str, kind, fold| FactDefinition {
        name: "amount".parse().unwrap(),
        source: FactSource::Body(path.to_owned()),
        kind,
        fold,
    };
    let sum = definition("$.a", FactType::Text, Fold::Sum);
    let twice = vec![definition("$.a", FactType::Text, Fold::Single); 2];
    let problem = |facts| {
        CompiledFacts::compile(&FactTable(facts))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        problem(vec![sum]),
        "the fact `amount` is folded to a number: declare its type as quantity"
    );
    assert_eq!(
        problem(twice),
        "the fact `amount` is defined twice: rename one of them"
    );
    let deep = format!("$[?{}@.a{}]", "(".repeat(200), ")".repeat(900));
    let long = format!("$.{}", "a".repeat(600));
    for path in [
        "",
        "a",
        "$.",
        "$[",
        "$[?@.a ~ 1]",
        &deep,
        &long,
        "$[?match(@.a, 'x')]",
        "$[?length(@.a) > 1]",
    ] {
        let path = definition(path, FactType::Text, Fold::Single);
        let shown = problem(vec![path]);
        assert!(
            shown.starts_with("the path of the fact `amount` cannot be used: "),
            "{shown}"
        );
    }
}

#[test]
fn says_why_a_body_cannot_be_read() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let too_deep = nested(65);
    let many = format!("[{}1]", "1,".repeat(100_000));
    let table: &[(&str, &[u8], &str)] = &[
        (
            "text/xml",
            b"<a/>",
            "facts are read from `application/json` and `application/x-www-form-urlencoded` bodies, not from `text/xml`",
        ),
        (
            "application/json; charset=utf-16",
            b"{}",
            "facts are read from `application/json` and `application/x-www-form-urlencoded` bodies, not from `application/json; charset=utf-16`",
        ),
        ("application/json", b"\"\xff\"", "the body is not UTF-8"),
        (
            "application/json",
            b"{\"a\":1,}",
            "the body is not JSON: trailing comma at line 1 column 8",
        ),
        (
            "application/json",
            b"{} {}",
            "the body is not JSON: trailing characters at line 1 column 4",
        ),
        (
            "application/json",
            b"{\"a\":1,\"\\u0061\":2}",
            "the body has the key `a` twice in one object",
        ),
        (
            "application/json",
            b"[NaN]",
            "the body is not JSON: expected value at line 1 column 2",
        ),
        (
            "application/json",
            b"[1e99999]",
            "the body has a number that is too long",
        ),
        (
            "application/json",
            too_deep.as_bytes(),
            "the body is nested more than 64 deep",
        ),
        (
            "application/json",
            many.as_bytes(),
            "the body has more than 100000 values",
        ),
        (
            "application/x-www-form-urlencoded",
            b"a=%f",
            "the form body has an escape that does not decode to UTF-8: `%f`",
        ),
        (
            "application/x-www-form-urlencoded",
            b"a=%ff",
            "the form body has an escape that does not decode to UTF-8: `%ff`",
        ),
    ];
    for (media_type, bytes, message) in table {
        let problem = Body::read(Some(media_type), bytes).unwrap_err();
        assert_eq!(problem.to_string(), *message);
    }
    assert!(Body::read(None, b"{}").is_err());
    assert!(Body::read(Some("application/vnd.x+json"), nested(64).as_bytes()).is_ok());
}

#[test]
fn a_body_that_cannot_be_read_leaves_the_facts_unread() {
    let facts = fact(
        FactSource::Body("$..a..b..c".to_owned()),
        FactType::Quantity,
        Fold::Count,
    );
    let mut read = facts.read_head(&Head::default());
    let json = Some("application/json");
    assert!(facts.read_body(&mut read, json, b"{").is_err());
    assert_eq!(read.0, [FactValue::Unread]);
    // Each `..` multiplies what a nested body makes of the one before it.
    let chain = format!("{}1{}", "{\"a\":[".repeat(31), "]}".repeat(31));
    let wide = format!("[{}1]", format!("{chain},").repeat(900));
    let wide = wide.replace("\"a\":[1]", "\"b\":[{\"c\":1}]");
    assert_eq!(
        facts.read_body(&mut read, json, wide.as_bytes()),
        Err(BodyProblem::TooCostly)
    );
    assert_eq!(read.0, [FactValue::Unread]);
    assert_eq!(facts.read_body(&mut read, None, b""), Ok(()));
    assert_eq!(read.0, [quantity("0")]);
}

#[test]
fn a_long_key_does_not_cost_more_than_its_length() {
    let key = "k".repeat(500_000);
    let many = "1,".repeat(40_000);
    let body = format!("{{\"{key}\":[{many}1]}}");
    let found = of_json("$[*][*]", FactType::Quantity, Fold::Sum, &body);
    assert_eq!(found, quantity("40001"));
}

/// Each of these would take seconds for a mebibyte, were only the elements of the list counted.
///
/// Shows: S-20.
#[test]
fn what_is_compared_with_each_element_counts_each_time() {
    let text = "x".repeat(200_000);
    let members: Vec<String> = (0..2_000).map(|at| format!("\"k{at}\":1,")).collect();
    let members = members.concat();
    let list = format!("[{}1]", "1,".repeat(999));
    for (path, rest) in [
        (
            "$.list[?$.x==$.y]",
            format!("\"x\":\"{text}\",\"y\":\"{text}\""),
        ),
        (
            "$.list[?$.x<$.y]",
            format!("\"x\":\"{text}\",\"y\":\"{text}\""),
        ),
        (
            "$.list[?$.big.last==1]",
            format!("\"big\":{{{members}\"last\":1}}"),
        ),
        (
            "$.list[?$.big.last]",
            format!("\"big\":{{{members}\"last\":1}}"),
        ),
        (
            &format!("$[{}'z']", "'none',".repeat(60)),
            format!("{members}\"n\":1"),
        ),
    ] {
        let facts = fact(
            FactSource::Body(path.to_owned()),
            FactType::Quantity,
            Fold::Count,
        );
        let body = format!("{{\"list\":{list},{rest}}}");
        let mut read = facts.read_head(&Head::default());
        let read = facts.read_body(&mut read, Some("application/json"), body.as_bytes());
        assert_eq!(read, Err(BodyProblem::TooCostly), "{path}");
    }
    let body = format!("{{\"x\":\"{text}\",\"list\":[{{\"k\":\"a\"}},{{\"k\":\"{text}\"}}]}}");
    let found = of_json("$.list[?@.k==$.x]", FactType::Quantity, Fold::Count, &body);
    assert_eq!(found, quantity("1"));
}

#[test]
fn the_account_in_a_body_is_read_and_replaced() {
    let json = Some("application/json");
    let body = br#"{ "x":[1,{"account":"no"}], "account" : "acct_1" , "z":1e2}"#;
    let read = Body::read(json, body).unwrap();
    assert_eq!(read.field("account"), BodyField::Text("acct_1"));
    assert_eq!(
        read.field("x"),
        BodyField::Unusable(UnusableFact::WrongType("text"))
    );
    assert_eq!(read.field("none"), BodyField::Absent);
    let replaced = replace_text_field(json, body, "account", "A\"C").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&replaced),
        r#"{ "x":[1,{"account":"no"}], "account" : "A\"C" , "z":1e2}"#
    );
    let form = Some("application/x-www-form-urlencoded");
    let body = b"a=%2B1&Account%53id=acct_1&b";
    assert_eq!(
        Body::read(form, body).unwrap().field("AccountSid"),
        BodyField::Text("acct_1")
    );
    let replaced = replace_text_field(form, body, "AccountSid", "A C").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&replaced),
        "a=%2B1&Account%53id=A%20C&b"
    );
    assert_eq!(&*replace_text_field(form, body, "none", "x").unwrap(), body);
    let twice = Body::read(form, b"a=1&a=1").unwrap();
    assert_eq!(
        twice.field("a"),
        BodyField::Unusable(UnusableFact::Ambiguous)
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for media_type in ["application/json", "application/x-www-form-urlencoded"] {
            drop(Body::read(Some(media_type), &bytes));
            drop(replace_text_field(Some(media_type), &bytes, "a", "b"));
        }
    }

    #[test]
    fn no_path_makes_it_panic(path in "\\$(\\.\\.?[a*]|\\[(-?[0-9]|[*]|'a'|-?[0-9]?:-?[0-9]?(:-?[0-9])?|\\?!?@(\\.a)?( (==|<) 1)?)\\]){0,4}") {
        if let Ok(path) = BodyPath::parse(&path) {
            let body = br#"{"a":[1,{"a":[0,1,2,{"b":null}]},"x"]}"#;
            let body = Body::read(Some("application/json"), body).unwrap();
            let mut steps = 10_000;
            prop_assert!(body.select(&path, &mut steps).is_ok());
        }
    }

    #[test]
    fn sums_are_those_of_the_integers(millionths in prop::collection::vec(-10_000_000_i64..1_000_000_000, 0..20)) {
        let list: Vec<String> = millionths
            .iter()
            .map(|&value| Quantity::from_millionths(value).to_string())
            .collect();
        let body = format!("[{}]", list.join(","));
        let sum = of_json("$[*]", FactType::Quantity, Fold::Sum, &body);
        let expected = if millionths.is_empty() {
            FactValue::Absent
        } else if millionths.iter().any(|&value| value < 0) {
            FactValue::Unusable(UnusableFact::BelowZero)
        } else {
            FactValue::Quantity(Quantity::from_millionths(millionths.iter().sum()))
        };
        prop_assert_eq!(sum, expected);
    }
}
