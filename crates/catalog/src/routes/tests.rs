use super::*;

fn routes(all: &[(&str, &str)]) -> Routes<String> {
    let mut routes = Routes::default();
    for (method, template) in all {
        let parsed = PathTemplate::parse(template).unwrap();
        let value = format!("{method} {template}");
        routes.insert(method, &parsed, value).unwrap();
    }
    routes
}

fn found(routes: &Routes<String>, method: &str, path: &str) -> String {
    let (path, trailing) = match path.strip_suffix('/') {
        Some(path) => (path, !path.is_empty()),
        None => (path, false),
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match routes.lookup(method, &segments, trailing) {
        Lookup::Found(found) => found.value.clone(),
        Lookup::MethodNotAllowed(methods) => methods.join(","),
        Lookup::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn the_most_specific_template_decides_and_the_method_comes_last() {
    let routes = routes(&[
        ("GET", "/"),
        ("GET", "/a"),
        ("GET", "/a/"),
        ("GET", "/a/{x}"),
        ("DELETE", "/a/{y}"),
        ("GET", "/a/{x}.json"),
        ("GET", "/a/{x}.min.json"),
        ("POST", "/a/new"),
        ("GET", "/a/new/{z}"),
        ("GET", "/a/{x}/deep/er"),
    ]);
    for (method, path, expected) in [
        ("GET", "/", "GET /"),
        ("GET", "/a", "GET /a"),
        ("GET", "/a/", "GET /a/"),
        ("GET", "/a/1", "GET /a/{x}"),
        ("GET", "/a/1/", "unknown"),
        ("DELETE", "/a/1", "DELETE /a/{y}"),
        ("GET", "/a/1.json", "GET /a/{x}.json"),
        ("GET", "/a/1.min.json", "GET /a/{x}.min.json"),
        ("GET", "/a/.json", "GET /a/{x}"),
        ("GET", "/a/new", "POST"),
        ("DELETE", "/a/1.json", "GET"),
        ("PUT", "/a/1", "DELETE,GET"),
        ("get", "/a/1", "DELETE,GET"),
        ("GET", "/a/new/1", "GET /a/new/{z}"),
        ("GET", "/a/new/deep/er", "GET /a/{x}/deep/er"),
        ("GET", "/b", "unknown"),
        ("GET", "/a//deep/er", "unknown"),
    ] {
        assert_eq!(found(&routes, method, path), expected, "{method} {path}");
    }
}

#[test]
fn refuses_two_templates_that_match_the_same_paths() {
    let mut routes = routes(&[("GET", "/a/{x}.json")]);
    let same = PathTemplate::parse("/a/{y}.json").unwrap();
    assert_eq!(
        routes
            .insert("GET", &same, String::new())
            .unwrap_err()
            .to_string(),
        "`GET /a/{y}.json` matches the same paths as `/a/{x}.json`: keep one of them"
    );
    assert_eq!(routes.insert("POST", &same, String::new()), Ok(()));
}

#[test]
fn a_long_path_over_many_wide_templates_is_looked_up_at_once() {
    let named = |front: &str, depth: usize| {
        (0..depth).fold(String::new(), |path, at| format!("{path}{front}{{x{at}}}"))
    };
    let templates: Vec<String> = (1..60)
        .map(|depth| format!("{}/end{depth}", named("/", depth)))
        .chain((1..60).map(|depth| format!("{}/end", named("/a", depth))))
        .collect();
    let all: Vec<(&str, &str)> = templates.iter().map(|t| ("GET", t.as_str())).collect();
    let routes = routes(&all);
    assert_eq!(found(&routes, "GET", &"/aa".repeat(63)), "unknown");
    assert_eq!(found(&routes, "GET", &"/aa".repeat(100_000)), "unknown");
}

#[test]
fn puts_another_value_in_the_place_of_a_parameter() {
    let routes = routes(&[("GET", "/Accounts/{Sid}.json"), ("GET", "/{a}.{b}/x")]);
    let segments = ["Accounts", "acct_1.json"];
    let Lookup::Found(found) = routes.lookup("GET", &segments, false) else {
        panic!("not found");
    };
    assert_eq!(found.param("Sid"), Ok(Some("acct_1")));
    assert_eq!(found.param("Other"), Ok(None));
    assert_eq!(
        found.replacing("Sid", "AC9"),
        Ok(Some((1, "AC9.json".to_owned())))
    );
    assert_eq!(found.replacing("Other", "AC9"), Ok(None));
    let Lookup::Found(found) = routes.lookup("GET", &["1.2.3", "x"], false) else {
        panic!("not found");
    };
    assert_eq!(found.param("a"), Err(AmbiguousParameter));
    assert_eq!(found.replacing("a", "9"), Err(AmbiguousParameter));
}
