use std::{io::Read as _, path::Path};

use serde_json::json;

use crate::{
    cli::SecretCommand,
    client::{Client, escaped},
    failure::{Failure, why},
    output,
};

pub(crate) async fn run(command: &SecretCommand) -> Result<(), Failure> {
    match command {
        SecretCommand::Set {
            name,
            file,
            connect,
        } => {
            let value = value_of(file.as_deref())?;
            let client = Client::connect(connect)?;
            let path = format!("/v1/secrets/{}", escaped(name));
            client.put(&path, &json!({ "value": value })).await?;
            println!("{name} is set");
            Ok(())
        }
        SecretCommand::List(show) => {
            let client = Client::connect(&show.connect)?;
            let answer = client.get("/v1/secrets", &[]).await?;
            output::list(&answer, &[("NAME", "")], show.output)
        }
        SecretCommand::Remove { name, connect } => {
            let client = Client::connect(connect)?;
            let path = format!("/v1/secrets/{}", escaped(name));
            client.delete(&path).await?;
            println!("{name} is removed");
            Ok(())
        }
    }
}

/// A secret from the file or from standard input, without the end of its line.
pub(crate) fn value_of(file: Option<&Path>) -> Result<String, Failure> {
    let value = match file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(why(format!("reading `{}`", path.display())))?
        }
        None => from_standard_input()?,
    };
    let value = value.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        return Err(Failure::new("the secret is empty; nothing was set"));
    }
    Ok(value.to_owned())
}

fn from_standard_input() -> Result<String, Failure> {
    let mut value = String::new();
    std::io::stdin()
        .read_to_string(&mut value)
        .map_err(why("reading standard input"))?;
    Ok(value)
}
