use primitives::{
    AppId, CredentialId, EventId, Mode, Name, PageSize, RecordId, Revision, Timestamp,
};
use store::{
    CallIndexRow, Credential, CredentialKind, EventAction, FoldedCalls, IdempotencyRow, Kind,
    NewEvent, Resource, Store, Vetting, WriteSet,
};

pub(crate) const ALL: PageSize = PageSize::clamped(PageSize::MOST);
pub(crate) const DAY: i64 = 86_400;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn resource(kind: Kind, text: &str, body: &str) -> Resource {
    Resource {
        kind,
        name: name(text),
        id: 7,
        version: Revision::default(),
        body: body.to_owned(),
        created_at: at(10),
        updated_at: at(20),
    }
}

pub(crate) fn event(id: u128, text: &str) -> NewEvent {
    NewEvent {
        id: EventId::from_u128(id),
        actor: "operator".to_owned(),
        action: EventAction::Updated,
        kind: Kind::App.as_str().to_owned(),
        name: text.to_owned(),
        detail: "{}".to_owned(),
    }
}

pub(crate) fn credential(id: u128, app: &str) -> Credential {
    Credential {
        id: CredentialId::from_u128(id),
        external_id: None,
        app: AppId::from_u128(5),
        app_name: name(app),
        mode: Mode::Test,
        hash: "sha256:00".to_owned(),
        hint: "wxyz".to_owned(),
        permissions: None,
        created_at: at(1),
        expires_at: None,
        revoked_at: None,
        kind: CredentialKind::Key,
        signature: None,
        certificate: None,
    }
}

pub(crate) fn vetting(account: &str, ladder: &str, seconds: i64) -> Vetting {
    Vetting {
        account: name(account),
        ladder: name(ladder),
        state: "waiting".to_owned(),
        body: "{}".to_owned(),
        since: at(seconds),
        due_at: None,
        version: Revision::default(),
    }
}

pub(crate) fn puts(resources: Vec<Resource>) -> WriteSet {
    WriteSet {
        puts: resources,
        at: at(30),
        ..WriteSet::default()
    }
}

/// Commits what must go through and tells the revision.
pub(crate) async fn done(store: &dyn Store, changes: WriteSet) -> Revision {
    store.commit(changes).await.unwrap().unwrap().revision
}

pub(crate) fn key(text: &str, fingerprint: u8) -> IdempotencyRow {
    IdempotencyRow {
        scope: "operator POST /v1/apps".to_owned(),
        key: text.to_owned(),
        fingerprint: [fingerprint; 32],
        at: at(1_000),
    }
}

pub(crate) fn call(sequence: u64) -> CallIndexRow {
    CallIndexRow {
        id: RecordId { epoch: 3, sequence },
        at: at(DAY + sequence.cast_signed()),
        mode: Some(Mode::Live),
        api: "payments".to_owned(),
        operation: "Pay".to_owned(),
        app: None,
        developer: None,
        account: None,
        capabilities: " SIMPLE_SEND_MONEY ".to_owned(),
        outcome: "served".to_owned(),
        status: 200,
        code: String::new(),
        record: b"{}".to_vec(),
    }
}

pub(crate) fn step(from: Option<&str>, to: &str) -> FoldedCalls {
    FoldedCalls {
        gateway: "one".to_owned(),
        from_cursor: from.map(str::to_owned),
        to_cursor: to.to_owned(),
        ..FoldedCalls::default()
    }
}
