use std::io::{self, IsTerminal as _};

use serde_json::{Value, json};

use super::secrets::value_of;
use crate::{
    cli::ConfidentialCommand,
    client::{Client, escaped},
    failure::Failure,
    output::{self, Column},
};

const ENTRUSTED: [Column; 4] = [
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("SHOWN", "/mask"),
    ("SET", "/updated_at"),
];

pub(crate) async fn run(command: &ConfidentialCommand) -> Result<(), Failure> {
    match command {
        ConfidentialCommand::List { account, show } => {
            let client = Client::connect(&show.connect)?;
            let answer = client.get(&of(account), &[]).await?;
            output::list(&answer, &ENTRUSTED, show.output)
        }
        ConfidentialCommand::Set {
            account,
            name,
            kind,
            file,
            connect,
        } => {
            let value = value_of(file.as_deref())?;
            let client = Client::connect(connect)?;
            let path = format!("{}/{}", of(account), escaped(name));
            let body = json!({ "kind": kind, "value": value });
            client.put(&path, &body).await?;
            println!("{name} is set");
            Ok(())
        }
        ConfidentialCommand::Reveal {
            account,
            name,
            connect,
        } => {
            let client = Client::connect(connect)?;
            let path = format!("{}/{}/reveal", of(account), escaped(name));
            let shown = client.post(&path, &json!({})).await?;
            let value = shown.get("value");
            match value.and_then(Value::as_str) {
                // A program wants it as it is.
                Some(text) if !io::stdout().is_terminal() => println!("{text}"),
                _ => println!("{}", output::cell(value)),
            }
            Ok(())
        }
        ConfidentialCommand::Remove {
            account,
            name,
            connect,
        } => {
            let client = Client::connect(connect)?;
            let path = format!("{}/{}", of(account), escaped(name));
            client.delete(&path).await?;
            println!("{name} is removed");
            Ok(())
        }
    }
}

fn of(account: &str) -> String {
    format!("/v1/accounts/{}/confidential", escaped(account))
}
