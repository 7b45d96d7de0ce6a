use std::sync::Arc;

use accounts::profile::Profile;
use async_trait::async_trait;
use keys::sign_message;
use primitives::{EventId, Name, PageSize};
use serde::Deserialize;
use serde_json::{Value, json};
use snapshot::Snapshot;
use state::document::{Account, RiskService};
use store::DeveloperRecord;

use super::Application;
use crate::{Authority, SecretBook, Unable};

/// Points of a risk service beyond these are no answer.
const MOST_POINTS: i64 = 1_000;

/// So many of the newest records are sent.
const RECORDS: u32 = 100;

/// Carries a question to a risk service.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Posts a JSON body, and gives the body of an answer that is a success.
    ///
    /// # Errors
    /// When nothing came back that is one, told in words.
    async fn post(
        &self,
        url: &str,
        headers: [(&'static str, String); 3],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, String>;
}

/// The risk services of others, with what is needed to ask them.
#[derive(Clone)]
pub struct RiskServices {
    /// What they are asked with.
    pub carrier: Arc<dyn Carrier>,
    /// The secrets that questions are signed with.
    pub secrets: SecretBook,
}

/// What a service answers. It may say more, which is not for us.
#[derive(Deserialize)]
struct Answer {
    points: i64,
}

impl std::fmt::Debug for RiskServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RiskServices")
    }
}

impl RiskServices {
    /// The points that the service of a ladder gives an account; none when there is no service,
    /// or no answer from it.
    pub(super) async fn points(
        &self,
        at: &Authority,
        snapshot: &Snapshot,
        (which, account, profile): (Application<'_>, &Account, &Profile),
    ) -> Result<Option<i64>, Unable> {
        let Some(service) = snapshot.setup().risk_services.get(which.ladder) else {
            return Ok(None);
        };
        let id = EventId::new(&*at.clock, &*at.entropy)?.to_string();
        let size = PageSize::clamped(RECORDS);
        let records = at
            .store
            .developer_records(which.account, None, size)
            .await?;
        let body = question(which, account, (profile, &records));
        match self.ask(at, service, (&id, body)).await {
            Ok(points) => Ok(Some(points)),
            Err(problem) => {
                let ladder: &Name = which.ladder;
                tracing::warn!(%ladder, service = %service.name, problem, "a risk service gave no points");
                Ok(None)
            }
        }
    }

    async fn ask(
        &self,
        at: &Authority,
        service: &RiskService,
        (id, body): (&str, Vec<u8>),
    ) -> Result<i64, String> {
        let secret = self.secrets.get(service.secret.as_str());
        let secret = secret.ok_or_else(|| format!("the secret `{}` is not set", service.secret))?;
        let headers = sign_message(&secret, id, at.clock.now(), &body);
        let answer = self.carrier.post(&service.url, headers, body).await?;
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|_| "its answer has no whole number `points`".to_owned())?;
        if !(-MOST_POINTS..=MOST_POINTS).contains(&answer.points) {
            return Err(format!("its points are beyond {MOST_POINTS}"));
        }
        Ok(answer.points)
    }
}

/// What is known of the account: what the model itself looks at, the newest records as they came,
/// and no secret.
fn question(
    which: Application<'_>,
    account: &Account,
    (profile, records): (&Profile, &[DeveloperRecord]),
) -> Vec<u8> {
    let profile = profile.lines().map(|(about, line)| {
        json!({
            "source": about.source,
            "kind": about.kind,
            "fact": about.fact,
            "count": line.count,
            "sum": line.sum,
            "least": line.least,
            "most": line.most,
        })
    });
    let records = records.iter().map(|one| {
        json!({
            "source": one.source,
            "kind": one.kind,
            "reference": one.reference,
            "at": one.at.to_string(),
            "facts": serde_json::from_str::<Value>(&one.facts).unwrap_or_default(),
        })
    });
    let question = json!({
        "account": which.account,
        "ladder": which.ladder,
        "title": account.title,
        "kind": account.kind,
        "country": account.country,
        "properties": account.properties,
        "profile": profile.collect::<Vec<_>>(),
        "records": records.collect::<Vec<_>>(),
    });
    question.to_string().into_bytes()
}
