use serde_json::{Value, json};

use crate::{
    cli::{Form, PersonsCommand, ShowArguments},
    client::{Client, escaped},
    failure::Failure,
    output::{self, Column},
};

const PERSONS: [Column; 6] = [
    ("PERSON", "/id"),
    ("NAME", "/name"),
    ("E-MAIL", "/email"),
    ("STANDING", "/standing"),
    ("ROLES", "/roles"),
    ("UNITS", "/units"),
];

/// How many persons a page has.
const PAGE: &str = "499";

pub(crate) async fn run(command: &PersonsCommand) -> Result<(), Failure> {
    match command {
        PersonsCommand::List(show) => {
            let client = Client::connect(&show.connect)?;
            let items = everybody(&client).await?;
            output::list(&json!({ "items": items }), &PERSONS, show.output)
        }
        PersonsCommand::Invite {
            email,
            name,
            role,
            unit,
            show,
        } => {
            let client = Client::connect(&show.connect)?;
            let wanted = json!({ "email": email, "name": name, "roles": role, "units": unit });
            let invited = client.post("/v1/persons", &wanted).await?;
            tell_link(&invited, "/link", show)
        }
        PersonsCommand::Roles {
            person,
            role,
            unit,
            show,
        } => {
            let wanted = json!({ "roles": role, "units": unit });
            change(person, "duties", &wanted, show).await
        }
        PersonsCommand::Disable { person, show } => {
            change(person, "disable", &json!({}), show).await
        }
        PersonsCommand::Enable { person, show } => change(person, "enable", &json!({}), show).await,
        PersonsCommand::RemoveCodes { person, show } => {
            change(person, "remove-codes", &json!({}), show).await
        }
        PersonsCommand::RemovePasskeys { person, show } => {
            change(person, "remove-passkeys", &json!({}), show).await
        }
        PersonsCommand::SignOut { person, show } => {
            change(person, "sign-out", &json!({}), show).await
        }
        PersonsCommand::PasswordLink { person, show } => {
            let client = Client::connect(&show.connect)?;
            let path = path_of(&client, person, "/password-link").await?;
            let made = client.post(&path, &json!({})).await?;
            tell_link(&made, "", show)
        }
        PersonsCommand::Delete { person, connect } => {
            let client = Client::connect(connect)?;
            let path = path_of(&client, person, "").await?;
            client.delete(&path).await?;
            println!("{person} is deleted");
            Ok(())
        }
    }
}

async fn change(
    person: &str,
    what: &str,
    wanted: &Value,
    show: &ShowArguments,
) -> Result<(), Failure> {
    let client = Client::connect(&show.connect)?;
    let path = path_of(&client, person, &format!("/{what}")).await?;
    let changed = client.post(&path, wanted).await?;
    output::list(&json!({ "items": [changed] }), &PERSONS, show.output)
}

/// The path of a person, called by id or by address.
async fn path_of(client: &Client, person: &str, then: &str) -> Result<String, Failure> {
    let id = if person.contains('@') {
        let wanted = person.trim().to_ascii_lowercase();
        let found = everybody(client).await?;
        let found = found.iter().find(|one| one["email"] == wanted.as_str());
        let id = found.and_then(|one| one["id"].as_str().map(str::to_owned));
        id.ok_or_else(|| {
            Failure::new(format!(
                "nobody has the address `{wanted}`; `portreeve persons list` shows who is there"
            ))
        })?
    } else {
        person.to_owned()
    };
    Ok(format!("/v1/persons/{}{then}", escaped(&id)))
}

async fn everybody(client: &Client) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    let mut query = vec![("limit", PAGE.to_owned())];
    loop {
        let mut page = client.get("/v1/persons", &query).await?;
        if let Some(items) = page.get_mut("items").and_then(Value::as_array_mut) {
            all.append(items);
        }
        let Some(next) = page.get("next").and_then(Value::as_str) else {
            return Ok(all);
        };
        query = vec![("limit", PAGE.to_owned()), ("cursor", next.to_owned())];
    }
}

/// The link stands alone on its line, so that it can be copied.
fn tell_link(answer: &Value, at: &str, show: &ShowArguments) -> Result<(), Failure> {
    if show.output != Form::Table {
        return output::document(answer, show.output);
    }
    let part = |name: &str| output::cell(answer.pointer(&format!("{at}/{name}")));
    if let Some(person) = answer.pointer("/person/id") {
        println!("person  {}", output::cell(Some(person)));
    }
    println!("until   {}", part("expires_at"));
    if answer.get("mailed") == Some(&Value::Bool(true)) {
        println!("the link is on its way to them by mail; it works once");
        return Ok(());
    }
    println!("{}", part("url"));
    println!("hand this link over; it is shown this once, and works once");
    Ok(())
}
