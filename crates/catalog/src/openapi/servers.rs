use super::{ImportProblem, operation::RawOperation, resolve::At};

/// The servers that a document, a path or an operation names: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Servers(Vec<Server>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    /// Scheme and authority; empty for a URL relative to where the document lies.
    origin: String,
    /// Without a slash at the end.
    base_path: String,
}

impl Servers {
    /// The servers of the whole document; without any it is `/`.
    pub(super) fn of(top: &At<'_>) -> Result<Self, ImportProblem> {
        let servers = top.get("servers").map(|at| Self::read(&at)).transpose()?;
        Ok(servers.unwrap_or_else(Self::here))
    }

    fn here() -> Self {
        Self(vec![Server {
            origin: String::new(),
            base_path: String::new(),
        }])
    }

    pub(super) fn read(at: &At<'_>) -> Result<Self, ImportProblem> {
        let servers = at
            .items()?
            .iter()
            .map(Server::read)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(if servers.is_empty() {
            Self::here()
        } else {
            Self(servers)
        })
    }

    fn first(&self) -> (&str, &str) {
        self.0
            .first()
            .map_or(("", ""), |server| (&server.origin, &server.base_path))
    }
}

impl Server {
    fn read(at: &At<'_>) -> Result<Self, ImportProblem> {
        let mut url = at.required_text("url", "say where the API is")?;
        if let Some(variables) = at.get("variables") {
            for (name, variable) in variables.members()? {
                let default = variable.required_text("default", "give the variable a default")?;
                url = url.replace(&format!("{{{name}}}"), &default);
            }
        }
        let problem = || ImportProblem::Server {
            at: at.place().to_owned(),
            url: url.clone(),
        };
        let (origin, path) = match url.split_once("://") {
            None => (String::new(), url.as_str()),
            Some((scheme, rest)) if !scheme.is_empty() => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end).ok_or_else(problem)?;
                (format!("{scheme}://{authority}"), path)
            }
            Some(_) => return Err(problem()),
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let segments = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".");
        let base_path: String = segments.flat_map(|part| ["/", part]).collect();
        if base_path.contains(['{', '}', ' ']) {
            return Err(problem());
        }
        Ok(Self { origin, base_path })
    }
}

/// The base paths of the whole description, and for each operation what stands between the
/// first of them and its template: nothing, unless some operation has a server of its own with
/// another base path.
pub(super) fn common_base(
    operations: &[RawOperation],
    document: &Servers,
) -> (Vec<String>, Vec<String>) {
    let of = |raw: &RawOperation| {
        raw.servers
            .as_ref()
            .unwrap_or(document)
            .first()
            .1
            .to_owned()
    };
    let paths: Vec<String> = operations.iter().map(of).collect();
    let common = paths
        .iter()
        .cloned()
        .reduce(|common, path| common_segments(&common, &path))
        .unwrap_or_else(|| document.first().1.to_owned());
    let prefixes = paths
        .iter()
        .map(|path| path.strip_prefix(&common).unwrap_or_default().to_owned())
        .collect();
    let mut bases = vec![common];
    for server in &document.0 {
        if !bases.contains(&server.base_path) {
            bases.push(server.base_path.clone());
        }
    }
    (bases, prefixes)
}

/// The origin of the operation's first server, when the document's first is another one.
pub(super) fn elsewhere(own: Option<&Servers>, document: &Servers) -> Option<String> {
    let origin = own?.first().0;
    (!origin.is_empty() && origin != document.first().0).then(|| origin.to_owned())
}

fn common_segments(a: &str, b: &str) -> String {
    a.split('/')
        .zip(b.split('/'))
        .skip(1)
        .take_while(|(a, b)| a == b)
        .flat_map(|(part, _)| ["/", part])
        .collect()
}
