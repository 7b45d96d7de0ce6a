//! What is remembered of accounts that are alike never answers for one that is not.

use super::*;

const POLICIES: [(&str, &str); 3] = [
    (
        "plain",
        "permit(principal, action, resource) when { principal.has_verified_business_account };",
    ),
    (
        "staffed",
        "permit(principal in Level::\"default/advanced\", action, resource) \
         when { principal has staff && principal.staff > 3 };",
    ),
    (
        "segmented",
        "permit(principal, action, resource) when { principal has segments && principal.segments.contains(\"a,b\") };
         forbid(principal, action, resource) when { principal.switched_off.contains(\"B\") };",
    ),
];

const SEGMENTS: [&[&str]; 6] = [
    &["a", "b"],
    &["a,b"],
    &["a", ",b"],
    &["\"a,b\""],
    &[],
    &["b", "a,b"],
];

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// An asker, and what each of the policies says of it by their words alone.
fn asker(setup: &Setup, numbers: &mut Numbers) -> (Asker, [bool; 3]) {
    let level = [
        None,
        Some("standard"),
        Some("advanced"),
        Some("strategic-partner"),
    ][numbers.below(4)];
    let advanced = matches!(level, Some("advanced" | "strategic-partner"));
    let mut asker = setup.developer(level);
    let business = numbers.below(2) == 0;
    asker = asker.with(
        "has_verified_business_account",
        Attribute::Boolean(business),
    );
    let staff = numbers.below(8);
    if staff > 0 {
        let staff = Attribute::Integer(i64::try_from(staff).unwrap());
        asker = asker.with("staff", staff);
    }
    let segments = numbers.below(7);
    let chosen = SEGMENTS.get(segments).copied();
    if let Some(chosen) = chosen {
        let texts = chosen.iter().map(|text| (*text).to_owned()).collect();
        asker = asker.with("segments", Attribute::Texts(texts));
    }
    let off = numbers.below(3);
    if off > 0 {
        asker = asker.switched_off(setup.symbol(["A", "B"][off - 1]));
    }
    let in_segment = chosen.is_some_and(|chosen| chosen.contains(&"a,b"));
    let truth = [business, advanced && staff > 3, in_segment && off != 2];
    (asker, truth)
}

/// Shows: S-22, R-72.
#[test]
fn remembered_verdicts_are_those_of_the_policies_words() {
    let capabilities = [
        ("A", "plain"),
        ("B", "staffed"),
        ("C", "segmented"),
        ("D", "segmented"),
    ];
    let setup = Setup::new(&capabilities);
    let warm = setup.compile(&POLICIES).unwrap();
    let mut numbers = Numbers(72);
    let mut permitted = 0;
    for round in 0..2_000 {
        let (asker, truth) = asker(&setup, &mut numbers);
        let at = numbers.below(capabilities.len());
        let (capability, _) = capabilities[at];
        let verdict = setup.ask(&warm, capability, &asker);
        let expected = truth[at.min(2)];
        assert_eq!(
            verdict == PolicyVerdict::Permit,
            expected,
            "{round}: {capability} {verdict:?}"
        );
        permitted += usize::from(expected);
        if round % 100 == 0 {
            let cold = setup.compile(&POLICIES).unwrap();
            assert_eq!(setup.ask(&cold, capability, &asker), verdict, "{round}");
        }
    }
    assert!(
        (200..1_800).contains(&permitted),
        "{permitted} of 2000 permitted"
    );
}
