use crate::{
    cli::{CallsArguments, ConnectArguments, ShowArguments},
    client::Client,
    failure::Failure,
    output::{self, Column},
};

const APPS: [Column; 7] = [
    ("NAME", "/name"),
    ("ID", "/id"),
    ("DEVELOPER", "/entry/developer"),
    ("ACTS FOR", "/entry/account"),
    ("APIS", "/entry/apis"),
    ("OFF", "/entry/off"),
    ("PROFILE", "/entry/profile"),
];

const ACCOUNTS: [Column; 7] = [
    ("NAME", "/name"),
    ("ID", "/id"),
    ("KIND", "/entry/kind"),
    ("VERIFIED", "/entry/verified"),
    ("COUNTRY", "/entry/country"),
    ("PLAN", "/entry/plan"),
    ("LEVEL", "/entry/developer/levels"),
];

const CALLS: [Column; 8] = [
    ("AT", "/at"),
    ("MODE", "/mode"),
    ("API", "/api"),
    ("OPERATION", "/operation"),
    ("OUTCOME", "/outcome"),
    ("STATUS", "/status"),
    ("CODE", "/code"),
    ("DECISION", "/id"),
];

/// How many rows a list of apps or accounts shows at most.
const MOST: &str = "499";

pub(crate) async fn apps(show: &ShowArguments) -> Result<(), Failure> {
    list("/v1/apps", &APPS, show).await
}

pub(crate) async fn accounts(show: &ShowArguments) -> Result<(), Failure> {
    list("/v1/accounts", &ACCOUNTS, show).await
}

async fn list(path: &str, columns: &[Column], show: &ShowArguments) -> Result<(), Failure> {
    let client = Client::connect(&show.connect)?;
    let answer = client.get(path, &[("limit", MOST.to_owned())]).await?;
    output::list(&answer, columns, show.output)
}

pub(crate) async fn calls(wanted: &CallsArguments) -> Result<(), Failure> {
    let mode = wanted.mode.map(|mode| mode.to_string());
    let filters = [
        ("api", &wanted.api),
        ("app", &wanted.app),
        ("developer", &wanted.developer),
        ("account", &wanted.account),
        ("capability", &wanted.capability),
        ("outcome", &wanted.outcome),
        ("mode", &mode),
        ("from", &wanted.from),
        ("until", &wanted.until),
    ];
    let mut query: Vec<(&str, String)> = filters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect();
    query.push(("limit", wanted.limit.to_string()));
    let client = Client::connect(&wanted.show.connect)?;
    let answer = client.get("/v1/call-records", &query).await?;
    output::list(&answer, &CALLS, wanted.show.output)
}

pub(crate) async fn sign_in_link(connect: &ConnectArguments) -> Result<(), Failure> {
    let client = Client::connect(connect)?;
    let answer = client
        .post("/v1/sign-in-links", &serde_json::json!({}))
        .await?;
    println!("{}", output::cell(answer.get("url")));
    Ok(())
}
