use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use minijinja::{Environment, UndefinedBehavior, Value, value::Serde};
use serde::Serialize;

use crate::{assets, navigation, spans, views};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name)))),+]
    };
}

const TEMPLATES: [(&str, &str); 15] = templates![
    "layout.html",
    "icons.html",
    "components.html",
    "sign_in.html",
    "overview.html",
    "decisions_table.html",
    "decisions.html",
    "decision.html",
    "apis.html",
    "api.html",
    "apps.html",
    "app.html",
    "vettings.html",
    "vetting.html",
    "problem.html",
];

/// The compiled templates.
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// Compiles every template; a wrong one is found here, not when somebody asks for the page.
    pub(crate) fn compile(installation: &str) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_function("asset", |name: &str| -> Result<String, minijinja::Error> {
            assets::path(name).ok_or_else(|| {
                minijinja::Error::new(
                    minijinja::ErrorKind::InvalidOperation,
                    format!("there is no asset `{name}`"),
                )
            })
        });
        environment.add_filter("code_spans", spans::code_spans);
        environment.add_filter("breakable", spans::breakable);
        environment.add_filter("grouped", views::grouped);
        environment.add_global("navigation", Value::from(Serde(&navigation::GROUPS)));
        environment.add_global("installation", installation);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// The page as text.
    pub(crate) fn text<V: Serialize>(
        &self,
        name: &str,
        view: &V,
    ) -> Result<String, minijinja::Error> {
        self.0.get_template(name)?.render(Value::from(Serde(view)))
    }

    /// The page as an answer.
    pub(crate) fn page<V: Serialize>(&self, name: &str, view: &V) -> Response {
        match self.text(name, view) {
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
