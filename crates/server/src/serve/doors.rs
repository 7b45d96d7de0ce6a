use std::{io, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use admission::{Admission, Habits};
use config::Settings;
use flows::SecretBook;
use gateway::{Gateway, GatewayParts, UpstreamHealth, UpstreamSecrets, Workers};
use http_kit::{Edge, Proxies, ServeOptions, Surface, dress};
use primitives::{Name, Secret};
use prometheus_client::registry::Registry;
use quota::Counters;
use snapshot::{Loader, SnapshotHandle};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    failure::{Failure, why},
    serve::{
        house::House,
        listening::{Bound, Listening},
        ops::{self, Readiness},
        people::{Addresses, Staff},
        places::Places,
    },
};

/// The longest body of a form on a page.
pub(super) const PAGE_BODY: usize = 64 * 1024;
/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_mins(1);

/// What the doors share.
pub(crate) struct Rooms {
    pub(crate) admission: Arc<Admission>,
    pub(crate) snapshots: Arc<SnapshotHandle>,
    pub(crate) loader: Arc<Loader>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) habits: Arc<Habits>,
    pub(crate) places: Places,
    pub(crate) token: Secret,
}

/// The listeners at work.
pub(crate) struct Doors {
    gateway: Gateway,
    tasks: JoinSet<io::Result<()>>,
    /// Ends everything but `ops`, which tells about the drain until its end.
    stop: CancellationToken,
    ops: tokio::task::JoinHandle<io::Result<()>>,
    stop_ops: CancellationToken,
}

struct Opened(SecretBook);

impl UpstreamSecrets for Opened {
    fn secret(&self, name: &Name) -> Option<Secret> {
        self.0.get(name.as_str())
    }
}

impl Doors {
    /// Opens every door.
    ///
    /// # Errors
    /// When a part cannot be made.
    pub(crate) fn open(
        house: &House,
        rooms: &Rooms,
        listening: Listening,
        readiness: Readiness,
    ) -> Result<Self, Failure> {
        let settings = &house.loaded.settings;
        let mut registry = Registry::with_prefix("portreeve");
        house.watch.register(&mut registry);
        house.signed.register(&mut registry);
        let gateway = gateway(house, rooms, &listening, &mut registry)?;
        let seen = gateway.clone();
        let readiness = readiness.check("upstreams", move || Ok(told_of(&seen.upstreams())));
        let (stop, stop_ops) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        let Listening {
            public,
            site,
            management,
            ops,
        } = listening;
        let addresses = Addresses::of(settings, &public, (&site, &management));
        let staff = Staff::new((house, rooms), (addresses, gateway.clone()), &mut registry)?;
        let (token, door) = (stop.clone(), gateway.clone());
        let workers = Workers::begin(cores()).map_err(why("threads"))?;
        let served = async move {
            door.serve_by(workers, public.socket, public.tls, token)
                .await
        };
        tasks.spawn(served);
        let router = staff.office(&management)?;
        let options = options(settings, &management);
        tasks.spawn(http_kit::serve(
            management.socket,
            router,
            options,
            stop.clone(),
        ));
        let router = staff.site(&site)?;
        let options = self::options(settings, &site);
        tasks.spawn(http_kit::serve(site.socket, router, options, stop.clone()));
        let router = dress(
            ops::router(readiness, registry),
            edge(house, &ops, Surface::Api, PAGE_BODY),
        );
        let options = self::options(settings, &ops);
        let ops = tokio::spawn(http_kit::serve(
            ops.socket,
            router,
            options,
            stop_ops.clone(),
        ));
        Ok(Self {
            gateway,
            tasks,
            stop,
            ops,
            stop_ops,
        })
    }

    /// Waits until a listener is lost, which none should be.
    pub(crate) async fn lost(&mut self) -> Failure {
        match self.tasks.join_next().await {
            Some(Ok(Err(problem))) => Failure::new(format!("a listener is lost: {problem}")),
            _ => Failure::new("a listener ended without being told to"),
        }
    }

    /// Asks callers to come on new connections, for this process is about to go.
    pub(crate) fn leave(&self) {
        self.gateway.leave();
    }

    /// Takes no more connections and lets calls in progress end.
    pub(crate) async fn close(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.stop_ops.cancel();
        let _ = self.ops.await;
    }
}

/// How many threads serve calls: one for each core that the process may use.
fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn gateway(
    house: &House,
    rooms: &Rooms,
    listening: &Listening,
    registry: &mut Registry,
) -> Result<Gateway, Failure> {
    let settings = &house.loaded.settings;
    let issuer = settings.installation.issuer.clone();
    let parts = GatewayParts {
        admission: rooms.admission.as_ref().clone(),
        snapshots: Arc::clone(&rooms.snapshots),
        secrets: Arc::new(Opened(house.secrets.clone())),
        signing: house.keys.signing_key().map_err(why("signing key"))?,
        issuer: issuer.unwrap_or_else(|| listening.site.url.clone()),
        site: listening.site.url.clone(),
        clock: Arc::clone(&house.authority.clock),
        entropy: Arc::clone(&house.authority.entropy),
        limits: bounds(settings),
        authorities: match &settings.upstreams.authorities {
            None => Vec::new(),
            Some(path) => {
                gateway::read_authorities(path).map_err(why("`upstreams.authorities`"))?
            }
        },
    };
    Gateway::new(parts, registry).map_err(why("gateway"))
}

/// How upstreams fare. One that does not answer is no reason to keep calls from the others.
fn told_of(upstreams: &[UpstreamHealth]) -> String {
    let failing = upstreams.iter().filter(|upstream| upstream.failures > 0);
    let told: Vec<_> = failing
        .map(|upstream| {
            let UpstreamHealth {
                api, url, failures, ..
            } = upstream;
            format!("{api} at {url} did not answer the last {failures} calls")
        })
        .collect();
    match (upstreams.len(), told.is_empty()) {
        (0, _) => "none called yet".to_owned(),
        (many, true) => format!("{many} called, all answering"),
        (_, false) => told.join("; "),
    }
}

fn bounds(settings: &Settings) -> gateway::Limits {
    let limits = &settings.limits;
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    // Everybody comes from the address of a proxy that nothing names.
    let all_are_one =
        settings.listeners.public.behind_tls_proxy && settings.proxies.trusted.is_empty();
    gateway::Limits {
        connections: count(limits.connections),
        connections_per_address: if all_are_one {
            0
        } else {
            count(limits.connections_per_address)
        },
        calls: count(limits.calls),
        least_calls: count(limits.least_calls),
        body_memory: limits.body_memory_bytes,
        head_timeout: seconds(limits.head_seconds),
        keep_alive: seconds(limits.keep_alive_seconds),
        connection_total: Some(limits.connection_seconds)
            .filter(|most| *most > 0)
            .map(seconds),
        head_bytes: count(limits.head_bytes),
        decision_body_bytes: limits.decision_body_bytes,
        body_bytes: limits.body_bytes,
        body_idle: seconds(limits.body_idle_seconds),
        body_total: seconds(limits.body_seconds),
        connect_timeout: seconds(limits.connect_seconds),
        answer_idle: seconds(limits.answer_idle_seconds),
        drain: seconds(settings.shutdown.drain_seconds),
        idle_per_upstream: count(limits.idle_per_upstream),
        trusted_proxies: usize::from(settings.proxies.hops),
        proxy_networks: settings
            .proxies
            .trusted
            .iter()
            .map(|network| network.0)
            .collect(),
    }
}

pub(super) fn edge(house: &House, bound: &Bound, surface: Surface, body_limit: usize) -> Edge {
    Edge {
        surface,
        tls: bound.tls.is_some(),
        body_limit,
        hosts: bound.hosts.clone(),
        proxies: Arc::new(proxies(&house.loaded.settings, bound.behind)),
        body_time: BODY_TIME,
        entropy: Arc::clone(&house.authority.entropy),
    }
}

/// The proxies that are believed; one of which nothing is known hides where requests come from.
fn proxies(settings: &Settings, behind: bool) -> Proxies {
    let networks = settings.proxies.trusted.iter();
    Proxies {
        hops: usize::from(settings.proxies.hops),
        networks: networks.map(|network| network.0).collect(),
        hidden: behind && settings.proxies.hops == 0,
    }
}

fn options(settings: &Settings, bound: &Bound) -> ServeOptions {
    ServeOptions {
        tls: bound.tls.clone(),
        drain: Duration::from_secs(u64::from(settings.shutdown.drain_seconds)),
        ..ServeOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind a proxy that nothing names all callers have its address, and a bound of one
    /// address would be one of everybody.
    #[test]
    fn the_bound_of_an_address_is_off_where_all_callers_have_the_same() {
        let most = |behind: bool, trusted: &[&str]| {
            let mut settings = Settings::default();
            settings.limits.connections_per_address = 7;
            settings.listeners.public.behind_tls_proxy = behind;
            let trusted = trusted.iter().map(|network| network.parse().unwrap());
            settings.proxies.trusted = trusted.collect();
            bounds(&settings).connections_per_address
        };
        assert_eq!(most(false, &[]), 7);
        assert_eq!(most(true, &[]), 0);
        assert_eq!(most(true, &["10.0.0.0/8"]), 7);
    }
}
