use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use super::*;

fn sources(text: &str) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portreeve.toml");
    fs::write(&path, text).unwrap();
    let sources = Sources {
        file: Some(path),
        ..Sources::default()
    };
    (folder, sources)
}

fn messages(sources: &Sources) -> Vec<String> {
    let problems = load(sources).expect_err("refused");
    problems
        .to_string()
        .lines()
        .map(|line| {
            line.rsplit_once('/')
                .map_or(line, |(_, file)| file)
                .to_owned()
        })
        .collect()
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn later_sources_win_and_every_value_knows_its_origin() {
    let (folder, mut sources) = sources("[log]\nfilter = \"debug\"\n\n[limits]\nbody_bytes = 5\n");
    sources.environment = vec![
        variable("PORTREEVE__LIMITS__BODY_BYTES", "6"),
        variable("PORTREEVE__LIMITS__CONNECTIONS", "7"),
        variable("HOME", "/nowhere"),
        variable("PORTREEVE_TOKEN", "not ours"),
    ];
    sources.flags = vec![Flag {
        name: "--public",
        key: "listeners.public.address",
        value: "127.0.0.1:0".to_owned(),
    }];
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings.log.filter, "debug");
    assert_eq!(loaded.settings.limits.body_bytes, 6);
    assert_eq!(loaded.settings.limits.connections, 7);
    assert_eq!(loaded.settings.limits.head_seconds, 15);
    assert_eq!(loaded.settings.listeners.public.address.0.port(), 0);
    assert_eq!(
        loaded.origin("log.filter"),
        Origin::File {
            path: folder.path().join("portreeve.toml"),
            line: 2
        }
    );
    let shown = loaded.show(true);
    assert!(shown.contains("limits.body_bytes = 6  # environment PORTREEVE__LIMITS__BODY_BYTES"));
    assert!(shown.contains("listeners.public.address = \"127.0.0.1:0\"  # flag --public"));
    assert!(shown.contains("geo.mmdb_path = (unset)  # default"));
}

#[test]
fn everything_wrong_is_told_at_once_with_line_and_mend() {
    let (_folder, mut sources) = sources(
        "[limits]\nbody_byte = 5\nhead_bytes = \"many\"\n\n[store]\nmmdb_path = \"x\"\n\n\
         [listeners.public]\naddress = \"here\"\n\n[journal]\ndurability = \"hope\"\n\n[zoo]\na = 1\n",
    );
    sources.environment = vec![variable("PORTREEVE__PROXIES__HOPS", "300")];
    assert_eq!(
        messages(&sources),
        [
            "portreeve.toml:2: unknown key `limits.body_byte`; did you mean `limits.body_bytes`?",
            "portreeve.toml:3: `limits.head_bytes` takes a whole number, not negative, not `\"many\"`",
            "portreeve.toml:6: unknown key `store.mmdb_path`; did you mean `geo.mmdb_path`?",
            "portreeve.toml:9: `listeners.public.address`: `here` is not an address such as 127.0.0.1:8080 or [::]:8080",
            "portreeve.toml:12: `journal.durability` takes one of `strict`, `relaxed`, not `\"hope\"`",
            "portreeve.toml:14: unknown key `zoo`; `portreeve config schema` lists the keys",
            "environment PORTREEVE__PROXIES__HOPS: `proxies.hops` cannot be as large as `300`",
        ]
    );
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    let (_folder, broken) = sources("[log]\nfilter = \n");
    let messages = messages(&broken);
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0].starts_with("portreeve.toml:2: "),
        "{messages:?}"
    );
    let absent = Sources {
        file: Some(PathBuf::from("no-such-file.toml")),
        ..Sources::default()
    };
    let problem = load(&absent).expect_err("refused").to_string();
    assert!(problem.starts_with("no-such-file.toml:1: cannot be read"));
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "ptr_operator_secret\n").unwrap();
    let mut sources = Sources {
        environment: vec![variable(
            "PORTREEVE__OPERATOR__TOKEN_FILE",
            path.to_str().unwrap(),
        )],
        ..Sources::default()
    };
    let loaded = load(&sources).unwrap();
    let token = loaded.settings.operator.token.clone().unwrap();
    assert_eq!(token.0.expose(), "ptr_operator_secret");
    assert!(!loaded.show(true).contains("ptr_operator"));
    assert!(!format!("{loaded:?}").contains("ptr_operator"));

    sources
        .environment
        .push(variable("PORTREEVE__OPERATOR__TOKEN", "other"));
    assert!(messages(&sources)[0].contains("is set by two variables"));
}

/// Without `--dev` each unsafe setting is refused by name, and the mends are enough.
#[test]
fn production_refuses_unsafe_settings_until_mended() {
    let (folder, mut sources) = sources("[listeners.public]\naddress = \"0.0.0.0:8080\"\n");
    let made = |name: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (tls_key, certificate) = (made("k.pem", 0o640), made("c.pem", 0o644));
    sources.environment = vec![variable("PORTREEVE__LISTENERS__SITE__TLS_KEY", &tls_key)];
    let refused: Vec<String> = refusals(&load(&sources).unwrap(), false)
        .into_iter()
        .map(|refusal| refusal.key)
        .collect();
    assert_eq!(
        refused,
        [
            "listeners.site.tls_key",
            "keys.file",
            "installation.issuer",
            "operator.token",
            "listeners.public.address"
        ]
    );
    let keys = folder.path().join("keys.json");
    fs::write(&keys, "{}").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    sources.environment = vec![
        variable("PORTREEVE__LISTENERS__SITE__TLS_KEY", &tls_key),
        variable("PORTREEVE__LISTENERS__SITE__TLS_CERTIFICATE", &certificate),
        variable("PORTREEVE__LISTENERS__PUBLIC__BEHIND_TLS_PROXY", "true"),
        variable("PORTREEVE__KEYS__FILE", keys.to_str().unwrap()),
        variable("PORTREEVE__INSTALLATION__ISSUER", "https://a.example"),
        variable(
            "PORTREEVE__OPERATOR__TOKEN",
            "k7Qw2ZrT9xLmB4nVpY6sHd3fJg8cAe1u",
        ),
    ];
    let left = refusals(&load(&sources).unwrap(), false);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].mend.starts_with("run `chmod 600 "));
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(refusals(&load(&sources).unwrap(), false), []);
    fs::set_permissions(&tls_key, fs::Permissions::from_mode(0o644)).unwrap();
    let left = refusals(&load(&sources).unwrap(), false);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].mend.starts_with("run `chmod o= "));
}

#[test]
fn what_cannot_work_is_refused_in_dev_as_well() {
    let (_folder, sources) = sources(
        "[installation]\nissuer = \"not a url\"\nconsole = \"ftp://x\"\n\
         [limits]\ncalls = 0\nhead_seconds = 0\n[journal]\ngateway = \"../x\"\n\
         [mail]\nauthorities = \"/nowhere/m.pem\"\n\
         [geo]\nmmdb_path = \"/nowhere/country.mmdb\"\n\
         [listeners.public]\ntls_client_self_signed = true\n\
         [listeners.site]\ntls_client_authorities = \"/nowhere/a.pem\"\n\
         [listeners.ops]\ntls_certificate = \"/nowhere/c.pem\"\ntls_key = \"/nowhere/k.pem\"\n",
    );
    let refused: Vec<String> = refusals(&load(&sources).unwrap(), true)
        .into_iter()
        .map(|refusal| refusal.key)
        .collect();
    assert_eq!(
        refused,
        [
            "listeners.public.tls_client_self_signed",
            "listeners.site.tls_client_authorities",
            "limits.calls",
            "limits.head_seconds",
            "listeners.site.tls_client_authorities",
            "listeners.ops.tls_certificate",
            "listeners.ops.tls_key",
            "mail.authorities",
            "geo.mmdb_path",
            "installation.issuer",
            "installation.console",
            "journal.gateway",
        ]
    );
}

#[test]
fn a_section_is_not_taken_for_a_misspelt_key() {
    let (_folder, mut sources) = sources("[listners.public]\naddress = \"127.0.0.1:0\"\n");
    sources.environment = vec![variable("PORTREEVE__LIMITS", "3")];
    assert_eq!(
        messages(&sources),
        [
            "portreeve.toml:1: unknown key `listners`; did you mean `listeners`?",
            "environment PORTREEVE__LIMITS: `limits` is a section; name one of the keys in it",
        ]
    );
}

#[test]
fn the_reference_tells_every_key() {
    let page = reference_page();
    for key in keys() {
        assert!(!key.meaning.is_empty(), "{} has no meaning", key.path);
        let name = key.path.rsplit('.').next().unwrap();
        assert!(page.contains(&format!("| `{name}` |")), "{}", key.path);
    }
    assert!(page.contains("| `token` | secret text | unset |"));
    assert!(page.contains("one of `strict`, `relaxed`"));
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
}
