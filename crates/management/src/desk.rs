use std::sync::Arc;

use admission::Admission;
use axum::extract::FromRef;
use flows::{Authority, RefusedPasskeys, RiskServices, Rules, SecretBook, VettingDesk};
use http_kit::Problem;
use keys::{CursorKey, HashedSecret};
use snapshot::{Loader, SnapshotHandle};

use crate::refusals::failed;

/// What the API works with.
#[derive(Clone)]
pub struct Management {
    /// Where changes are made.
    pub authority: Authority,
    /// What puts changes in force, and knows the newest snapshot.
    pub loader: Arc<Loader>,
    /// The risk services of others.
    pub services: RiskServices,
    /// What answers for an app.
    pub admission: Arc<Admission>,
    /// The opened secrets, to be read again when one is set.
    pub secrets: SecretBook,
    /// Hash of the operator token.
    pub token: Arc<HashedSecret>,
    /// Authenticates cursors.
    pub cursors: Arc<CursorKey>,
    /// Where the console is reached: scheme and authority.
    pub console: Arc<str>,
    /// How developers register.
    pub rules: Arc<Rules>,
    /// What counts passkeys that are refused.
    pub refused: RefusedPasskeys,
    /// Whether what mails say is shown, because none goes out.
    pub shows_mails: bool,
    /// Whether mails go out.
    pub sends_mails: bool,
}

impl FromRef<Management> for Arc<CursorKey> {
    fn from_ref(desk: &Management) -> Self {
        Arc::clone(&desk.cursors)
    }
}

impl Management {
    /// What vetting works with.
    pub(crate) fn vetting(&self) -> VettingDesk<'_> {
        VettingDesk {
            at: &self.authority,
            loader: &self.loader,
            services: &self.services,
        }
    }

    /// Where the newest snapshot stands.
    pub(crate) fn snapshots(&self) -> &SnapshotHandle {
        self.loader.handle()
    }

    /// Waits until a change that was committed is in force, so that the next call sees it.
    pub(crate) async fn settle(&self) -> Result<(), Problem> {
        self.loader.refresh().await.map(drop).map_err(failed)
    }
}
