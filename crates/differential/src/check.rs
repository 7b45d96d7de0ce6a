//! What was run against what was asked for and decided.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use primitives::{Clock as _, SystemClock};
use verifier::{RequestLine, Verifier};

use crate::{
    Report,
    client::Told,
    gate::Gate,
    origins::{Run, Runs},
    reference::{Read, Request},
    streams::{CLOSED, KEY, name_of},
};

/// A stream that was sent, and what came back.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) id: u64,
    pub(crate) mount: &'static str,
    pub(crate) stream: Vec<u8>,
    pub(crate) read: Read,
    pub(crate) told: Told,
}

/// Knows the gateway's keys, and every decision that was seen.
pub(crate) struct Checker {
    verifiers: BTreeMap<&'static str, Verifier>,
    decisions: Mutex<BTreeSet<String>>,
    authorization: String,
}

/// A request by what makes it this one: its path, decoded, below the mount.
type Key = String;

impl Checker {
    pub(crate) fn new(gate: &Gate) -> Result<Self, String> {
        let mut verifiers = BTreeMap::new();
        for (name, url) in &gate.audiences {
            let verifier = Verifier::ed25519(&gate.jwks).map_err(|problem| problem.to_string())?;
            verifiers.insert(*name, verifier.audience(url));
        }
        let (user, secret) = KEY;
        Ok(Self {
            verifiers,
            decisions: Mutex::default(),
            authorization: format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))),
        })
    }

    /// Judges the streams that went to one server.
    pub(crate) fn check(&self, sent: &[Sent], runs: &Runs, report: &mut Report) {
        let Some(mount) = sent.first().map(|sent| sent.mount) else {
            return;
        };
        settle();
        let mut ran: BTreeMap<Key, Vec<(usize, Run)>> = BTreeMap::new();
        for (at, run) in runs.take(mount).into_iter().enumerate() {
            report.ran += 1;
            if let Some(problem) = self.decided(&run) {
                report.disagreements.push(format!("{problem}\n  {run}"));
            }
            ran.entry(key(&run.target, "")).or_default().push((at, run));
        }
        for sent in sent {
            report.requests += sent.read.requests.len() as u64;
            report.refused += sent.told.iter().filter(|&&status| status >= 300).count() as u64;
            for problem in self.judge(sent, &mut ran) {
                let stream = String::from_utf8_lossy(&sent.stream).into_owned();
                report.disagreements.push(format!(
                    "{problem}\n  at {mount}, told {:?}, stream {stream:?}",
                    sent.told
                ));
            }
        }
        for (_, run) in ran.into_values().flatten() {
            // Streams name their requests, so what ran tells where it came from.
            let own = |sent: &&Sent| run.target.contains(&name_of(sent.id));
            let stream = sent.iter().find(own).map(|sent| &sent.stream);
            let stream = stream.map(|stream| String::from_utf8_lossy(stream).into_owned());
            let problem = format!("ran what a strict reading does not find\n  {run}");
            report
                .disagreements
                .push(format!("{problem}\n  stream {stream:?}"));
        }
    }

    /// Nothing may be left that no lane was waiting for.
    pub(crate) fn leftovers(&self, runs: &Runs, report: &mut Report) {
        for run in runs.take_all() {
            report.disagreements.push(format!("ran late: {run}"));
        }
        // A decision is not seen again in a later batch: their ids do not repeat.
        self.decisions.lock().clear();
    }

    /// Why a run is not what the gateway decided, if so.
    fn decided(&self, run: &Run) -> Option<String> {
        let verifier = self.verifiers.get(run.mount)?;
        let [context] = run.contexts.as_slice() else {
            return Some(format!("{} contexts", run.contexts.len()));
        };
        let line = RequestLine {
            method: &run.method,
            authority: &run.host,
            path_and_query: &run.target,
        };
        match verifier.verify(context, &line, SystemClock.now()) {
            Err(refusal) => Some(format!("not as decided: {refusal}")),
            Ok(context) => {
                let new = self.decisions.lock().insert(context.decision.to_string());
                let granted = context.capabilities.iter().all(|one| one.granted);
                match (new, granted) {
                    (true, true) => None,
                    (false, _) => Some("ran twice under one decision".to_owned()),
                    (_, false) => Some("ran although it was not granted".to_owned()),
                }
            }
        }
    }

    /// Every disagreement about one stream; takes its runs out.
    fn judge(&self, sent: &Sent, ran: &mut BTreeMap<Key, Vec<(usize, Run)>>) -> Vec<String> {
        let mut problems = Vec::new();
        let mut last = None;
        for (at, request) in sent.read.requests.iter().enumerate() {
            let found = ran
                .remove(&key(&request.target, sent.mount))
                .unwrap_or_default();
            let told = sent.told.get(at).copied();
            match (found.as_slice(), told) {
                ([], Some(200..300)) => {
                    problems.push(format!("request {at} succeeded and never ran"));
                }
                ([], _) => {}
                ([(place, run)], told) => {
                    if let Some(problem) = self.differs(request, run, sent.mount) {
                        problems.push(format!("request {at}: {problem}\n  {run}"));
                    }
                    if matches!(told, Some(400..=501 | 503)) {
                        problems.push(format!("request {at} was refused and ran"));
                    }
                    if last.is_some_and(|last| last > *place) {
                        problems.push(format!("request {at} ran before an earlier one"));
                    }
                    last = Some(*place);
                }
                (several, _) => problems.push(format!("request {at} ran {} times", several.len())),
            }
        }
        problems
    }

    /// What a run has otherwise than the request.
    fn differs(&self, request: &Request, run: &Run, mount: &str) -> Option<String> {
        if run.method != request.method {
            return Some("another method".to_owned());
        }
        let path = decoded(
            below(&request.target, mount)
                .split('?')
                .next()
                .unwrap_or_default(),
        );
        // As this server normalises: it must have found nothing to normalise.
        if run.path != path {
            return Some(format!(
                "the path is `{}` there, and `{path}` here",
                run.path
            ));
        }
        if path.trim_start_matches('/').split('/').next() == Some(CLOSED) {
            return Some("no capability opens it".to_owned());
        }
        let query = |target: &str| -> Vec<(String, String)> {
            let query = target.split_once('?').map_or("", |(_, query)| query);
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect()
        };
        if query(&run.target) != query(&request.target) {
            return Some("another query".to_owned());
        }
        if run.length != request.body.len() || run.body != keys::sha256(&request.body) {
            return Some(format!(
                "a body of {} bytes, not of {}",
                run.length,
                request.body.len()
            ));
        }
        let mut credentials = request.all("authorization");
        let (first, more) = (credentials.next(), credentials.next());
        if !first.is_some_and(|first| self.is_presented(first)) || more.is_some() {
            return Some("no credential opens it".to_owned());
        }
        None
    }

    /// Whether it is the credential, with any number of spaces behind its scheme (RFC 9110,
    /// section 11.4).
    fn is_presented(&self, value: &[u8]) -> bool {
        let after_scheme = |value: &[u8]| value.strip_prefix(b"Basic ").map(<[u8]>::to_vec);
        let Some(mut given) = after_scheme(value) else {
            return false;
        };
        let spaces = given.iter().take_while(|byte| **byte == b' ').count();
        given.drain(..spaces);
        after_scheme(self.authorization.as_bytes()) == Some(given)
    }
}

/// A server may tell a run a moment after its caller was answered.
#[expect(
    clippy::disallowed_methods,
    reason = "a process of somebody else's is waited for"
)]
fn settle() {
    thread::sleep(Duration::from_millis(200));
}

/// The target without scheme, authority and mount.
fn below<'a>(target: &'a str, mount: &str) -> &'a str {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|c| c.is_ascii_alphabetic()) => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        }
        _ => target,
    };
    let stripped = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(mount));
    stripped
        .filter(|rest| !mount.is_empty() && rest.starts_with('/'))
        .unwrap_or(path)
}

fn key(target: &str, mount: &str) -> Key {
    decoded(below(target, mount).split('?').next().unwrap_or_default())
}

fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}
