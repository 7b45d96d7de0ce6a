use axum::{
    http::{StatusCode, header::CONTENT_SECURITY_POLICY},
    response::{Html, IntoResponse, Response},
};
use flows::Admits;
use http_kit::RENEWING_POLICY;
use minijinja::{Environment, UndefinedBehavior, Value, context, value::Serde};
use passkeys::Party;
use serde::Serialize;

use crate::{Mails, Place, Side, assets, console::Me, navigation, sign_in::sentence, spans, views};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name)))),+]
    };
}

const TEMPLATES: [(&str, &str); 35] = templates![
    "layout.html",
    "icons.html",
    "components.html",
    "sign_in.html",
    "overview.html",
    "chart.html",
    "decisions_table.html",
    "decisions.html",
    "decision.html",
    "apis.html",
    "api.html",
    "apps.html",
    "developers.html",
    "developer.html",
    "places.html",
    "app.html",
    "vettings.html",
    "vetting.html",
    "anomalies.html",
    "anomaly.html",
    "events.html",
    "persons.html",
    "person.html",
    "you.html",
    "problem.html",
    "mails.html",
    "welcome.html",
    "register.html",
    "own_apps.html",
    "own_app.html",
    "own_developer.html",
    "own_calls.html",
    "own_notices.html",
    "own_reference.html",
    "own_try.html",
];

/// Pages of which a part renews itself.
const RENEWING: [&str; 3] = ["overview.html", "decisions.html", "app.html"];

/// The compiled templates.
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// Compiles every template; a wrong one is found here, not when somebody asks for the page.
    pub(crate) fn compile(place: &Place) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let root = place.side.root();
        environment.add_function(
            "asset",
            move |name: &str| -> Result<String, minijinja::Error> {
                assets::path(root, name).ok_or_else(|| {
                    minijinja::Error::new(
                        minijinja::ErrorKind::InvalidOperation,
                        format!("there is no asset `{name}`"),
                    )
                })
            },
        );
        environment.add_filter("code_spans", spans::code_spans);
        environment.add_filter("breakable", spans::breakable);
        environment.add_filter("grouped", views::grouped);
        environment.add_global(
            "navigation",
            Value::from(Serde(&navigation::groups(place.side))),
        );
        environment.add_global("installation", place.name.as_str());
        environment.add_global("root", root);
        environment.add_global("home", place.side.home());
        environment.add_global("house", place.side.title());
        let party = place.party();
        let origin = party.as_ref().map(Party::origin).unwrap_or_default();
        environment.add_global("passkeys_at", origin);
        let says = party.as_ref().err().map(ToString::to_string);
        environment.add_global("no_passkeys", says.map(|why| sentence(&why)));
        environment.add_global("mails", place.mails != Mails::Off);
        let is_open = place.side == Side::Developers && place.rules.admits == Admits::Everybody;
        environment.add_global("registers", is_open);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// The page as text, as `me` sees it.
    pub(crate) fn text<V: Serialize>(
        &self,
        name: &str,
        view: &V,
        me: Option<&Me>,
    ) -> Result<String, minijinja::Error> {
        let me = Value::from(Serde(&me));
        let view = Value::from(Serde(view));
        let template = self.0.get_template(name)?;
        template.render(context! { me, ..view })
    }

    /// The page as an answer.
    pub(crate) fn page<V: Serialize>(&self, name: &str, view: &V, me: Option<&Me>) -> Response {
        match self.text(name, view, me) {
            Ok(text) if RENEWING.contains(&name) => {
                ([(CONTENT_SECURITY_POLICY, RENEWING_POLICY)], Html(text)).into_response()
            }
            Ok(text) => Html(text).into_response(),
            Err(problem) => {
                tracing::error!(template = name, %problem, "a page could not be rendered");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the page could not be rendered",
                )
                    .into_response()
            }
        }
    }
}
