use serde_json::json;

use crate::{
    cli::AnomaliesCommand,
    client::{Client, escaped},
    failure::Failure,
    output::{self, Column},
};

const ANOMALIES: [Column; 8] = [
    ("ANOMALY", "/id"),
    ("APP", "/app_name"),
    ("MODE", "/mode"),
    ("RULE", "/rule"),
    ("FOUND", "/found"),
    ("ACTION", "/action"),
    ("CALLS", "/calls"),
    ("STATE", "/state"),
];

pub(crate) async fn run(command: &AnomaliesCommand) -> Result<(), Failure> {
    match command {
        AnomaliesCommand::List {
            app,
            rule,
            state,
            limit,
            show,
        } => {
            let mut query = vec![("limit", limit.to_string())];
            for (name, value) in [("app", app), ("rule", rule), ("state", state)] {
                query.extend(value.clone().map(|value| (name, value)));
            }
            let client = Client::connect(&show.connect)?;
            let found = client.get("/v1/anomalies", &query).await?;
            output::list(&found, &ANOMALIES, show.output)
        }
        AnomaliesCommand::Fine {
            anomaly,
            reason,
            show,
        } => {
            let client = Client::connect(&show.connect)?;
            let path = format!("/v1/anomalies/{}/fine", escaped(anomaly));
            let marked = client.post(&path, &json!({ "reason": reason })).await?;
            output::list(&json!({ "items": [marked] }), &ANOMALIES, show.output)
        }
        AnomaliesCommand::Habits { app, mode, show } => {
            let client = Client::connect(&show.connect)?;
            let path = format!("/v1/apps/{}/habits", escaped(app));
            let query = [("mode", mode.as_str().to_owned())];
            let known = client.get(&path, &query).await?;
            output::document(&known, show.output)
        }
    }
}
