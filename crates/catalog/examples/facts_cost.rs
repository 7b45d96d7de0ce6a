//! What the costliest path costs in the costliest body, next to reading that body:
//! `cargo run --release -p catalog --example facts_cost`.

use std::{error::Error, hint::black_box, time::Instant};

use catalog::{Body, CompiledFacts, FactDefinition, FactSource, FactTable, FactType, Facts, Fold};

const JSON: Option<&str> = Some("application/json");
/// As `limits.decision_body_bytes` is when nothing is said.
const LONGEST_BODY: usize = 1 << 20;

type Case = (&'static str, String, String);

fn list_of(element: &str, most: usize) -> String {
    let count = most.min((LONGEST_BODY - 64) / (element.len() + 1));
    format!("[{}{element}]", format!("{element},").repeat(count - 1))
}

fn object_of(most: usize) -> String {
    let members: Vec<String> = (0..most).map(|at| format!("\"k{at:05}\":1")).collect();
    format!("{{{}}}", members.join(","))
}

fn long(half: &str, list: &str) -> String {
    let text = "x".repeat(LONGEST_BODY / 3);
    format!("{{\"x\":\"{text}\",\"{half}\":\"{text}\",\"list\":{list}}}")
}

fn cases() -> Vec<Case> {
    let names = |name: &str| vec![format!("'{name}'"); 480 / (name.len() + 3)].join(",");
    let deep = format!("{}1{}", "[".repeat(63), "]".repeat(63));
    let both = format!(
        "{{\"big\":{},\"list\":{}}}",
        object_of(40_000),
        list_of("{\"a\":2}", 20_000)
    );
    vec![
        ("every node", "$..*".into(), list_of("1", 16_000)),
        (
            "every node, many times",
            "$..*..*..*".into(),
            list_of(&deep, 1_500),
        ),
        (
            "members of a list",
            "$[*].amount".into(),
            list_of("{\"id\":\"7\",\"amount\":\"1.50\"}", 12_000),
        ),
        (
            "a filter",
            "$[?@.a==1||@.b==2||@.c==3]".into(),
            list_of("{\"d\":4}", 4_900),
        ),
        (
            "a filter that searches",
            "$..[?@..x]".into(),
            list_of(&deep, 1_500),
        ),
        (
            "a name, many times",
            format!("$[{}]", names("z")),
            object_of(60_000),
        ),
        (
            "a name of equal length",
            format!("$[{}]", names("k99999")),
            object_of(60_000),
        ),
        (
            "a slice backwards",
            "$[::-1][::-1]".into(),
            list_of("[1,2,3]", 20_000),
        ),
        (
            "a root's member",
            "$.list[?@.a==$.big.k39999]".into(),
            both.clone(),
        ),
        ("a root's path", "$.list[?$.big.k39999]".into(), both),
        (
            "a long text",
            "$.list[?$.x==@]".into(),
            long("y", &list_of("\"a\"", 20_000)),
        ),
        (
            "two long texts",
            "$.list[?$.x==$.y]".into(),
            long("y", &list_of("1", 90_000)),
        ),
        (
            "numbers",
            "$[?@==1.5e300]".into(),
            list_of("1.25e300", 12_000),
        ),
    ]
}

#[expect(
    clippy::disallowed_methods,
    reason = "the figure is of this machine's own clock"
)]
fn quickest<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut timed = || {
        let began = Instant::now();
        let done = black_box(work());
        (began.elapsed().as_secs_f64() * 1e3, done)
    };
    let mut best = timed();
    for _ in 0..20 {
        let again = timed();
        if again.0 < best.0 {
            best = again;
        }
    }
    best
}

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:<26} {:>9} {:>9} {:>9}",
        "", "bytes", "read ms", "facts ms"
    );
    for (what, path, body) in cases() {
        let table = FactTable(vec![FactDefinition {
            name: "n".parse()?,
            source: FactSource::Body(path),
            kind: FactType::Quantity,
            fold: Fold::Count,
        }]);
        let facts = CompiledFacts::compile(&table)?;
        let (reading, body_read) = quickest(|| Body::read(JSON, body.as_bytes()));
        let read = body_read?;
        let (finding, found) = quickest(|| facts.read_parsed(&mut Facts::default(), &read));
        let said = found.map_or_else(|problem| problem.to_string(), |()| String::new());
        println!(
            "{what:<26} {:>9} {reading:>9.2} {finding:>9.2} {said}",
            body.len()
        );
    }
    Ok(())
}
