use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Write},
    path::Path,
};

use flows::{ChainCheck, EventLine, Verified, read_heads};
use keys::VerifyingKeys;
use serde_json::Value;

use crate::{
    cli::AuditCommand,
    client::Client,
    failure::{Failure, why},
    progress::Progress,
};

/// Events of a page.
const PAGE: &str = "499";

pub(crate) async fn run(command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Export { into, connect } => {
            let client = Client::connect(connect)?;
            match into {
                Some(path) => {
                    let file = File::create(path).map_err(why("the file"))?;
                    let mut file = BufWriter::new(file);
                    let events = export(&client, &mut file).await?;
                    let file = file.into_inner().map_err(why("the file"))?;
                    file.sync_all().map_err(why("the file"))?;
                    println!("{events} events");
                    Ok(())
                }
                None => export(&client, &mut io::stdout().lock()).await.map(drop),
            }
        }
        AuditCommand::Verify {
            events,
            heads,
            keys,
        } => verify(events, heads, keys).map(|found| print!("{}", told(&found))),
    }
}

async fn export(client: &Client, to: &mut impl Write) -> Result<u64, Failure> {
    let (mut events, mut cursor) = (0_u64, None::<String>);
    loop {
        let mut query = vec![("limit", PAGE.to_owned())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let mut page = client.get("/v1/audit/events", &query).await?;
        let items = page.get_mut("items").map(Value::take).unwrap_or_default();
        // Read and written again, so that the order of keys is the one that is checked.
        let items: Vec<EventLine> = serde_json::from_value(items).map_err(why("the events"))?;
        for item in items {
            let line = serde_json::to_string(&item).map_err(why("an event"))?;
            writeln!(to, "{line}").map_err(why("writing"))?;
            events = events.saturating_add(1);
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(events),
        }
    }
}

fn verify(events: &Path, heads: &Path, keys: &Path) -> Result<Verified, Failure> {
    let read = |path: &Path| {
        let text = fs::read_to_string(path);
        text.map_err(|problem| Failure::new(format!("{}: {problem}", path.display())))
    };
    let keys = VerifyingKeys::from_jwks(&read(keys)?).map_err(why("the keys"))?;
    let heads = read_heads(&read(heads)?, &keys).map_err(why("the heads"))?;
    let file = File::open(events);
    let file = file.map_err(|problem| Failure::new(format!("{}: {problem}", events.display())))?;
    let progress = Progress::begin("checking");
    let mut check = ChainCheck::begin(heads);
    for line in BufReader::new(file).lines() {
        check
            .line(&line.map_err(why("the events"))?)
            .map_err(why("the events"))?;
    }
    let found = check.end().map_err(why("the events"));
    progress.end();
    found
}

fn told(found: &Verified) -> String {
    let mut text = format!(
        "in order: {} events, through {} signed heads\n",
        found.events, found.heads
    );
    if found.unlinked > 0 {
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "the first {} are from before events were linked: nothing is known of them",
            found.unlinked
        );
    }
    if found.after_last_head > 0 {
        let _ = writeln!(
            text,
            "{} come after the last signed head: whether more came then cannot be told",
            found.after_last_head
        );
    }
    text
}
