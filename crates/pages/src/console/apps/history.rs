use serde::Serialize;
use store::{Credential, Event};

use crate::{
    console::{Console, PageProblem, events},
    views::{EventRow, link},
};

/// So many of them are shown.
const SHOWN: usize = 10;

/// What was changed of an app, of its keys, and marked or found of its calls, as far as the newest
/// part of the log tells.
#[derive(Serialize)]
pub(super) struct History {
    rows: Vec<EventRow>,
    /// The whole log of it.
    all: String,
}

impl History {
    pub(super) async fn of(
        console: &Console,
        app: &str,
        keys: &[Credential],
    ) -> Result<Self, PageProblem> {
        let is_key = |id: &str| keys.iter().any(|key| key.id.to_string() == id);
        let concerns = |event: &Event| match event.kind.as_str() {
            "app" | flows::ANOMALY_KIND => event.name == app,
            flows::CREDENTIAL_KIND => is_key(&event.name),
            _ => false,
        };
        let (found, _) = events::newest(console, None, SHOWN, &concerns).await?;
        Ok(Self {
            rows: events::rows(console, &found).await?,
            all: link("/console/events", &[("name", app)]),
        })
    }
}
