//! What a policy may cost: refused when it is applied, or judged quickly.

use std::time::{Duration, Instant};

use super::*;

/// A millisecond of a released build; what tests run is some thirty times as slow, and twice
/// that beside others.
const QUICKLY: Duration = Duration::from_millis(60);

fn quickest(mut judge: impl FnMut()) -> Duration {
    let once = |_| {
        #[expect(
            clippy::disallowed_methods,
            reason = "the time it takes is what is tested"
        )]
        let began = Instant::now();
        judge();
        began.elapsed()
    };
    (0..7).map(once).min().unwrap()
}

fn refused(text: &str) -> Vec<String> {
    let setup = Setup::new(&[("A", "costly")]);
    let problems = setup.compile(&[("costly", text)]).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

/// Shows: S-20.
#[test]
fn a_policy_that_could_cost_too_much_is_refused_when_it_is_applied() {
    let when =
        |condition: &str| format!("permit(principal, action, resource) when {{ {condition} }};");
    let long = when(&vec!["principal.has_verified_business_account"; 600].join(" && "));
    let chain = when(&vec!["principal.verified"; 200].join(" || "));
    let wild = format!(
        "context.facts has channel && context.facts.channel like \"{}b\"",
        "*a".repeat(200)
    );
    let brackets = when(&format!("{}true{}", "(".repeat(65), ")".repeat(65)));
    let list = when(&format!("[{}1].contains(2)", "1,".repeat(1_000)));
    for (text, bound) in [
        (list, "at most 1000"),
        (long, "at most 16384"),
        (chain, "more than 100 deep"),
        (when(&wild), "at most 256"),
        (brackets, "more than 64 deep"),
    ] {
        let found = refused(&text);
        assert!(
            found.first().is_some_and(|found| found.contains(bound)),
            "{bound}: {found:?}"
        );
    }
    for nested in [
        when(&format!("{}true{}", "(".repeat(7_000), ")".repeat(7_000))),
        when(&format!("{}true", "!".repeat(9_000))),
        when(&format!(
            "{}1{} == 1",
            "-(".repeat(3_000),
            ")".repeat(3_000)
        )),
        when(&format!(
            "{}true{}",
            "if true then ".repeat(500),
            " else false".repeat(500)
        )),
        when(&format!(
            "[{}].isEmpty()",
            "[".repeat(6_000) + &"]".repeat(6_000)
        )),
    ] {
        // Refused, or taken and judged; either way this process is still here.
        refused(&nested);
    }
}

/// Shows: S-20.
#[test]
fn the_costliest_policy_that_is_taken_is_judged_quickly() {
    let stars = "*a".repeat(100);
    let wild = format!(
        "permit(principal, action, resource) when {{ context.facts has channel && context.facts.channel like \"{stars}b\" }};"
    );
    let many = format!(
        "permit(principal, action, resource) when {{ context.facts has amount && ({}) }};",
        vec!["context.facts.amount < -1"; 90].join(" || ")
    );
    let stated = |condition: &str| {
        format!(
            "permit(principal, action, resource) when {{ context.facts has amount && {condition} }};"
        )
    };
    let listed = |(one, parts): (&str, usize), sought: &str| {
        let list = vec![one; 980 / parts].join(",");
        stated(&format!("[{list}].contains({sought})"))
    };
    let statement = "permit(principal,action,resource)when{context.mode==\"\"};";
    let network = "ip(\"1.1.1.1\").isInRange(ip(\"0.0.0.0/0\"))";
    for text in [
        wild,
        many,
        statement.repeat(140),
        listed(("1", 1), "2"),
        listed(("ip(\"1.1.1.1\")", 2), "ip(\"1.1.1.2\")"),
        listed(("decimal(\"1.0\")", 2), "decimal(\"2.0\")"),
        listed((network, 5), "false"),
        listed(("[1,2]==[2,1]", 8), "false"),
        listed(("[[[[[1]]]]]", 6), "[[[[[2]]]]]"),
        listed(("{a:{a:1}}", 5), "{a:{a:2}}"),
    ] {
        let setup = Setup::new(&[("A", "costly")]);
        let policies = setup.compile(&[("costly", &text)]).unwrap();
        let mut asker = setup.developer(None).amount(quantity("7"));
        asker.facts.0[1] = FactValue::Text("a".repeat(1024).into());
        let took = quickest(|| {
            let verdict = setup.ask(&policies, "A", &asker);
            assert!(matches!(verdict, PolicyVerdict::Refuse(_)), "{verdict:?}");
        });
        println!("{took:?}: {}", text.get(..130).unwrap());
        assert!(took < QUICKLY, "{took:?}: {text}");
    }
    let text = "permit(principal, action, resource) when { context.facts has channel && context.facts.channel like \"*a\" };";
    let setup = Setup::new(&[("A", "costly")]);
    let policies = setup.compile(&[("costly", text)]).unwrap();
    let mut asker = setup.developer(None);
    asker.facts.0[1] = FactValue::Text("a".repeat(1025).into());
    let verdict = setup.ask(&policies, "A", &asker);
    let PolicyVerdict::Refuse(why) = verdict else {
        panic!("{verdict:?}");
    };
    assert!(why[0].contains("1024"), "{why:?}");
}
