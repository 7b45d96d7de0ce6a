use std::{collections::BTreeMap, sync::Arc};

use catalog::{Api, FactValue, Facts, Operation};
use decision::{Account, App, Call, Caller, Evidence, Places, PolicyVerdict, Quick, decide};
use keys::{HashedSecret, HashingKey, IssuedFor, sha256};
use primitives::{
    AppId, CredentialId, Entropy, EntropyExhausted, Mode, Name, NameProblem, Quantity, Revision,
    Secret, Symbol, Timestamp,
};
use quota::{Calendar, Counters, Demand, Standing};
use snapshot::{Changes, PolicyEvidence, Snapshot};
use state::{Problem, SourceFile, Sources};
use store::{Credential, Kind as Of, Resource};

const DESCRIPTION: &str = r#"
openapi: 3.0.3
info: { title: Pay, version: "1" }
paths:
  /plain: { post: { operationId: Plain, requestBody: { content: { application/json: {} } }, responses: { "200": { description: done } } } }
  /judged: { post: { operationId: Judged, requestBody: { content: { application/json: {} } }, responses: { "200": { description: done } } } }
"#;

const STATE: &str = r#"
portreeve: 1
properties: [ { name: approved, type: boolean } ]
ladders: [ { name: default, levels: [ { name: standard }, { name: advanced } ] } ]
policies:
  - name: small-unless-approved
    cedar: |
      permit(principal, action, resource) when { principal.approved || (context.facts has amount && context.facts.amount < 1000000000) };
capabilities:
  - { name: PLAIN, level: standard }
  - { name: JUDGED, level: standard, policy: small-unless-approved }
limits:
  - { name: by-day, capabilities: [PLAIN, JUDGED], counted: { window: day, per: app }, value: 1000000000 }
  - { name: by-month, capabilities: [PLAIN, JUDGED], counted: { window: month, per: app }, value: 1000000000 }
  - { name: by-developer, capabilities: [PLAIN, JUDGED], counted: { window: week, per: developer }, value: 1000000000 }
  - { name: by-hour, capabilities: [PLAIN, JUDGED], counted: { window: { rolling: 1h }, per: app }, value: 1000000000 }
apis:
  - name: pay
    description: pay.openapi.yaml
    version: "1"
    mounts: [ { path: /pay } ]
    live: { url: "http://127.0.0.1:1", credential: none, timeout: 1s, identity: ed25519 }
    operations:
      - { operation: Plain, facts: { amount: { body: "$.amount", type: quantity } }, uses: [PLAIN] }
      - { operation: Judged, facts: { amount: { body: "$.amount", type: quantity } }, uses: [JUDGED] }
"#;

/// Apps of one developer.
const APPS_OF_ONE: usize = 10;
/// How many resources are read at once.
const CHUNK: usize = 20_000;

/// The call that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its capability has no policy.
    Plain,
    /// Its capability has a policy that looks at a fact of the request.
    Judged,
}

/// A provider with many apps.
#[derive(Debug)]
pub struct Provider {
    /// What decisions read.
    pub snapshot: Snapshot,
    /// What they count.
    pub counters: Counters,
    /// By which calendar.
    pub calendar: Calendar,
    /// How many apps there are.
    pub apps: usize,
}

/// One operation, looked up, ready to be called.
#[derive(Debug)]
pub struct Ready<'p> {
    provider: &'p Provider,
    api: &'p Api,
    operation: &'p Operation,
    facts: Facts,
    demands: Vec<Demand>,
}

/// A provider cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    /// Its state is wrong.
    #[error("{0:?}")]
    State(Vec<Problem>),
    /// A name is none.
    #[error(transparent)]
    Name(#[from] NameProblem),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyExhausted),
    /// What stands before it cannot be made.
    #[error("{0}")]
    Door(String),
}

impl From<Vec<Problem>> for Unmade {
    fn from(problems: Vec<Problem>) -> Self {
        Self::State(problems)
    }
}

struct Known<'p>(&'p Provider, Timestamp);

impl Evidence for Known<'_> {
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        PolicyEvidence::permits(&self.0.snapshot, policy, capability, call, facts)
    }

    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        _: &Api,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        PolicyEvidence::permits_settled(&self.0.snapshot, policy, capability, caller)
    }

    fn standing(&self, demand: &Demand) -> Standing {
        self.0.counters.standing(demand, self.1, &self.0.calendar)
    }
}

impl Provider {
    /// A provider with the set-up and no app.
    ///
    /// # Errors
    /// When the set-up is wrong.
    pub fn empty() -> Result<Self, Unmade> {
        let file = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let sources = Sources {
            files: vec![file("state.yaml", STATE)],
            descriptions: BTreeMap::from([("pay.openapi.yaml".to_owned(), DESCRIPTION.to_owned())]),
            variables: BTreeMap::new(),
        };
        let entries = state::parse(&sources)?.entries;
        let setup: Vec<_> = entries
            .into_iter()
            .map(|entry| resource(entry.kind, entry.name, 0, entry.body))
            .collect();
        Ok(Self {
            snapshot: Snapshot::build(Arc::default(), Revision(1), &setup, &[])?,
            counters: Counters::new(),
            calendar: Calendar::utc(),
            apps: 0,
        })
    }

    /// Adds the developers of `apps` apps.
    ///
    /// # Errors
    /// When a resource is wrong.
    pub fn add_developers(&mut self, apps: usize) -> Result<(), Unmade> {
        self.add(apps.div_ceil(APPS_OF_ONE), |number| {
            let body = developer_body(false);
            let name = name("developer", number)?;
            Ok((Some(resource(Of::Account, name, id(number), body)), None))
        })
    }

    /// Adds apps; their developers must be there.
    ///
    /// # Errors
    /// When a resource is wrong.
    pub fn add_apps(&mut self, apps: usize) -> Result<(), Unmade> {
        self.apps = apps;
        self.add(apps, |number| {
            let developer = name("developer", number / APPS_OF_ONE)?;
            let body =
                format!(r#"{{"developer":"{developer}","account":"{developer}","apis":["pay"]}}"#);
            let name = name("app", number)?;
            Ok((Some(resource(Of::App, name, app_id(number), body)), None))
        })
    }

    /// Adds one key for each app, of secrets that nobody has.
    ///
    /// # Errors
    /// When a key is wrong.
    pub fn add_keys(&mut self) -> Result<(), Unmade> {
        self.add(self.apps, |number| {
            let hash = HashedSecret::Keyed(sha256(&number.to_le_bytes()));
            Ok((None, Some(key(number, &hash)?)))
        })
    }

    /// Adds one key for each app, and tells them in the order of the apps.
    ///
    /// # Errors
    /// When a key is wrong.
    pub fn issue_keys(
        &mut self,
        hashing: &HashingKey,
        entropy: &dyn Entropy,
    ) -> Result<Vec<(CredentialId, Secret)>, Unmade> {
        let secrets = (0..self.apps).map(|_| keys::issue(IssuedFor::App(Mode::Live), entropy));
        let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
        self.add(secrets.len(), |number| {
            let hash = secrets.get(number).map(|secret| hashing.hash(secret));
            let made = hash.map(|hash| key(number, &hash)).transpose()?;
            Ok((None, made))
        })?;
        let id = |number| CredentialId::from_u128(app_id(number));
        Ok((0..).map(id).zip(secrets).collect())
    }

    fn add(
        &mut self,
        count: usize,
        make: impl Fn(usize) -> Result<(Option<Resource>, Option<Credential>), Unmade>,
    ) -> Result<(), Unmade> {
        for first in (0..count).step_by(CHUNK) {
            let (mut puts, mut credentials) = (Vec::new(), Vec::new());
            for number in first..count.min(first + CHUNK) {
                let (put, credential) = make(number)?;
                puts.extend(put);
                credentials.extend(credential);
            }
            self.snapshot = self.snapshot.changed(&Changes {
                revision: Revision(self.snapshot.revision().0 + 1),
                puts: &puts,
                deletes: &[],
                credentials: &credentials,
            })?;
        }
        Ok(())
    }

    /// The snapshot in which the developer of an app has `PLAIN` switched off, or on again.
    ///
    /// # Errors
    /// When the resource is wrong.
    pub fn toggled(&self, app: usize, off: bool) -> Result<Snapshot, Unmade> {
        let number = app / APPS_OF_ONE;
        let body = developer_body(off);
        let put = resource(Of::Account, name("developer", number)?, id(number), body);
        Ok(self.snapshot.changed(&Changes {
            revision: Revision(self.snapshot.revision().0 + 1),
            puts: &[put],
            deletes: &[],
            credentials: &[],
        })?)
    }

    /// Looks up an app and its developer.
    #[must_use]
    pub fn handle(&self, app: usize) -> Option<(&App, &Account)> {
        let app = self.snapshot.app(AppId::from_u128(app_id(app)))?;
        Some((app, self.snapshot.account(app.developer)?))
    }

    /// Looks up an operation.
    #[must_use]
    pub fn ready(&self, kind: Kind) -> Option<Ready<'_>> {
        let symbol = self.snapshot.vocabulary().apis.get("pay")?;
        let api = self.snapshot.catalogue().apis.get(symbol)?;
        let wanted = match kind {
            Kind::Plain => "Plain",
            Kind::Judged => "Judged",
        };
        let mut operations = api.operations.iter();
        Some(Ready {
            provider: self,
            api,
            operation: operations.find(|operation| operation.id.as_str() == wanted)?,
            facts: Facts(vec![FactValue::Quantity(Quantity::whole(12)?)]),
            demands: Vec::with_capacity(8),
        })
    }
}

impl Ready<'_> {
    /// Decides a call and takes its counters; whether it was admitted.
    pub fn call(&mut self, (app, developer): (&App, &Account), now: Timestamp) -> bool {
        let call = Call {
            api: self.api,
            operation: self.operation,
            caller: Caller {
                credential: CredentialId::from_u128(1),
                permissions: None,
                mode: Mode::Live,
                app,
                developer,
                account: Some(developer),
            },
            places: Places::default(),
        };
        let provider = self.provider;
        let evidence = Known(provider, now);
        let catalogue = provider.snapshot.catalogue();
        let quick = decide(catalogue, &call, &self.facts, &evidence, &mut self.demands);
        if quick != Quick::Granted {
            return false;
        }
        // What was taken stays taken, as when a call is served.
        let reserved = provider
            .counters
            .reserve(&self.demands, now, &provider.calendar);
        reserved.is_ok()
    }
}

fn resource(kind: Of, name: Name, id: u128, body: String) -> Resource {
    Resource {
        kind,
        name,
        id,
        version: Revision(1),
        body,
        created_at: Timestamp::from_seconds(0),
        updated_at: Timestamp::from_seconds(0),
    }
}

fn key(number: usize, hash: &HashedSecret) -> Result<Credential, Unmade> {
    Ok(Credential {
        id: CredentialId::from_u128(app_id(number)),
        external_id: None,
        app: AppId::from_u128(app_id(number)),
        app_name: name("app", number)?,
        mode: Mode::Live,
        hash: hash.to_string(),
        hint: "abcd".to_owned(),
        permissions: None,
        created_at: Timestamp::from_seconds(0),
        expires_at: None,
        revoked_at: None,
        kind: store::CredentialKind::Key,
        signature: None,
        certificate: None,
    })
}

fn developer_body(off: bool) -> String {
    let developer = if off { r#"{"off":["PLAIN"]}"# } else { "{}" };
    format!(
        r#"{{"kind":"company","verified":true,"country":"US","properties":{{"approved":false}},"developer":{developer}}}"#
    )
}

fn name(kind: &str, number: usize) -> Result<Name, NameProblem> {
    format!("{kind}-{number:07}").parse()
}

/// Spread as the ids of real things are.
fn id(number: usize) -> u128 {
    let number = number as u128 + 1;
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

fn app_id(number: usize) -> u128 {
    id(number).rotate_left(64)
}
