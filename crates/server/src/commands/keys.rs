use serde_json::{Value, json};

use crate::{
    cli::{Form, KeysCommand},
    client::{Client, escaped},
    failure::{Failure, why},
    output::{self, Column},
};

const KEYS: [Column; 8] = [
    ("KEY", "/id"),
    ("KIND", "/kind"),
    ("MODE", "/mode"),
    ("ENDS IN", "/hint"),
    ("PERMISSIONS", "/permissions"),
    ("CREATED", "/created_at"),
    ("EXPIRES", "/expires_at"),
    ("REVOKED", "/revoked_at"),
];

pub(crate) async fn run(command: &KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::List { app, show } => {
            let client = Client::connect(&show.connect)?;
            let answer = client.get(&keys_of(app), &[]).await?;
            output::list(&answer, &KEYS, show.output)
        }
        KeysCommand::Issue {
            app,
            mode,
            permissions,
            kind,
            certificate,
            show,
        } => {
            let client = Client::connect(&show.connect)?;
            let mut wanted = json!({ "mode": mode, "kind": kind });
            for (name, given) in [("permissions", permissions), ("certificate", certificate)] {
                if let (Some(given), Some(members)) = (given, wanted.as_object_mut()) {
                    members.insert(name.to_owned(), json!(given));
                }
            }
            let issued = client.post(&keys_of(app), &wanted).await?;
            tell(&issued, show.output)
        }
        KeysCommand::Rotate {
            app,
            key,
            overlap,
            show,
        } => {
            let client = Client::connect(&show.connect)?;
            let path = format!("{}/{}/rotate", keys_of(app), escaped(key));
            let issued = client
                .post(&path, &json!({ "overlap_seconds": overlap }))
                .await?;
            tell(&issued, show.output)
        }
        KeysCommand::Revoke { app, key, connect } => {
            let client = Client::connect(connect)?;
            client
                .delete(&format!("{}/{}", keys_of(app), escaped(key)))
                .await?;
            println!("{key} is revoked");
            Ok(())
        }
        KeysCommand::Leaked { file, connect } => {
            let client = Client::connect(connect)?;
            let text = match file {
                Some(path) => std::fs::read_to_string(path)
                    .map_err(why(format!("reading `{}`", path.display())))?,
                None => std::io::read_to_string(std::io::stdin())
                    .map_err(why("reading standard input"))?,
            };
            report(&client, &text).await
        }
    }
}

fn keys_of(app: &str) -> String {
    format!("/v1/apps/{}/keys", escaped(app))
}

/// Reports the secrets, one a line, in as many reports as they need.
async fn report(client: &Client, text: &str) -> Result<(), Failure> {
    let secrets: Vec<Value> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| json!({ "secret": line }))
        .collect();
    for some in secrets.chunks(flows::MOST_LEAKED) {
        let body = json!({ "secrets": some });
        client.post("/v1/leaked-secrets", &body).await?;
    }
    println!("{} reported; what they opened is revoked", secrets.len());
    Ok(())
}

/// The secret stands alone on its line, so that it can be copied.
fn tell(issued: &Value, form: Form) -> Result<(), Failure> {
    if form != Form::Table {
        return output::document(issued, form);
    }
    println!("key        {}", output::cell(issued.pointer("/key/id")));
    println!("mode       {}", output::cell(issued.pointer("/key/mode")));
    let secrets: Vec<(&str, &Value)> = ["secret", "signature"]
        .into_iter()
        .filter_map(|name| Some((name, issued.get(name).filter(|value| !value.is_null())?)))
        .collect();
    for (name, value) in &secrets {
        println!("{name:<9}  {}", output::cell(Some(value)));
    }
    if !secrets.is_empty() {
        println!("this is shown this once");
    }
    Ok(())
}
