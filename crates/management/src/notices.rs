use accounts::notices::{NoticeKind, unmailed};
use axum::extract::State;
use flows::{choose_mails, notice_reader, own_notices, read_notices, unread_notices};
use http_kit::{Json, Listing, Page, PageParameters, Problem, Problems, codes};
use serde::{Deserialize, Serialize};
use store::{NoticeFilter, NoticePlace, NoticeReader};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Management, instant::Instant, operator::By, refusals::unable};

/// What somebody of a developer account is told.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(mails, choose))
}

/// Which notices to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichNotices {
    /// Only of this kind: `quota_reached`, `key`, `level` …
    kind: Option<String>,
    /// Only about this app, and what is for all who use its APIs.
    app: Option<String>,
    /// Only those that you have not read.
    #[serde(default)]
    unread: bool,
}

/// Something that a developer is told.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeveloperNotice {
    /// Its id; later ones are greater.
    id: i64,
    /// When it happened.
    at: Instant,
    /// `quota_reached`, `quota_nearing`, `key`, `anomaly`, `level`, `vetting`, `account`,
    /// `capability` or `api`.
    kind: String,
    /// The app it is about, if it is about one.
    app: Option<String>,
    /// The APIs it is about.
    apis: Vec<String>,
    /// What it says.
    says: String,
    /// Whether you have read it.
    read: bool,
}

/// How far notices are read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadNotices {
    /// Id of the newest notice that is read; what is older is read as well.
    to: i64,
}

/// How far notices are read now.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoticesRead {
    /// Id of the newest notice that is read.
    to: i64,
    /// How many are not read, up to 100.
    unread: usize,
}

/// The kinds of notices that are mailed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticeMails {
    /// Those of which you want a mail. `capability` and `api` are never mailed.
    kinds: Vec<String>,
}

impl From<&NoticeReader> for NoticeMails {
    fn from(reader: &NoticeReader) -> Self {
        let unwanted = unmailed(Some(&reader.no_mail));
        let mailed = NoticeKind::ALL.iter().filter(|kind| kind.is_mailed());
        let wanted = mailed.filter(|kind| !unwanted.contains(kind));
        Self {
            kinds: wanted.map(|kind| kind.as_str().to_owned()).collect(),
        }
    }
}

/// What you are told
///
/// The newest first: limits that are used up, keys that end, levels, and what changed for your apps.
/// With a filter a page may be shorter than `limit` and still have a `next`.
#[utoipa::path(get, path = "/v1/developer/notices", tag = "developer",
    operation_id = "listOwnNotices",
    params(WhichNotices, PageParameters),
    responses((status = 200, body = Page<DeveloperNotice>), Problems))]
async fn list(
    State(desk): State<Management>,
    by: By,
    listing: Listing<WhichNotices>,
) -> Result<Json<Page<DeveloperNotice>>, Problem> {
    let (developer, person) = (by.developer()?, by.person()?);
    let snapshot = desk.snapshots().load_full();
    let reader = notice_reader(&desk.authority, person).await;
    let read_to = reader.map_err(unable)?.read_to;
    let which = &listing.filter;
    let filter = NoticeFilter {
        after: if which.unread {
            read_to
        } else {
            NoticePlace::default()
        },
        before: listing.position::<i64>()?.map(NoticePlace::from_number),
        kind: which.kind.clone(),
        app: which.app.clone(),
    };
    let wanted = (filter, listing.wanted());
    let page = own_notices(&desk.authority, &snapshot, developer, wanted).await;
    let page = page.map_err(unable)?;
    let items = page.notices.into_iter().map(|one| DeveloperNotice {
        id: one.place.number(),
        at: one.at.into(),
        read: one.place <= read_to,
        app: Some(one.app).filter(|app| !app.is_empty()),
        apis: one.apis.split_whitespace().map(str::to_owned).collect(),
        kind: one.kind,
        says: one.says,
    });
    let next = page.next.map(|place| place.number().to_string());
    Ok(Json(listing.page_until(items.collect(), next)))
}

/// Mark what you are told as read
#[utoipa::path(post, path = "/v1/developer/notices/read", tag = "developer",
    operation_id = "readOwnNotices",
    request_body = ReadNotices,
    responses((status = 200, body = NoticesRead), Problems))]
async fn read(
    State(desk): State<Management>,
    by: By,
    Json(body): Json<ReadNotices>,
) -> Result<Json<NoticesRead>, Problem> {
    let (developer, person) = (by.developer()?, by.person()?);
    let to = NoticePlace::from_number(body.to);
    let reader = read_notices(&desk.authority, person, to).await;
    let reader = reader.map_err(unable)?;
    let snapshot = desk.snapshots().load_full();
    let unread = unread_notices(&desk.authority, &snapshot, (person, developer)).await;
    Ok(Json(NoticesRead {
        to: reader.read_to.number(),
        unread: unread.map_err(unable)?,
    }))
}

/// Which notices you are mailed
#[utoipa::path(get, path = "/v1/developer/notice-mails", tag = "developer",
    operation_id = "getOwnNoticeMails",
    responses((status = 200, body = NoticeMails), Problems))]
async fn mails(State(desk): State<Management>, by: By) -> Result<Json<NoticeMails>, Problem> {
    let reader = notice_reader(&desk.authority, by.person()?).await;
    Ok(Json(NoticeMails::from(&reader.map_err(unable)?)))
}

/// Choose which notices you are mailed
#[utoipa::path(put, path = "/v1/developer/notice-mails", tag = "developer",
    operation_id = "chooseOwnNoticeMails",
    request_body = NoticeMails,
    responses((status = 200, body = NoticeMails), Problems))]
async fn choose(
    State(desk): State<Management>,
    by: By,
    Json(body): Json<NoticeMails>,
) -> Result<Json<NoticeMails>, Problem> {
    let mut kinds = Vec::new();
    for word in &body.kinds {
        let kind = NoticeKind::of(word).filter(|kind| kind.is_mailed());
        kinds.push(kind.ok_or_else(|| {
            let why = format!("`{word}` is no kind of notice that is mailed");
            Problem::of(&codes::CHANGE_REFUSED).because(why)
        })?);
    }
    let reader = choose_mails(&desk.authority, by.person()?, &kinds).await;
    Ok(Json(NoticeMails::from(&reader.map_err(unable)?)))
}
