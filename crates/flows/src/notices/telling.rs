//! What an event tells developers.

use std::collections::BTreeSet;

use accounts::notices::NoticeKind;
use decision::App;
use primitives::{AccountId, AppId, CredentialId};
use serde_json::Value;
use snapshot::Snapshot;
use store::{Event, EventAction};

use crate::{ANOMALY_KIND, Application, CREDENTIAL_KIND, VETTING_KIND, level_of};

/// Who revokes what was reported as leaked, as the event log names them.
const LEAK_REPORT: &str = "leak report";
/// The kind of events that warn.
pub(super) const ALERT_KIND: &str = "alert";
/// The alert of a key that is about to end.
pub(super) const KEY_ENDS: &str = "credential.expiring";

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// Whom; `None` for everybody who uses one of `apis`.
    pub(super) account: Option<AccountId>,
    pub(super) kind: NoticeKind,
    pub(super) app: String,
    pub(super) apis: BTreeSet<String>,
    pub(super) says: String,
    /// Whether those who did it themselves are not told.
    pub(super) unless_own: bool,
}

/// What is known while events are told: the state before them and now.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) before: &'a Snapshot,
    pub(super) now: &'a Snapshot,
}

impl Telling {
    fn to(account: AccountId, kind: NoticeKind, says: String) -> Self {
        Self {
            account: Some(account),
            kind,
            app: String::new(),
            apis: BTreeSet::new(),
            says,
            unless_own: false,
        }
    }

    fn about(app: &App, kind: NoticeKind, says: String) -> Self {
        Self {
            app: app.name.to_string(),
            ..Self::to(app.developer, kind, says)
        }
    }

    fn to_all(kind: NoticeKind, apis: BTreeSet<String>, says: String) -> Option<Self> {
        (!apis.is_empty()).then(|| Self {
            account: None,
            kind,
            app: String::new(),
            apis,
            says,
            unless_own: false,
        })
    }
}

impl Known<'_> {
    /// What the event tells, if anybody; `with_vetting` when a vetting in the same commit tells of
    /// the account already.
    pub(super) fn telling(&self, event: &Event, with_vetting: bool) -> Option<Telling> {
        let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        match event.kind.as_str() {
            ALERT_KIND if text("alert") == KEY_ENDS => self.key_ends(event, text("app"), &detail),
            ALERT_KIND => self.quota(event, &detail),
            CREDENTIAL_KIND => self.key(event, &detail),
            ANOMALY_KIND => self.anomaly(text("app"), &detail),
            VETTING_KIND => self.vetting(event, &detail),
            "account" => self.account(event, with_vetting),
            "app" => self.app(event),
            "api" => {
                let says = format!("The API `{}` was {}.", event.name, done(event.action));
                let apis = BTreeSet::from([event.name.clone()]);
                Telling::to_all(NoticeKind::Api, apis, says)
            }
            "description" => {
                let (api, version) = event.name.split_once('@')?;
                let says = format!(
                    "The description of `{api}`, version {version}, was {}.",
                    done(event.action)
                );
                Telling::to_all(NoticeKind::Api, BTreeSet::from([api.to_owned()]), says)
            }
            "capability" => {
                let says = format!(
                    "The capability `{}` was {}.",
                    event.name,
                    done(event.action)
                );
                Telling::to_all(NoticeKind::Capability, self.users(&event.name), says)
            }
            _ => None,
        }
    }

    /// The APIs that use a capability, or did.
    fn users(&self, capability: &str) -> BTreeSet<String> {
        let of = |snapshot: &Snapshot| -> Vec<String> {
            let Some(symbol) = snapshot.vocabulary().capabilities.get(capability) else {
                return Vec::new();
            };
            let apis = snapshot.catalogue().apis.iter();
            let users = apis.filter(|(_, api)| {
                let mut uses = api.operations.iter().flat_map(|operation| &operation.uses);
                uses.any(|used| used.capability == symbol)
            });
            users.map(|(_, api)| api.name.to_string()).collect()
        };
        of(self.before).into_iter().chain(of(self.now)).collect()
    }

    fn quota(&self, event: &Event, detail: &Value) -> Option<Telling> {
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, how) = match text("alert") {
            "limit.nearing" => (NoticeKind::QuotaNearing, "80 % used"),
            "limit.reached" => (NoticeKind::QuotaReached, "used up"),
            _ => return None,
        };
        let anew = match text("ends_at") {
            "" => String::new(),
            ends => format!(" It starts anew {ends}."),
        };
        let (limit, mode) = (&event.name, text("mode"));
        let of = text("of");
        match text("per") {
            "app" => {
                let app = self.now.app(of.parse::<AppId>().ok()?)?;
                let name = &app.name;
                let says = format!(
                    "The limit `{limit}` of the app `{name}` is {how} in {mode} mode.{anew}"
                );
                Some(Telling::about(app, kind, says))
            }
            "credential" => {
                let key = self.now.credential(of.parse::<CredentialId>().ok()?)?;
                let app = self.now.app(key.app())?;
                let says =
                    format!("The limit `{limit}` of the key `{of}` is {how} in {mode} mode.{anew}");
                Some(Telling::about(app, kind, says))
            }
            "developer" | "account" => {
                let account = of.parse::<AccountId>().ok()?;
                self.now.account(account)?.developer.as_ref()?;
                let says = format!("Your limit `{limit}` is {how} in {mode} mode.{anew}");
                Some(Telling::to(account, kind, says))
            }
            _ => None,
        }
    }

    fn app_called(&self, named: &str) -> Option<&App> {
        let by_id = || self.now.app(named.parse::<AppId>().ok()?);
        self.now.app_named(named).or_else(by_id)
    }

    fn key_ends(&self, event: &Event, app: &str, detail: &Value) -> Option<Telling> {
        let app = self.app_called(app)?;
        let ends = detail.get("expires_at").and_then(Value::as_str)?;
        let says = format!(
            "The key `{}` of the app `{}` ends {ends}. Make another in time.",
            event.name, app.name
        );
        Some(Telling::about(app, NoticeKind::Key, says))
    }

    fn key(&self, event: &Event, detail: &Value) -> Option<Telling> {
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        let app = self.app_called(text("app")?)?;
        let (id, name) = (&event.name, &app.name);
        let says = match (event.action, text("revoked_at"), text("expires_at")) {
            (_, Some(_), _) if event.actor == LEAK_REPORT => format!(
                "Somebody reported the secret of the key `{id}` of the app `{name}` as leaked. It was revoked at once: make another, and find out where it leaked."
            ),
            (_, Some(_), _) => format!("The key `{id}` of the app `{name}` was revoked."),
            (EventAction::Created, ..) => {
                format!("A key of the app `{name}` was made: `{id}`.")
            }
            (EventAction::Deleted, ..) => {
                format!("The key `{id}` of the app `{name}` was deleted.")
            }
            (EventAction::Updated, None, Some(ends)) => {
                format!("The key `{id}` of the app `{name}` ends {ends}.")
            }
            (EventAction::Updated, None, None) => return None,
        };
        Some(Telling {
            unless_own: event.actor != LEAK_REPORT,
            ..Telling::about(app, NoticeKind::Key, says)
        })
    }

    /// What was unusual is not said: it would tell whoever took a key how to hide.
    fn anomaly(&self, app: &str, detail: &Value) -> Option<Telling> {
        let app = self.app_called(app)?;
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        let (name, mode) = (&app.name, text("mode"));
        let says = match text("alert") {
            "anomaly.alert" => format!(
                "Calls of the app `{name}` in {mode} mode were unlike those that it usually makes. If they were not yours, revoke its keys."
            ),
            "anomaly.refused" => format!(
                "Calls of the app `{name}` in {mode} mode were refused, because they were unlike those that it usually makes. If they were not yours, revoke its keys; if they were, ask the provider."
            ),
            "anomaly.step_down" => format!(
                "The app `{name}` stands lower in {mode} mode until {}, because its calls were unlike those that it usually makes. If they were not yours, revoke its keys; if they were, ask the provider.",
                text("until")
            ),
            "anomaly.step_down_ended" | "anomaly.fine" => format!(
                "The app `{name}` is no longer held back in {mode} mode for calls unlike its usual ones."
            ),
            _ => return None,
        };
        Some(Telling::about(app, NoticeKind::Anomaly, says))
    }

    fn vetting(&self, event: &Event, detail: &Value) -> Option<Telling> {
        let account = self.now.account_named(&event.name)?;
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        let ladder = text("ladder");
        let says = match text("state") {
            "in_review" => format!(
                "Your application on the ladder `{ladder}` waits for a person, who may ask you for what is not known yet."
            ),
            "approved" => match text("level") {
                "" => format!("Your application on the ladder `{ladder}` was approved."),
                level => format!(
                    "Your application on the ladder `{ladder}` was approved: your level is `{level}`."
                ),
            },
            "refused" => format!("Your application on the ladder `{ladder}` was refused."),
            "withdrawn" => format!("Your application on the ladder `{ladder}` was taken back."),
            _ => return None,
        };
        Some(Telling {
            unless_own: text("state") == "withdrawn",
            ..Telling::to(account.id, NoticeKind::Vetting, says)
        })
    }

    fn account(&self, event: &Event, with_vetting: bool) -> Option<Telling> {
        let account = self.now.account_named(&event.name)?;
        account.developer.as_ref()?;
        // Whoever has just come to be need not be told that they are there.
        if event.action == EventAction::Created {
            return None;
        }
        let levels = self.levels(&event.name);
        if !levels.is_empty() {
            let says = format!("Your level changed: {}.", levels.join("; "));
            return Some(Telling::to(account.id, NoticeKind::Level, says));
        }
        let says =
            "The provider changed your account: what is known of it, switches, limits or places.";
        let telling = Telling::to(account.id, NoticeKind::Account, says.to_owned());
        (!with_vetting).then_some(telling)
    }

    /// How levels differ from what they were.
    fn levels(&self, account: &str) -> Vec<String> {
        let Ok(account) = account.parse() else {
            return Vec::new();
        };
        let ladders = self.now.catalogue().ladders.iter();
        let changed = ladders.filter_map(|(symbol, _)| {
            let ladder = self.now.vocabulary().ladders.name(symbol);
            let ladder_name = ladder.parse().ok()?;
            let which = Application {
                account: &account,
                ladder: &ladder_name,
            };
            // Whoever was not there before stood on the lowest.
            let (before, now) = (level_of(self.before, which), level_of(self.now, which));
            let word = |level: Option<primitives::Name>| {
                level.map_or_else(|| "the lowest".to_owned(), |level| format!("`{level}`"))
            };
            (before != now).then(|| format!("on `{ladder}` from {} to {}", word(before), word(now)))
        });
        changed.collect()
    }

    fn app(&self, event: &Event) -> Option<Telling> {
        let app = self.now.app_named(&event.name);
        let (app, says) = match app {
            Some(app) if event.action == EventAction::Created => {
                (app, format!("The app `{}` was made for you.", app.name))
            }
            Some(app) => (app, format!("The app `{}` was changed.", app.name)),
            None => {
                let app = self.before.app_named(&event.name)?;
                (app, format!("The app `{}` was deleted.", app.name))
            }
        };
        Some(Telling {
            unless_own: true,
            ..Telling::about(app, NoticeKind::Account, says)
        })
    }
}

const fn done(action: EventAction) -> &'static str {
    match action {
        EventAction::Created => "added",
        EventAction::Updated => "changed",
        EventAction::Deleted => "removed",
    }
}
