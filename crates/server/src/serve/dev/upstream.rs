use catalog::{AccountCredentials, Api, Upstream, UpstreamCredential, UpstreamIdentity};
use dev_upstream::{DevUpstream, Secrets};
use keys::IssuedFor;
use primitives::{Mode, Name, Secret};
use snapshot::Snapshot;
use state::{Document as _, document::Description};
use store::Kind;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    failure::{Failure, why},
    serve::house::House,
};

/// Who sets the secrets, for the event log.
const ACTOR: &str = "serve --dev";

/// A place on this machine for the upstream: the one of an earlier start when it is free, so
/// that a second start changes nothing in the state.
///
/// # Errors
/// When no port is free.
pub(super) async fn place(before: Option<&str>) -> Result<(TcpListener, String), Failure> {
    let port = before
        .and_then(|url| url.rsplit_once(':'))
        .and_then(|(_, port)| port.parse::<u16>().ok())
        .unwrap_or(0);
    let listener = match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(why("upstream"))?,
    };
    let address = listener.local_addr().map_err(why("upstream"))?;
    Ok((listener, format!("http://{address}")))
}

/// Serves every API whose upstream is at `url`, demanding what the state says that Portreeve
/// gives. Secrets without a value get one.
///
/// # Errors
/// When a secret cannot be set or a description not be served.
pub(super) async fn serve(
    house: &House,
    snapshot: &Snapshot,
    (listener, url): (TcpListener, &str),
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let signing = house.keys.signing_key().map_err(why("signing key"))?;
    let jwks = signing.jwks().to_string();
    let mut builder = DevUpstream::builder();
    for (_, api) in snapshot.catalogue().apis.iter() {
        let ours: Vec<&Upstream> = [&api.live, &api.test]
            .into_iter()
            .flatten()
            .map(|upstream| &**upstream)
            .filter(|upstream| upstream.url.starts_with(url))
            .collect();
        if ours.is_empty() {
            continue;
        }
        for upstream in &ours {
            set_missing_secrets(house, &upstream.credential).await?;
            if let UpstreamIdentity::Shared(secret) = &upstream.identity {
                set_missing(house, secret).await?;
            }
        }
        let of_accounts = of_accounts(snapshot, api);
        for (_, credentials) in &of_accounts {
            for credential in [&credentials.live, &credentials.test].into_iter().flatten() {
                set_missing_secrets(house, credential).await?;
            }
        }
        let text = description(house, api).await?;
        for upstream in ours {
            let of = |name: &Name| house.secrets.get(name.as_str());
            let secrets = Secrets {
                of: &of,
                jwks: &jwks,
            };
            let accounts = accounts(snapshot, api);
            let problem = || why(format!("the upstream of `{}`", api.name));
            builder = builder
                .upstream(upstream, &text, secrets, accounts)
                .map_err(problem())?;
            for (external_id, credentials) in &of_accounts {
                let is_live = api.live.as_deref() == Some(upstream);
                let mode = if is_live { Mode::Live } else { Mode::Test };
                if let Some(credential) = credentials.of(mode) {
                    builder = builder
                        .account(upstream, external_id, credential, secrets)
                        .map_err(problem())?;
                }
            }
        }
    }
    let stop = stop.clone();
    builder
        .serve(listener, async move { stop.cancelled().await })
        .map_err(why("upstream"))?;
    Ok(())
}

async fn description(house: &House, api: &Api) -> Result<String, Failure> {
    let name: Name = format!("{}@{}", api.name, api.version)
        .parse()
        .map_err(why("description"))?;
    let kept = house
        .authority
        .store
        .resource(Kind::Description, &name)
        .await
        .map_err(why("description"))?
        .ok_or_else(|| Failure::new(format!("the description `{name}` is not there")))?;
    let read = Description::from_body(&kept.body).map_err(why(name))?;
    Ok(read.text)
}

/// The upstream's own ids of the accounts that it knows.
fn accounts(snapshot: &Snapshot, api: &Api) -> Vec<String> {
    snapshot
        .accounts()
        .filter_map(|account| account.external_ids.get(&api.name).cloned())
        .collect()
}

/// The accounts that the upstream wants a credential of their own for, by its ids.
fn of_accounts(snapshot: &Snapshot, api: &Api) -> Vec<(String, AccountCredentials)> {
    snapshot
        .accounts()
        .filter_map(|account| {
            let credentials = account.upstream_credentials.get(&api.name)?;
            let external_id = account.external_ids.get(&api.name)?;
            Some((external_id.clone(), credentials.clone()))
        })
        .collect()
}

async fn set_missing_secrets(
    house: &House,
    credential: &UpstreamCredential,
) -> Result<(), Failure> {
    match credential {
        UpstreamCredential::None | UpstreamCredential::Mtls { .. } => Ok(()),
        UpstreamCredential::Header { secret, .. }
        | UpstreamCredential::Basic { secret, .. }
        | UpstreamCredential::ClientCredentials { secret, .. } => set_missing(house, secret).await,
    }
}

async fn set_missing(house: &House, name: &Name) -> Result<(), Failure> {
    if house.secrets.get(name.as_str()).is_some() {
        return Ok(());
    }
    let value = random(house)?;
    flows::set_secret(&house.authority, ACTOR, name, &value)
        .await
        .map_err(why(format!("the secret `{name}`")))?;
    house
        .secrets
        .refresh(&house.authority)
        .await
        .map(drop)
        .map_err(why("secrets"))
}

fn random(house: &House) -> Result<Secret, Failure> {
    keys::issue(IssuedFor::Operator, &*house.authority.entropy).map_err(why("a secret"))
}
