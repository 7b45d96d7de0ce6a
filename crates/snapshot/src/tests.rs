use std::{collections::BTreeMap, sync::Arc};

use decision::Vocabulary;
use primitives::{AppId, CredentialId, Mode, Name, Revision, Timestamp};
use proptest::prelude::*;
use state::{SourceFile, Sources};
use store::{Credential, Kind, Resource};

use crate::{Changes, Snapshot, SnapshotHandle};

mod following;
mod places;

const STATE: &str = include_str!("../../state/fixtures/market.yaml");
const DESCRIPTION: &str = include_str!("../../state/fixtures/market.openapi.yaml");

type Resources = BTreeMap<(Kind, Name), Resource>;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn resource(kind: Kind, name: Name, id: u128, body: String) -> Resource {
    Resource {
        kind,
        name,
        id,
        version: Revision(1),
        body,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}

/// The market of the state document's own tests, as the store would hold it.
fn market() -> Resources {
    let sources = Sources {
        files: vec![SourceFile {
            path: "market.yaml".to_owned(),
            text: STATE.to_owned(),
        }],
        descriptions: BTreeMap::from([("market.openapi.yaml".to_owned(), DESCRIPTION.to_owned())]),
        variables: [("upstream", "https://up.example"), ("nick", "n")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
    };
    let documents = state::parse(&sources).unwrap();
    let entries = documents.entries.into_iter().zip(1_u128..);
    entries
        .map(|(entry, id)| {
            let key = (entry.kind, entry.name.clone());
            (key, resource(entry.kind, entry.name, id, entry.body))
        })
        .collect()
}

fn key(id: u128, app: &Resource, profile: Option<&str>) -> Credential {
    Credential {
        id: CredentialId::from_u128(id),
        external_id: id.is_multiple_of(2).then(|| format!("old-{id}")),
        app: AppId::from_u128(app.id),
        app_name: app.name.clone(),
        mode: Mode::Live,
        hash: format!("sha256:{}", "0".repeat(64)),
        hint: "1234".to_owned(),
        permissions: profile.map(name),
        created_at: Timestamp::default(),
        expires_at: None,
        revoked_at: None,
        kind: store::CredentialKind::Key,
        signature: None,
        certificate: None,
    }
}

fn keys(resources: &Resources) -> Vec<Credential> {
    let shop = &resources[&(Kind::App, name("shop"))];
    let meter = &resources[&(Kind::App, name("meter"))];
    vec![
        key(1, shop, None),
        key(2, shop, Some("read-only")),
        key(3, meter, Some("all")),
        key(4, meter, Some("all")),
    ]
}

fn build(
    vocabulary: &Arc<Vocabulary>,
    revision: u64,
    resources: &Resources,
    keys: &[Credential],
) -> Result<Snapshot, Vec<state::Problem>> {
    let all: Vec<Resource> = resources.values().cloned().collect();
    Snapshot::build(Arc::clone(vocabulary), Revision(revision), &all, keys)
}

/// All but the vocabulary, which all snapshots share and which only grows.
fn catalogue(catalogue: &decision::Catalogue) -> String {
    let decision::Catalogue {
        vocabulary: _,
        apis,
        capabilities,
        ladders,
        limits,
        regions,
        lists,
        plans,
        index,
    } = catalogue;
    format!("{apis:?}{capabilities:?}{ladders:?}{limits:?}{regions:?}{lists:?}{plans:?}{index:?}")
}

/// Everything a decision could read of a snapshot, as text.
fn dump(snapshot: &Snapshot) -> String {
    let mut lines = vec![
        format!("{:?}", snapshot.revision()),
        catalogue(snapshot.catalogue()),
        format!("{:?}", snapshot.setup().profiles),
        format!("{:?}", snapshot.setup().properties),
        format!("{:?}", snapshot.setup().settings),
        format!("{:?}", snapshot.mounts),
    ];
    let mut members: Vec<String> = Vec::new();
    for account in snapshot.accounts() {
        assert!(std::ptr::eq(
            account,
            snapshot.account_named(account.name.as_str()).unwrap()
        ));
        members.push(format!("{account:?}"));
    }
    for app in snapshot.apps() {
        assert!(std::ptr::eq(
            app,
            snapshot.app_named(app.name.as_str()).unwrap()
        ));
        members.push(format!("{app:?}"));
    }
    for key in snapshot.credentials.iter() {
        // The keys of an app that is gone open nothing, whatever they hold.
        if snapshot.app(key.app()).is_some() {
            members.push(format!("{key:?}"));
        }
    }
    for entry in snapshot.external_credentials.iter() {
        let found = snapshot.credential(entry.credential.id()).unwrap();
        assert!(std::ptr::eq(found, &raw const *entry.credential));
        members.push(entry.external_id.to_string());
    }
    assert_eq!(snapshot.account_names.len(), snapshot.accounts.len());
    assert_eq!(snapshot.app_names.len(), snapshot.apps.len());
    members.sort();
    lines.extend(members);
    lines.join("\n")
}

/// Shows: P-17.
#[test]
fn a_whole_market_can_be_looked_up() {
    let resources = market();
    let snapshot = build(&Arc::default(), 3, &resources, &keys(&resources)).unwrap();
    assert_eq!(snapshot.app_count(), 2);
    let shop = snapshot.app_named("shop").unwrap();
    assert_eq!(
        snapshot.account(shop.developer).unwrap().name.as_str(),
        "acme"
    );
    let key = snapshot.credential_by_external_id("old-2").unwrap();
    assert_eq!(key.permissions().unwrap().name, Some(name("read-only")));
    let by_path = snapshot
        .mounted(Some("other.example"), "/market/ping")
        .unwrap();
    assert_eq!((by_path.api.name.as_str(), by_path.prefix), ("market", 7));
    assert_eq!(
        snapshot
            .mounted(Some("market.example"), "/ping")
            .unwrap()
            .prefix,
        0
    );
    for path in ["/marketplace", "/mark", "/", ""] {
        assert!(snapshot.mounted(None, path).is_none(), "{path}");
    }
    assert!(snapshot.routes(by_path.api.symbol).is_some());
}

#[test]
fn a_toggle_copies_one_shard_and_leaves_the_old_snapshot_alone() {
    let resources = market();
    let before = build(&Arc::default(), 3, &resources, &[]).unwrap();
    let mut shop = resources[&(Kind::App, name("shop"))].clone();
    shop.body = r#"{"developer":"acme","apis":["market"]}"#.to_owned();
    let changes = Changes {
        revision: Revision(4),
        puts: &[shop],
        ..Changes::default()
    };
    let after = before.changed(&changes).unwrap();
    assert!(!before.app_named("shop").unwrap().off.is_empty());
    assert!(after.app_named("shop").unwrap().off.is_empty());
    assert!(Arc::ptr_eq(before.setup(), after.setup()));
}

#[test]
fn equal_parts_are_kept_once() {
    let mut resources = market();
    for i in 0..50 {
        let body = r#"{"developer":"acme","apis":["market"],"off":["SELL"]}"#.to_owned();
        let app = resource(Kind::App, name(&format!("app-{i}")), 1_000 + i, body);
        resources.insert((Kind::App, app.name.clone()), app);
    }
    let snapshot = build(&Arc::default(), 3, &resources, &[]).unwrap();
    let [one, other] = ["app-1", "app-2"].map(|app| snapshot.app_named(app).unwrap());
    assert!(Arc::ptr_eq(&one.off, &other.off));
    assert!(Arc::ptr_eq(&one.subscriptions, &other.subscriptions));
    assert!(Arc::ptr_eq(&one.limits, &other.limits));
}

#[test]
fn what_is_referred_to_cannot_be_deleted() {
    let mut resources = market();
    // What the set-up itself refers to would hide that accounts do.
    resources.remove(&(Kind::RiskModel, name("default")));
    // A plan above no other is a fault of its own, and would hide that accounts are on the other.
    let calls = resources.get_mut(&(Kind::Limit, name("calls"))).unwrap();
    calls.body = calls.body.replace(
        r#""exhausted":{"offer_plan":"open"}"#,
        r#""exhausted":"refuse""#,
    );
    let before = build(&Arc::default(), 3, &resources, &keys(&resources)).unwrap();
    for (kind, gone, told) in [
        (
            Kind::Account,
            "acme",
            "list `trusted`, developers[0]: there is no account `acme`",
        ),
        (
            Kind::Account,
            "ann",
            "list `closed`, accounts[0]: there is no account `ann`",
        ),
        (
            Kind::App,
            "shop",
            "list `testers`, apps[0]: there is no app `shop`",
        ),
        (
            Kind::Profile,
            "all",
            "account `acme`, developer.profile: there is no profile `all`",
        ),
        (
            Kind::Plan,
            "free",
            "account `ann`, plan: there is no plan `free`",
        ),
        (
            Kind::Limit,
            "calls",
            "plan `free`, limits.calls: there is no limit `calls`",
        ),
        (
            Kind::Property,
            "wares",
            "account `acme`, properties.wares: there is no property",
        ),
        (Kind::Api, "market", "there is no api `market`"),
    ] {
        let changes = Changes {
            revision: Revision(4),
            deletes: &[(kind, name(gone))],
            ..Changes::default()
        };
        let problems = before.changed(&changes).unwrap_err();
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(lines.join("\n").contains(told), "{kind} {gone}: {lines:?}");
    }
}

#[test]
fn an_app_needs_a_developer() {
    let resources = market();
    let before = build(&Arc::default(), 3, &resources, &[]).unwrap();
    let mut bob = resources[&(Kind::Account, name("bob"))].clone();
    bob.body = r#"{"kind":"person","properties":{"has_stall":false,"staff":0}}"#.to_owned();
    let changes = Changes {
        revision: Revision(4),
        puts: &[bob],
        ..Changes::default()
    };
    let problems = before.changed(&changes).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "app `meter`, developer: the account `bob` is no developer's; \
         add `developer: {}` to the account"
    );
}

/// Bytes and fields that a mutation may put in.
const PIECES: [&str; 24] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "0",
    "-1",
    "null",
    "true",
    "\\u0000",
    "SELL",
    "SEL",
    "acme",
    "9999999999999999999",
    "1e9",
    "$.x[",
    "{stall}",
    "%",
    "\u{1F980}",
    "unlimited",
    "permit(",
    "default",
];

fn mutate(resources: &Resources, seed: &mut u64) -> Resources {
    let mut draw = |below: usize| {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap() % below.max(1)
    };
    let mut mutated = resources.clone();
    for _ in 0..=draw(3) {
        let keys: Vec<(Kind, Name)> = mutated.keys().cloned().collect();
        let key = &keys[draw(keys.len())];
        match draw(8) {
            0 => _ = mutated.remove(key),
            1 => {
                let other = mutated[&keys[draw(keys.len())]].body.clone();
                mutated.get_mut(key).unwrap().body = other;
            }
            2 => {
                let id = mutated[&keys[draw(keys.len())]].id;
                mutated.get_mut(key).unwrap().id = id;
            }
            _ => {
                let body = mutated[key].body.clone();
                let at = (0..=draw(body.len()))
                    .rev()
                    .find(|i| body.is_char_boundary(*i));
                let (before, after) = body.split_at(at.unwrap());
                let cut = draw(6).min(after.len());
                let after = after.get(cut..).unwrap_or(after);
                let piece = PIECES[draw(PIECES.len())];
                mutated.get_mut(key).unwrap().body = format!("{before}{piece}{after}");
            }
        }
    }
    mutated
}

/// Two thousand broken states: none panics, and none that is refused replaces the good one.
#[test]
fn two_thousand_mutated_snapshots_never_replace_the_good_one() {
    let good = market();
    let vocabulary = Arc::new(Vocabulary::default());
    let handle = SnapshotHandle::new(build(&vocabulary, 1, &good, &[]).unwrap());
    let in_force = dump(&handle.load());
    let (mut refused, mut seed) = (0, 42);
    for round in 0..2_000 {
        let mutated = mutate(&good, &mut seed);
        let built = if round % 10 == 0 {
            build(&vocabulary, 2, &mutated, &[])
        } else {
            let (puts, deletes) = difference(&good, &mutated);
            handle.load().changed(&Changes {
                revision: Revision(2),
                puts: &puts,
                deletes: &deletes,
                credentials: &[],
            })
        };
        if built.is_err() {
            refused += 1;
            handle.offer(built);
            assert!(handle.last_problem().is_some());
            assert_eq!(handle.load().revision(), Revision(1));
        }
    }
    assert_eq!(dump(&handle.load()), in_force);
    assert!((1_000..2_000).contains(&refused), "{refused} were refused");
}

fn difference(before: &Resources, after: &Resources) -> (Vec<Resource>, Vec<(Kind, Name)>) {
    let new = after
        .iter()
        .filter(|(key, new)| before.get(key) != Some(new));
    let gone = before.keys().filter(|key| !after.contains_key(key));
    (
        new.map(|(_, new)| new.clone()).collect(),
        gone.cloned().collect(),
    )
}

/// A way to change a market.
#[derive(Clone, Debug)]
enum Step {
    App(usize, usize),
    Account(usize, usize),
    Profile(usize),
    Plan(usize),
    List(usize),
    Limit(usize),
    Delete(usize),
    Key(u128, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..4, 0_usize..6).prop_map(|(a, b)| Step::App(a, b)),
        (0_usize..5, 0_usize..6).prop_map(|(a, b)| Step::Account(a, b)),
        (0_usize..3).prop_map(Step::Profile),
        (0_usize..3).prop_map(Step::Plan),
        (0_usize..3).prop_map(Step::List),
        (0_usize..3).prop_map(Step::Limit),
        (0_usize..40).prop_map(Step::Delete),
        (1_u128..8, 0_usize..3).prop_map(|(a, b)| Step::Key(a, b)),
    ]
}

const APPS: [&str; 6] = [
    r#"{"developer":"acme","apis":["market"]}"#,
    r#"{"developer":"bob","account":"ann","off":["SELL","PING"],"profile":"extra"}"#,
    r#"{"developer":"new","profile":"read-only"}"#,
    r#"{"developer":"ann"}"#,
    r#"{"developer":"acme","limits":{"calls":"5","lines":"unlimited"}}"#,
    r#"{"developer":"acme","off":["NOTHING"]}"#,
];
const ACCOUNTS: [&str; 6] = [
    r#"{"kind":"person"}"#,
    r#"{"kind":"company","verified":true,"developer":{"profile":"extra"}}"#,
    r#"{"kind":"company","plan":"extra","developer":{"on":["PING"]}}"#,
    r#"{"kind":"person","properties":{"staff":7},"external_ids":{"market":"AC2"}}"#,
    r#"{"kind":"person","developer":{"profile":"read-only","levels":{"wholesale":"bulk"}}}"#,
    r#"{"kind":"person","properties":{"staff":"many"}}"#,
];

/// The step as a put or a delete of what is there.
fn apply(step: &Step, now: &Resources) -> Result<Resource, (Kind, Name)> {
    let id = |kind: Kind, of: &Name, fresh: u128| {
        now.get(&(kind, of.clone())).map_or(fresh, |there| there.id)
    };
    let put = |kind: Kind, of: &str, body: &str| {
        let of = name(of);
        let id = id(kind, &of, 500 + u128::from(of.as_str().len() as u64));
        Ok(resource(kind, of, id, body.to_owned()))
    };
    match step {
        Step::App(which, body) => put(
            Kind::App,
            ["shop", "meter", "kiosk", "van"][*which],
            APPS[*body],
        ),
        Step::Account(which, body) => put(
            Kind::Account,
            ["acme", "ann", "bob", "new", "newer"][*which],
            ACCOUNTS[*body],
        ),
        Step::Profile(body) => put(
            Kind::Profile,
            ["extra", "read-only", "all"][*body],
            [
                r#"{"capabilities":["SELL"]}"#,
                r#"{"capabilities":["PING"]}"#,
                r#"{"capabilities":[]}"#,
            ][*body],
        ),
        Step::Plan(body) => put(
            Kind::Plan,
            ["extra", "free", "open"][*body],
            [r#"{"profile":"extra"}"#, r#"{"profile":"all"}"#, "{}"][*body],
        ),
        Step::List(body) => put(
            Kind::List,
            "extra",
            [
                r#"{"effect":"deny","apps":["kiosk"]}"#,
                r#"{"effect":"allow","developers":["new"]}"#,
                r#"{"effect":"deny","networks":["10.0.0.0/8"]}"#,
            ][*body],
        ),
        Step::Limit(body) => put(
            Kind::Limit,
            ["extra", "calls", "lines"][*body],
            r#"{"api":"market","counted":{"window":"day","per":"app"},"value":"5"}"#,
        ),
        Step::Delete(which) => {
            let keys: Vec<&(Kind, Name)> = now.keys().collect();
            Err(keys[which % keys.len()].clone())
        }
        Step::Key(..) => Err((Kind::App, name("nobody"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// A snapshot reached by changes is the snapshot built whole, and what one way refuses, the
    /// other refuses.
    #[test]
    fn changes_give_what_building_whole_gives(
        commits in proptest::collection::vec(proptest::collection::vec(step(), 1..4), 1..8),
    ) {
        let vocabulary = Arc::new(Vocabulary::default());
        let mut resources = market();
        let mut all_keys = keys(&resources);
        let mut snapshot = build(&vocabulary, 1, &resources, &all_keys).unwrap();
        for (revision, steps) in (2..).zip(&commits) {
            let mut next = resources.clone();
            let mut changed_keys: Vec<Credential> = Vec::new();
            for step in steps {
                match (step, apply(step, &next)) {
                    (Step::Key(id, profile), _) => {
                        let Some(app) = next.values().find(|r| r.kind == Kind::App) else { continue };
                        let profile = [None, Some("extra"), Some("all")][*profile];
                        // One commit has one state of a key, the last.
                        changed_keys.retain(|old| old.id.as_u128() != *id);
                        changed_keys.push(key(*id, app, profile));
                    }
                    (_, Ok(put)) => _ = next.insert((put.kind, put.name.clone()), put),
                    (_, Err(gone)) => _ = next.remove(&gone),
                }
            }
            let (puts, deletes) = difference(&resources, &next);
            let mut next_keys = all_keys.clone();
            for key in &changed_keys {
                next_keys.retain(|old| old.id != key.id);
                next_keys.push(key.clone());
            }
            let changes = Changes {
                revision: Revision(revision),
                puts: &puts,
                deletes: &deletes,
                credentials: &changed_keys,
            };
            let by_change = snapshot.changed(&changes);
            let whole = build(&vocabulary, revision, &next, &next_keys);
            match (by_change, whole) {
                (Ok(by_change), Ok(whole)) => {
                    prop_assert_eq!(dump(&by_change), dump(&whole));
                    (resources, all_keys, snapshot) = (next, next_keys, by_change);
                }
                (Err(_), Err(_)) => {}
                (by_change, whole) => prop_assert!(
                    false,
                    "by change: {:?}\nwhole: {:?}",
                    by_change.map(|_| ()),
                    whole.map(|_| ()),
                ),
            }
        }
    }
}
