use proptest::prelude::*;

use super::*;
use crate::{Lookup, Routes};

fn segments(path: &str) -> Vec<&str> {
    path.split('/').skip(1).collect()
}

/// What the parameters of `template` take of `path`, when it fits.
fn params(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut routes = Routes::default();
    let template = PathTemplate::parse(template).unwrap();
    routes.insert("GET", &template, ()).unwrap();
    let segments = segments(path);
    match routes.lookup("GET", &segments, false) {
        Lookup::Found(found) => Some(
            found
                .params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        ),
        _ => None,
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn takes_parameters_with_text_around_and_between_them() {
    let calls = "/Accounts/{AccountSid}/Calls/{Sid}.json";
    assert_eq!(
        params(calls, "/Accounts/AC1/Calls/CA2.json"),
        Some(pairs(&[("AccountSid", "AC1"), ("Sid", "CA2")]))
    );
    assert_eq!(params(calls, "/Accounts/AC1/Calls/.json"), None);
    assert_eq!(params(calls, "/Accounts/AC1/Calls/CA2"), None);
    let compare = "/repos/{repo}/compare/{base}...{head}";
    assert_eq!(
        params(compare, "/repos/r/compare/main...dev"),
        Some(pairs(&[("repo", "r"), ("base", "main"), ("head", "dev")]))
    );
    assert_eq!(
        params("/users(id='{id}')", "/users(id='7')"),
        Some(pairs(&[("id", "7")]))
    );
    assert_eq!(params("/a%20b/{x}", "/a b/ü"), Some(pairs(&[("x", "ü")])));
}

#[test]
fn shows_both_readings_of_a_parameter_without_a_unique_extent() {
    assert_eq!(
        params("/{file}.{ending}", "/a.tar.gz"),
        Some(pairs(&[
            ("file", "a"),
            ("file", "a.tar"),
            ("ending", "tar.gz"),
            ("ending", "gz")
        ]))
    );
    assert_eq!(
        params("/{file}.{ending}", "/a.gz"),
        Some(pairs(&[("file", "a"), ("ending", "gz")]))
    );
}

#[test]
fn says_what_is_wrong_with_a_template() {
    use TemplateProblem as P;
    type Kind = fn(String) -> P;
    let long = format!("/{}", "a/".repeat(70));
    let table: &[(&str, Kind)] = &[
        ("", P::NotRooted),
        ("a", P::NotRooted),
        ("/{a", P::Braces),
        ("/a}", P::Braces),
        ("/{a{b}}", P::Braces),
        ("/{}", P::Nameless),
        ("/{a}/b/{a}", P::SameName),
        ("/a?b={c}", P::Query),
        ("/a#b", P::Query),
        ("/%ff", P::Escape),
        (&long, P::TooLong),
    ];
    for (text, kind) in table {
        let shown = text.chars().take(120).collect();
        assert_eq!(PathTemplate::parse(text), Err(kind(shown)), "{text}");
    }
}

fn literal() -> impl Strategy<Value = String> {
    "[a-c.-]{1,3}"
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        literal(),
        Just("{p}".to_owned()),
        literal().prop_map(|suffix| format!("{{p}}{suffix}")),
        (literal(), literal(), literal())
            .prop_map(|(prefix, between, suffix)| format!("{prefix}{{p}}{between}{{q}}{suffix}")),
    ]
}

proptest! {
    #[test]
    fn a_template_matches_its_own_expansions(
        segments in prop::collection::vec(segment(), 1..5),
        values in prop::collection::vec("[a-cX.-]{1,4}", 10),
    ) {
        // Names are made unique, so that each value can be asked for.
        let mut count = 0;
        let text: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
        let mut numbered = String::new();
        for character in text.chars() {
            numbered.push(character);
            if matches!(character, 'p' | 'q') {
                numbered.push_str(&count.to_string());
                count += 1;
            }
        }
        let template = PathTemplate::parse(&numbered).unwrap();
        let mut given = Vec::new();
        let path = template.expand(|name| {
            let value = values[given.len() % values.len()].clone();
            given.push((name.to_owned(), value.clone()));
            value
        });
        let found = params(&numbered, &path).expect("it fits");
        let mut names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        names.dedup();
        prop_assert_eq!(names, template.parameters().collect::<Vec<_>>());
        for (name, value) in &given {
            // The value given is the one read, or the reading is marked as not unique.
            let read: Vec<_> = found.iter().filter(|(known, _)| known == name).collect();
            prop_assert!(read.len() == 2 || read[0].1 == *value, "{numbered} {path} {found:?}");
        }
    }

    #[test]
    fn whatever_is_read_puts_the_path_together_again(
        template in "(/[a-b.]{0,2}(\\{[pq]\\}[.-]{0,2}){0,3}){1,3}",
        path in "(/[a-b.-]{1,4}){1,3}",
    ) {
        let Ok(template) = PathTemplate::parse(&template) else { return Ok(()) };
        let mut routes = Routes::default();
        routes.insert("GET", &template, ()).unwrap();
        let segments = segments(&path);
        if let Lookup::Found(found) = routes.lookup("GET", &segments, false) {
            let mut names = template.parameters();
            let unique = found.params.len() == template.parameters().count()
                && found.params.iter().all(|(name, _)| names.next() == Some(*name));
            if unique {
                let mut values = found.params.iter();
                let again = template.expand(|_| values.next().unwrap().1.to_owned());
                prop_assert_eq!(again, path);
            }
        }
    }
}
