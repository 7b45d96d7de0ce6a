use serde_json::{Value, json};

use crate::{
    cli::{ShowArguments, VettingsCommand},
    client::{Client, escaped},
    failure::Failure,
    output::{self, Column},
};

const VETTINGS: [Column; 5] = [
    ("ACCOUNT", "/account"),
    ("LADDER", "/ladder"),
    ("STATE", "/standing/state"),
    ("LEVEL", "/level"),
    ("SINCE", "/since"),
];

pub(crate) async fn run(command: &VettingsCommand) -> Result<(), Failure> {
    match command {
        VettingsCommand::List { state, limit, show } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(state.clone().map(|state| ("state", state)));
            let client = Client::connect(&show.connect)?;
            let found = client.get("/v1/vettings", &query).await?;
            output::list(&found, &VETTINGS, show.output)
        }
        VettingsCommand::Show {
            account,
            ladder,
            show,
        } => {
            let client = Client::connect(&show.connect)?;
            let query = [("ladder", ladder.clone())];
            let found = client.get(&path(account, ""), &query).await?;
            output::document(&found, show.output)
        }
        VettingsCommand::Decide {
            account,
            level,
            refuse: _,
            note,
            ladder,
            show,
        } => {
            let (rest, body) = match level {
                None => ("/refuse", json!({ "ladder": ladder, "note": note })),
                Some(level) => (
                    "/approve",
                    json!({ "ladder": ladder, "note": note, "level": level }),
                ),
            };
            moved(show, &path(account, rest), &body).await
        }
        VettingsCommand::TakeBack {
            account,
            ladder,
            show,
        } => {
            let there = path(account, "/withdraw");
            moved(show, &there, &json!({ "ladder": ladder })).await
        }
        VettingsCommand::AskAgain {
            account,
            ladder,
            show,
        } => {
            let there = path(account, "/look-again");
            moved(show, &there, &json!({ "ladder": ladder })).await
        }
    }
}

fn path(account: &str, rest: &str) -> String {
    format!("/v1/accounts/{}/vetting{rest}", escaped(account))
}

async fn moved(show: &ShowArguments, path: &str, body: &Value) -> Result<(), Failure> {
    let client = Client::connect(&show.connect)?;
    let vetting = client.post(path, body).await?;
    output::list(&json!({ "items": [vetting] }), &VETTINGS, show.output)
}
