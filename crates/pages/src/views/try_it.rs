use catalog::{Api, Mount, Operation};
use decision::App;
use snapshot::Snapshot;

/// So many apps are looked at for one that can be shown.
const APPS: usize = 1_000;

/// The commands that bring the first decision: a key for an app, and a call with it. `None`
/// when there is no app that could call anything.
pub(crate) fn first_call(snapshot: &Snapshot, public: &str) -> Option<String> {
    let mut apps: Vec<&App> = snapshot
        .apps()
        .take(APPS)
        .filter(|app| app.active)
        .collect();
    apps.sort_by(|a, b| a.name.cmp(&b.name));
    apps.into_iter()
        .flat_map(|app| app.subscriptions.iter().map(move |api| (app, api)))
        .find_map(|(app, api)| {
            let api = snapshot.catalogue().apis.get(api)?;
            let mode = if api.test.is_some() { "test" } else { "live" };
            let call = call_words(api, public)?;
            Some(format!(
                "portreeve keys issue {} --mode {mode}\ncurl -u KEY:SECRET {call}",
                app.name
            ))
        })
}

/// The simplest operation: open, without parameters in its path, and a GET if there is one.
fn call_words(api: &Api, public: &str) -> Option<String> {
    let prefix = api.mounts.iter().find_map(|mount| match mount {
        Mount::Path(path) => Some(path),
        Mount::Host(_) => None,
    })?;
    let plain = |one: &&Operation| !one.uses.is_empty() && !one.template.contains('{');
    let operations = || api.operations.iter().map(|one| &**one).filter(plain);
    let operation = operations()
        .find(|one| one.method == "GET")
        .or_else(|| operations().next())
        .filter(|_| api.active)?;
    let url = format!("{public}{prefix}{}", operation.template);
    Some(if operation.method == "GET" {
        url
    } else {
        format!("--json '{{}}' -X {} {url}", operation.method)
    })
}
