use std::path::Path;

use super::*;
use crate::{BodyKind, Lookup, OperationChange, ParameterPlace, diff};

const SMALL: &str = r"
openapi: 3.1.0
info: { title: Shop, version: 1.0 }
servers:
  - url: https://{region}.example.com/v1/
    variables: { region: { default: eu, enum: [eu, us] } }
  - url: /sandbox/v1
paths:
  x-note: ignored
  /orders/{id}:
    summary: One order
    parameters:
      - $ref: '#/components/parameters/Id'
      - { name: X-Trace, in: header }
    get:
      operationId: orders/get
      description: |
        Reads an order.
        And more.
      responses: { 200: { description: ok } }
    post:
      parameters: [ { name: X-Trace, in: header, required: true } ]
      deprecated: true
      requestBody: { $ref: '#/components/requestBodies/Order' }
      responses: { 200: { description: ok } }
  /copies/{id}:
    $ref: '#/components/pathItems/Copy'
  /orders/{id}.pdf:
    servers: [ { url: 'https://files.example.com/v1/files' } ]
    get: { operationId: orders/get.pdf, responses: {} }
components:
  parameters:
    Id: { name: id, in: path, required: true, schema: { type: string } }
  pathItems:
    Copy: { delete: { operationId: 'odd name!', responses: {} } }
  requestBodies:
    Order:
      content:
        application/json; charset=utf-8: { schema: { $ref: '#/components/schemas/Order' } }
        application/x-www-form-urlencoded: { schema: true }
        text/csv: {}
  schemas:
    Order:
      allOf:
        - $ref: '#/components/schemas/Order'
        - properties: { amount: {}, payee: {} }
        - oneOf: [ { properties: { pin: { $ref: 'other.yaml#/Pin' } } } ]
";

#[test]
fn reads_what_a_gateway_needs_and_skips_the_rest() {
    let description = import(SMALL).unwrap();
    assert_eq!(description.title, "Shop");
    assert_eq!(description.version, "1.0");
    assert_eq!(description.base_paths, ["/v1", "/sandbox/v1"]);
    let shown: Vec<_> = description
        .operations
        .iter()
        .map(|operation| (operation.id.as_str(), operation.key.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("odd-name", "DELETE /copies/{id}"),
            ("orders.get.pdf", "GET /files/orders/{id}.pdf"),
            ("orders.get", "GET /orders/{id}"),
            ("POST.orders.id", "POST /orders/{id}"),
        ]
    );
    let [_, pdf, get, post] = &description.operations[..] else {
        panic!("four operations");
    };
    assert_eq!(pdf.elsewhere.as_deref(), Some("https://files.example.com"));
    assert_eq!(get.elsewhere, None);
    assert_eq!(get.summary.as_deref(), Some("Reads an order."));
    let of = |operation: &DescribedOperation| -> Vec<_> {
        let parameters = operation.parameters.iter();
        parameters
            .map(|p| (p.name.clone(), p.place, p.required))
            .collect()
    };
    let id = ("id".to_owned(), ParameterPlace::Path, true);
    let trace = |required| ("x-trace".to_owned(), ParameterPlace::Header, required);
    assert_eq!(of(get), [id.clone(), trace(false)]);
    assert_eq!(of(post), [id, trace(true)]);
    assert!(post.deprecated);
    let bodies: Vec<_> = post
        .bodies
        .iter()
        .map(|body| (body.kind, body.properties.join(" ")))
        .collect();
    assert_eq!(
        bodies,
        [
            (BodyKind::Json, "amount payee pin".to_owned()),
            (BodyKind::Form, String::new()),
            (BodyKind::Other, String::new()),
        ]
    );
}

#[test]
fn an_operation_is_found_by_id_name_and_key() {
    let description = import(SMALL).unwrap();
    for text in ["orders/get", "orders.get", "GET /orders/{id}"] {
        let found = description.find(text).map(|operation| &*operation.key);
        assert_eq!(found, Some("GET /orders/{id}"), "{text}");
    }
    assert_eq!(description.find("GET /orders"), None);
}

/// Shows: P-58.
#[test]
fn the_report_says_which_operations_stay_closed() {
    let description = import(SMALL).unwrap();
    let report = description.report(["orders/get", "POST /orders/{id}", "gone"]);
    assert_eq!(report.annotated, ["GET /orders/{id}", "POST /orders/{id}"]);
    assert_eq!(
        report.closed,
        ["DELETE /copies/{id}", "GET /files/orders/{id}.pdf"]
    );
    assert_eq!(report.unknown, ["gone"]);
}

#[test]
fn names_are_unique_whatever_the_ids() {
    let long = "x".repeat(150);
    let text = format!(
        r#"{{"openapi":"3.0.0","info":{{"title":"t","version":"1"}},"paths":{{
        "/a/b":{{"get":{{"operationId":"a/b"}},"post":{{"operationId":"a.b"}}}},
        "/a-b":{{"get":{{}}}}, "/{{a}}-b":{{"get":{{}}}}, "/a/{{b}}":{{"get":{{"operationId":"GET.a-b"}}}},
        "/":{{"get":{{"operationId":"…"}}}}, "/{long}":{{"get":{{}}, "put":{{}}}}}}}}"#
    );
    let description = import(&text).unwrap();
    let mut names: Vec<_> = description
        .operations
        .iter()
        .map(|o| o.id.clone())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 8, "{names:?}");
    let again = import(&text).unwrap();
    assert_eq!(description, again);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row a problem")]
fn says_where_a_description_is_wrong_and_how_to_mend_it() {
    let json = |paths: &str| {
        format!(r#"{{"openapi":"3.0.3","info":{{"title":"t","version":"1"}},"paths":{paths}}}"#)
    };
    let table = [
        (
            String::new(),
            "/: `openapi` is missing: begin the description with `openapi: 3.1.0`",
        ),
        (
            "swagger: '2.0'".to_owned(),
            "`Swagger 2.0` is not OpenAPI 3.0 or 3.1: convert the description first",
        ),
        (
            "openapi: 4.0.0".to_owned(),
            "`OpenAPI 4.0.0` is not OpenAPI 3.0 or 3.1: convert the description first",
        ),
        (
            "openapi: 3.0.0".to_owned(),
            "/: `info` is missing: describe the API with a title and a version",
        ),
        (
            "openapi: 3.0.0\ninfo: {title: t, version: 1}".to_owned(),
            "/: `paths` is missing: describe at least one path, or write `paths: {}`",
        ),
        (
            "openapi: 3.0.0\ninfo: {title: t}\npaths: {}".to_owned(),
            "/info: `version` is missing: give the description a version",
        ),
        (json("[]"), "/paths: this must be an object"),
        (json(r#"{"/a":[]}"#), "/paths/~1a: this must be an object"),
        (
            json(r#"{"/a":{"get":1}}"#),
            "/paths/~1a/get: this must be an object",
        ),
        (json(r#"{"a":{}}"#), "/paths/a: `a` must begin with `/`"),
        (
            json(r#"{"/{a":{}}"#),
            "/paths/~1{a: `/{a` has a brace without its partner: write parameters as `{name}`",
        ),
        (
            json(r#"{"/a":{"get":{"parameters":[{"name":"x"}]}}}"#),
            "/paths/~1a/get/parameters/0: `in` is missing: say `path`, `query`, `header` or `cookie`",
        ),
        (
            json(r#"{"/a":{"get":{"parameters":[{"name":"x","in":"body"}]}}}"#),
            "/paths/~1a/get/parameters/0/in: this must be `path`, `query`, `header` or `cookie`",
        ),
        (
            json(r##"{"/a":{"get":{"parameters":[{"$ref":"#/components/x"}]}}}"##),
            "/paths/~1a/get/parameters/0/$ref: there is nothing at `#/components/x`: add it, or correct the reference",
        ),
        (
            json(r#"{"/a":{"$ref":"a.yaml"}}"#),
            "/paths/~1a/$ref: `a.yaml` is outside of this document: bundle the description into one file",
        ),
        (
            json(r##"{"/a":{"$ref":"#/paths/~1b"},"/b":{"$ref":"#/paths/~1a"}}"##),
            "/paths/~1a: the references lead in a circle",
        ),
        (
            json(r#"{"/a/{x}":{"get":{}},"/a/{y}":{"get":{}}}"#),
            "/paths/~1a~1{y}/get: `GET /a/{y}` matches the same paths as `/a/{x}`: keep one of them",
        ),
        (
            json(r#"{"/a":{"get":{"operationId":"x"}},"/b":{"get":{"operationId":"x"}}}"#),
            "/paths/~1b/get: the operationId `x` is also that of `GET /a`: rename one of them",
        ),
        (
            json(r#"{"/a":{"servers":[{"url":"https://x/{v}"}],"get":{}}}"#),
            "/paths/~1a/servers/0: the server `https://x/{v}` cannot be read: write a URL or a path",
        ),
        (
            json(r#"{"/a":{},"/a":{}}"#),
            "the description is neither JSON nor YAML: line 1 column 75: the key `/a` stands there twice: keep one of them",
        ),
        (
            "{\"openapi\":".to_owned(),
            "the description is neither JSON nor YAML: line 1 column 11: EOF while parsing a value",
        ),
        (
            "a:\n\t- b: [".to_owned(),
            "the description is neither JSON nor YAML: line 2",
        ),
        (
            "a: 1\na: 2".to_owned(),
            "the description is neither JSON nor YAML: line 2 column 1",
        ),
    ];
    for (text, message) in table {
        let problem = import(&text).unwrap_err().to_string();
        assert!(
            problem.starts_with(message),
            "{text}\n is: {problem}\nnot: {message}"
        );
    }
    let huge = " ".repeat(MOST_BYTES + 1);
    assert_eq!(import(&huge), Err(ImportProblem::TooLarge));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(import(&deep).is_err() && import(&format!("{{\"a\":{deep}}}")).is_err());
}

#[test]
fn a_re_import_says_what_changed() {
    let old = import(SMALL).unwrap();
    assert!(diff(&old, &old).is_empty());
    let new = SMALL
        .replace("/copies/{id}:", "/copies/{copy}:")
        .replace("/orders/{id}.pdf:", "/orders/{id}.svg:")
        .replace("deprecated: true", "deprecated: false")
        .replace("required: true } ]", "required: false } ]")
        .replace("amount: {}", "sum: {}");
    let changes = diff(&old, &import(&new).unwrap());
    assert_eq!(changes.added, ["GET /files/orders/{id}.svg"]);
    assert_eq!(changes.removed, ["GET /files/orders/{id}.pdf"]);
    let shown: Vec<String> = changes
        .changed
        .iter()
        .flat_map(|(key, changes)| {
            changes
                .iter()
                .map(move |change: &OperationChange| format!("{key}: {change}"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "DELETE /copies/{copy}: template /copies/{id} is now /copies/{copy}",
            "POST /orders/{id}: parameter x-trace is now optional",
            "POST /orders/{id}: property sum of application/json; charset=utf-8 is new",
            "POST /orders/{id}: property amount of application/json; charset=utf-8 is gone",
            "POST /orders/{id}: is no longer deprecated",
        ]
    );
}

/// Every operation matches a request made from its own template, and no other does.
fn each_matches_only_its_own(description: &Description) {
    let mut routes = Routes::default();
    for operation in &description.operations {
        routes
            .insert(&operation.method, &operation.template, &operation.key)
            .unwrap();
    }
    for operation in &description.operations {
        let mut count = 0;
        let path = operation.template.expand(|_| {
            count += 1;
            format!("V{count}")
        });
        let trailing = path.len() > 1 && path.ends_with('/');
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let segments = if path == "/" { &[][..] } else { &segments };
        match routes.lookup(&operation.method, segments, trailing) {
            Lookup::Found(found) => {
                assert_eq!(**found.value, operation.key);
                let values: Vec<_> = found.params.iter().map(|(_, value)| *value).collect();
                let given: Vec<_> = (1..=count).map(|i| format!("V{i}")).collect();
                assert_eq!(values, given, "{path}");
            }
            other => panic!("{} leads to {other:?}", operation.key),
        }
    }
}

/// The workspace root.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn real_descriptions_are_read_unmodified() {
    let folder = root().join("../shared/data/openapi");
    if !folder.is_dir() {
        println!("not run: ../shared/data/openapi is not there");
        return;
    }
    for (file, base, operations) in [
        ("paypal_billing_subscriptions_v1.json", "", 16),
        ("paypal_checkout_orders_v2.json", "", 8),
        ("paypal_customer_disputes_v1.json", "", 15),
        ("paypal_invoicing_v2.json", "", 20),
        ("paypal_payments_payouts_batch_v1.json", "", 4),
        ("twilio_api_v2010.json", "", 197),
        ("twilio_lookups_v2.json", "", 10),
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let description = import(&text).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        assert_eq!(description.operations.len(), operations, "{file}");
        assert_eq!(description.base_paths, [base], "{file}");
        each_matches_only_its_own(&description);
        if file.starts_with("twilio_api") {
            let create = description.find("CreateCall").unwrap();
            assert_eq!(
                create.key,
                "POST /2010-04-01/Accounts/{AccountSid}/Calls.json"
            );
            assert_eq!(create.bodies[0].kind, BodyKind::Form);
            assert!(create.bodies[0].properties.iter().any(|name| name == "To"));
        }
    }
}

#[test]
fn the_description_of_github_is_read_unmodified() {
    let file = root().join(".cache/npm/@octokit/openapi/generated/api.github.com.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("not run: .cache/npm/@octokit/openapi is not there");
        return;
    };
    let description = import(&text).unwrap();
    assert_eq!(description.operations.len(), 1_223);
    each_matches_only_its_own(&description);
    let upload = description.find("repos/upload-release-asset").unwrap();
    assert_eq!(
        upload.elsewhere.as_deref(),
        Some("https://uploads.github.com")
    );
}

#[test]
fn a_text_that_cannot_be_read_is_told_in_our_words() {
    let twice = import("openapi: 3.1.0\npaths: {}\npaths: {}\n").unwrap_err();
    assert_eq!(twice.position(), Some((3, 1)));
    let told = twice.to_string();
    assert!(
        told.ends_with("the key `paths` stands there twice: keep one of them"),
        "{told}"
    );
    assert_eq!(told.matches("line 3").count(), 1, "{told}");
    let mut chain = "openapi: 3.1.0\nx:\n  - &a0 x\n".to_owned();
    for i in 1..9 {
        let (open, close) = ("[".repeat(40), "]".repeat(40));
        chain = format!("{chain}  - &a{i} {open}*a{}{close}\n", i - 1);
    }
    let deep = import(&format!("{{\"openapi\": {}1", "[".repeat(5_000))).unwrap_err();
    assert!(deep.to_string().contains("recursion"), "{deep}");
    let deep = import(&chain).unwrap_err();
    assert!(deep.to_string().contains("nested too deeply"), "{deep}");
    assert_eq!(deep.pointer(), None);
    let two = import("openapi: 3.1.0\n---\nopenapi: 3.1.0\n").unwrap_err();
    assert!(two.to_string().contains("a second document"), "{two}");
    let version = import("openapi: 2.0\n").unwrap_err();
    assert_eq!(version.pointer(), Some("/openapi"));
}
