use std::{collections::BTreeMap, time::Duration};

use primitives::{AccountId, AppId, PageSize, Revision};
use state::{SourceFile, Sources};
use store::{EventAction, Kind};

use super::{Bench, bench, name};
use crate::{Applied, ApplyRefused, ApplyRequest, apply, diff, export};

pub(super) const STATE: &str = include_str!("../../../state/fixtures/market.yaml");
const DESCRIPTION: &str = include_str!("../../../state/fixtures/market.openapi.yaml");

fn sources(state: &str) -> Sources {
    let text = state.replace("${upstream}", "https://up.example");
    Sources {
        files: vec![SourceFile {
            path: "market.yaml".to_owned(),
            text,
        }],
        descriptions: BTreeMap::from([("market.openapi.yaml".to_owned(), DESCRIPTION.to_owned())]),
        variables: BTreeMap::from([("nick".to_owned(), "n".to_owned())]),
    }
}

fn request(state: &str) -> ApplyRequest {
    ApplyRequest {
        sources: sources(state),
        actor: "state file".to_owned(),
        ..ApplyRequest::default()
    }
}

/// A bench with a state in force.
pub(super) async fn bench_with(state: &str) -> Bench {
    let bench = bench().await;
    put(&bench, &request(state)).await.unwrap();
    bench
}

async fn put(bench: &Bench, request: &ApplyRequest) -> Result<Applied, ApplyRefused> {
    apply(&bench.at, request.clone(), &|_| Ok(None)).await
}

async fn revision(bench: &Bench) -> Revision {
    bench.at.store.revision().await.unwrap()
}

async fn exported(bench: &Bench) -> state::Rendered {
    export(&bench.at).await.unwrap()
}

#[tokio::test]
async fn applying_twice_changes_nothing_the_second_time() {
    let bench = bench().await;
    let first = put(&bench, &request(STATE)).await.unwrap();
    assert_eq!(first.revision, Revision(1));
    assert_eq!((first.unchanged, first.keys), (0, 2));
    assert_eq!(first.apis[0].annotated.len(), 3);
    let second = put(&bench, &request(STATE)).await.unwrap();
    assert!(!second.changed_anything());
    assert_eq!(second.unchanged, first.created.len());
    assert_eq!(revision(&bench).await, Revision(1));
}

/// Shows: P-17.
#[tokio::test]
async fn ids_are_given_once_and_kept() {
    let bench = bench().await;
    put(&bench, &request(STATE)).await.unwrap();
    let id = async |kind| {
        let of = if kind == Kind::App { "shop" } else { "acme" };
        bench
            .at
            .store
            .resource(kind, &name(of))
            .await
            .unwrap()
            .unwrap()
            .id
    };
    let before = (id(Kind::Account).await, id(Kind::App).await);
    assert_ne!(before.0, before.1);
    let changed = STATE.replace("title: Acme Ltd", "title: Acme Limited");
    let applied = put(&bench, &request(&changed)).await.unwrap();
    assert_eq!(applied.updated, [(Kind::Account, name("acme"))]);
    assert_eq!((id(Kind::Account).await, id(Kind::App).await), before);
    let key = bench.at.store.credentials_of(&name("meter")).await.unwrap();
    assert_eq!(key.len(), 2);
    assert!(
        AccountId::from_u128(before.0)
            .to_string()
            .starts_with("acct_")
    );
    assert_eq!(key[0].app, AppId::from_u128(id_of_meter(&bench).await));
}

async fn id_of_meter(bench: &Bench) -> u128 {
    let meter = name("meter");
    let meter = bench.at.store.resource(Kind::App, &meter).await;
    meter.unwrap().unwrap().id
}

#[tokio::test]
async fn a_bad_state_changes_nothing_at_all() {
    let bench = bench().await;
    put(&bench, &request(STATE)).await.unwrap();
    let before = exported(&bench).await;
    let bad = [
        STATE.replace("    level: standard\n", "    level: standart\n"),
        STATE.replace("principal.staff > 1", "principal.staf > 1"),
        STATE.replace("developer: bob", "developer: ann"),
        STATE.replace("id: old-key-2", "id: old-key-1"),
        STATE.replace("portreeve: 1", "portreeve: [1"),
        STATE.replace("operation: Ping", "operation: Pong"),
    ];
    for state in &bad {
        match put(&bench, &request(state)).await {
            Err(ApplyRefused::Wrong(problems)) => {
                assert_eq!(problems[0].file, "market.yaml", "{problems:?}");
                assert!(problems[0].line > 0, "{problems:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let mut request = request(STATE);
    let description = DESCRIPTION.replace("/ping:", "/ping{:");
    request.sources.descriptions = [("market.openapi.yaml".to_owned(), description)].into();
    assert!(put(&bench, &request).await.is_err());
    assert_eq!(exported(&bench).await, before);
    assert_eq!(revision(&bench).await, Revision(1));
}

#[tokio::test]
async fn what_is_exported_makes_the_same_state_elsewhere() {
    let (here, there) = (bench().await, bench().await);
    put(&here, &request(STATE)).await.unwrap();
    let written = exported(&here).await;
    assert!(
        !written.state.contains("sha256"),
        "hashes of secrets are not exported"
    );
    let again = ApplyRequest {
        sources: Sources {
            files: vec![SourceFile {
                path: "state.yaml".to_owned(),
                text: written.state.clone(),
            }],
            descriptions: written
                .descriptions
                .iter()
                .map(|file| (file.path.clone(), file.text.clone()))
                .collect(),
            variables: BTreeMap::new(),
        },
        ..ApplyRequest::default()
    };
    put(&there, &again).await.unwrap();
    assert_eq!(exported(&there).await, written);
    let difference = diff(&here.at, again).await.unwrap();
    assert!(!difference.applied.changed_anything());
    assert_eq!(difference.text, "");
}

#[tokio::test]
async fn a_difference_is_told_and_changes_nothing() {
    let bench = bench().await;
    put(&bench, &request(STATE)).await.unwrap();
    let changed = request(&STATE.replace("value: 7\n", "value: 9\n"));
    let difference = diff(&bench.at, changed.clone()).await.unwrap();
    assert!(difference.applied.changed_anything());
    for line in ["--- limit/lines", "-    value: '7'", "+    value: '9'"] {
        let told = difference.text.replace('"', "'");
        assert!(told.contains(line), "{told}");
    }
    let dry = ApplyRequest {
        dry_run: true,
        ..changed
    };
    let applied = put(&bench, &dry).await.unwrap();
    assert_eq!(applied.updated, [(Kind::Limit, name("lines"))]);
    assert_eq!(revision(&bench).await, Revision(1));
}

#[tokio::test]
async fn only_pruning_deletes_and_never_developers_unasked() {
    let bench = bench().await;
    put(&bench, &request(STATE)).await.unwrap();
    let less = STATE
        .replace("  - { name: open }\n", "")
        .replace("    plan: open\n", "")
        .replace("    exhausted: { offer_plan: open }\n", "")
        .replace("  - name: meter\n", "  - name: gauge\n");
    let kept = put(&bench, &request(&less)).await;
    // The new app would take over keys that belong to the old one.
    assert!(matches!(kept, Err(ApplyRefused::Wrong(_))), "{kept:?}");
    let pruned = ApplyRequest {
        prune: true,
        ..request(&less.replace("old-key", "new-key"))
    };
    let applied = put(&bench, &pruned).await.unwrap();
    let gone = [(Kind::Plan, name("open")), (Kind::App, name("meter"))];
    assert_eq!(applied.deleted, gone);
    let events = bench
        .at
        .store
        .events(Revision(1), PageSize::default())
        .await
        .unwrap();
    let deleted = events
        .iter()
        .filter(|event| event.action == EventAction::Deleted);
    assert_eq!(deleted.count(), 2);
    let keys = bench.at.store.credentials_of(&name("meter")).await.unwrap();
    assert!(keys.iter().all(|key| key.revoked_at.is_some()));

    let (setup, _) = STATE.split_once("accounts:\n").unwrap();
    let setup = setup
        .replace("  - { name: trusted, effect: allow, developers: [acme], capabilities: [GUILD_SALE] }\n", "")
        .replace("description: market.openapi.yaml", "description: market@1");
    let setup = ApplyRequest {
        prune: true,
        ..request(&setup)
    };
    let applied = put(&bench, &setup).await.unwrap();
    assert_eq!(applied.deleted, [(Kind::List, name("trusted"))]);
}

#[tokio::test]
async fn a_new_version_of_a_description_is_compared_with_the_old() {
    let bench = bench().await;
    put(&bench, &request(STATE)).await.unwrap();
    let mut again = request(STATE);
    let more = format!(
        "{DESCRIPTION}  /pong:\n    get:\n      responses: {{ '200': {{ description: done }} }}\n"
    );
    again.sources.descriptions = [("market.openapi.yaml".to_owned(), more)].into();
    let applied = put(&bench, &again).await.unwrap();
    assert_eq!(applied.reimports.len(), 1);
    assert!(!applied.reimports[0].changes.is_empty());
    assert_eq!(applied.apis[0].closed.len(), 1);
}

#[tokio::test]
async fn two_who_apply_at_once_both_get_in() {
    let bench = bench().await;
    put(&bench, &request(STATE)).await.unwrap();
    let one = request(&STATE.replace("value: 7\n", "value: 9\n"));
    let two = request("portreeve: 1\nplans:\n  - { name: other }\n");
    let (one, two) = tokio::join!(put(&bench, &one), put(&bench, &two));
    let mut revisions = [one.unwrap().revision, two.unwrap().revision];
    revisions.sort();
    assert_eq!(revisions, [Revision(2), Revision(3)]);
    assert!(exported(&bench).await.state.contains("name: other"));
}

/// A large state is read, compared and built apart from what else the process has to do.
#[tokio::test]
async fn a_large_apply_holds_nothing_up() {
    let bench = bench_with(STATE).await;
    let apps: Vec<String> = (0..3_000)
        .map(|number| format!("  - {{ name: app-{number}, developer: acme, apis: [market] }}\n"))
        .collect();
    let state = format!("portreeve: 1\napps:\n{}", apps.concat());
    let dry = ApplyRequest {
        dry_run: true,
        ..request(&state)
    };
    let (mut longest, mut last) = (Duration::ZERO, tokio::time::Instant::now());
    let begun = last;
    let applied = put(&bench, &dry);
    tokio::pin!(applied);
    let applied = loop {
        tokio::select! {
            applied = &mut applied => break applied.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
        longest = longest.max(last.elapsed());
        last = tokio::time::Instant::now();
    };
    assert_eq!(applied.created.len(), 3_000);
    let whole = begun.elapsed();
    assert!(longest < whole / 4, "held up for {longest:?} of {whole:?}");
}
