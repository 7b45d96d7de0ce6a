use serde_json::{Value, json};

use crate::{
    cli::{Form, KeysCommand},
    client::{Client, escaped},
    failure::Failure,
    output::{self, Column},
};

const KEYS: [Column; 7] = [
    ("KEY", "/id"),
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
            show,
        } => {
            let client = Client::connect(&show.connect)?;
            let mut wanted = json!({ "mode": mode });
            if let (Some(profile), Some(members)) = (permissions, wanted.as_object_mut()) {
                members.insert("permissions".to_owned(), json!(profile));
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
    }
}

fn keys_of(app: &str) -> String {
    format!("/v1/apps/{}/keys", escaped(app))
}

/// The secret stands alone on its line, so that it can be copied.
fn tell(issued: &Value, form: Form) -> Result<(), Failure> {
    if form != Form::Table {
        return output::document(issued, form);
    }
    println!("key     {}", output::cell(issued.pointer("/key/id")));
    println!("mode    {}", output::cell(issued.pointer("/key/mode")));
    println!("secret  {}", output::cell(issued.get("secret")));
    println!("the secret is shown this once");
    Ok(())
}
