//! What people see: the operator's console and the developers' site, and how developers register.

use std::{fs, sync::Arc};

use axum::{Json, Router, extract::Request, routing::get};
use config::{Admits, Settings};
use flows::{Gate, Origins, RefusedPasskeys, Rules, Terms};
use gateway::Gateway;
use http_kit::{Surface, dress};
use management::Management;
use pages::{Console, Mails, Place, Side};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tower::ServiceExt as _;

use super::doors::{PAGE_BODY, Rooms, edge};
use crate::{
    failure::{Failure, why},
    serve::{house::House, listening::Bound, trying::WithinProcess},
};

/// Where people find everything.
#[derive(Clone)]
pub(super) struct Addresses {
    public: String,
    origins: Origins,
}

impl Addresses {
    pub(super) fn of(
        settings: &Settings,
        public: &Bound,
        (site, management): (&Bound, &Bound),
    ) -> Self {
        let installation = &settings.installation;
        let known = |named: &Option<String>, bound: &Bound| {
            let text = named.clone().unwrap_or_else(|| bound.url.clone());
            text.trim_end_matches('/').to_owned()
        };
        Self {
            public: public.url.clone(),
            origins: Origins {
                name: installation.name.clone(),
                site: known(&installation.issuer, site),
                console: known(&installation.console, management),
            },
        }
    }
}

impl Addresses {
    /// Where mails lead; none when none goes.
    pub(super) fn mailed(&self, house: &House) -> Option<Origins> {
        (house.post.is_some() || house.dev).then(|| self.origins.clone())
    }
}

/// How developers register, as it is set up.
fn rules(house: &House, origins: Origins) -> Result<Rules, Failure> {
    let settings = &house.loaded.settings.registration;
    let unset = if house.dev {
        Admits::Everybody
    } else {
        Admits::Nobody
    };
    let terms = match (&settings.terms_file, &settings.terms_version) {
        (Some(path), Some(version)) => Some(Terms {
            version: version.clone(),
            text: fs::read_to_string(path).map_err(why("`registration.terms_file`"))?,
        }),
        _ => None,
    };
    Ok(Rules {
        admits: match settings.admits.unwrap_or(unset) {
            Admits::Nobody => flows::Admits::Nobody,
            Admits::Invited => flows::Admits::Invited,
            Admits::Everybody => flows::Admits::Everybody,
        },
        terms,
        per_network_hour: settings.per_network_hour,
        email_verifies: settings.email_verifies,
        origins,
    })
}

/// What REST and pages of both sides work with.
pub(super) struct Staff<'a> {
    house: &'a House,
    rooms: &'a Rooms,
    addresses: Addresses,
    rules: Rules,
    gate: Arc<dyn Gate>,
    refused: RefusedPasskeys,
}

/// Why a passkey was refused: a word of ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabel {
    why: &'static str,
}

/// Counts passkeys that are refused, for whoever watches the installation.
fn counted(registry: &mut Registry) -> RefusedPasskeys {
    let refused = Family::<WhyLabel, Counter>::default();
    registry.register(
        "passkeys_refused",
        "Passkeys that were refused, by reason",
        refused.clone(),
    );
    RefusedPasskeys::counted(move |why| {
        let label = WhyLabel { why: why.as_str() };
        refused.get_or_create(&label).inc();
    })
}

impl<'a> Staff<'a> {
    pub(super) fn new(
        (house, rooms): (&'a House, &'a Rooms),
        (addresses, gateway): (Addresses, Gateway),
        registry: &mut Registry,
    ) -> Result<Self, Failure> {
        let rules = rules(house, addresses.origins.clone())?;
        let entropy = Arc::clone(&house.authority.entropy);
        let gate = WithinProcess::new(gateway, &addresses.public, entropy);
        Ok(Self {
            house,
            rooms,
            addresses,
            rules,
            refused: counted(registry),
            gate: Arc::new(gate),
        })
    }

    fn mails(&self) -> Mails {
        match (&self.house.post, self.house.dev) {
            (Some(_), _) => Mails::Sent,
            (None, true) => Mails::Shown,
            (None, false) => Mails::Off,
        }
    }

    fn desk(&self) -> Management {
        let (house, rooms) = (self.house, self.rooms);
        Management {
            services: house.services.clone(),
            authority: house.authority.clone(),
            loader: Arc::clone(&rooms.loader),
            admission: Arc::clone(&rooms.admission),
            secrets: house.secrets.clone(),
            token: Arc::new(house.authority.hashing.hash(&rooms.token)),
            cursors: Arc::new(house.keys.cursor_key()),
            console: self.addresses.origins.console.as_str().into(),
            rules: Arc::new(self.rules.clone()),
            refused: self.refused.clone(),
            shows_mails: self.mails() == Mails::Shown,
            sends_mails: self.mails() == Mails::Sent,
        }
    }

    fn pages(&self, side: Side, tls: bool) -> Result<Console, Failure> {
        let (house, rooms) = (self.house, self.rooms);
        let place = Place {
            name: self.addresses.origins.name.clone(),
            public: self.addresses.public.clone(),
            tls,
            side,
            mails: self.mails(),
            rules: self.rules.clone(),
            refused: self.refused.clone(),
        };
        Console::new(
            house.authority.clone(),
            (Arc::clone(&rooms.loader), house.services.clone()),
            (Arc::clone(&rooms.admission), Arc::clone(&self.gate)),
            place,
        )
        .map_err(why("pages"))
    }

    /// Management REST under `/v1` and the console beside it: one origin, two surfaces.
    pub(super) fn office(&self, bound: &Bound) -> Result<Router, Failure> {
        let behind = self
            .house
            .loaded
            .settings
            .listeners
            .management
            .behind_tls_proxy;
        let console = self.pages(Side::Provider, bound.tls.is_some() || behind)?;
        let api = dress(
            management::router(self.desk()),
            edge(self.house, bound, Surface::Api, management::LONGEST_BODY),
        );
        let pages = dress(
            pages::routes(console),
            edge(self.house, bound, Surface::Pages, PAGE_BODY),
        );
        Ok(split(api, pages))
    }

    /// The developers' pages, their REST beside them, and the keys that upstreams verify
    /// contexts with.
    pub(super) fn site(&self, bound: &Bound) -> Result<Router, Failure> {
        let house = self.house;
        let behind = house.loaded.settings.listeners.site.behind_tls_proxy;
        let site = self.pages(Side::Developers, bound.tls.is_some() || behind)?;
        let jwks = house.keys.signing_key().map_err(why("signing key"))?.jwks();
        let pages = pages::site_routes(site).route(
            "/.well-known/jwks.json",
            get(async move || Json(jwks.clone())),
        );
        let api = dress(
            management::site_router(self.desk()),
            edge(house, bound, Surface::Api, PAGE_BODY),
        );
        let pages = dress(pages, edge(house, bound, Surface::Pages, PAGE_BODY));
        Ok(split(api, pages))
    }
}

/// REST under `/v1`, pages elsewhere.
fn split(api: Router, pages: Router) -> Router {
    let split = tower::service_fn(move |request: Request| {
        let path = request.uri().path();
        let is_api = path.starts_with("/v1/") || path == "/openapi.json";
        let surface = if is_api { &api } else { &pages };
        surface.clone().oneshot(request)
    });
    Router::new().fallback_service(split)
}
