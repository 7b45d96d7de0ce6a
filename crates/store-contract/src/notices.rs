//! What developers are told, and what they have read of it.

use std::sync::Arc;

use primitives::{AccountId, MailId, PageSize, PersonId, Revision};
use store::{
    Mail, Notice, NoticeFilter, NoticePlace, NoticeReader, NoticeStep, Person, Store, WriteSet,
};

use crate::samples::{ALL, at, done};

const OWN: AccountId = AccountId::from_u128(7);
const OTHER: AccountId = AccountId::from_u128(8);

fn notice(account: Option<AccountId>, revision: u64, kind: &str, app: &str) -> Notice {
    Notice {
        account,
        place: NoticePlace::of(Revision(revision), 3),
        at: at(revision.cast_signed()),
        kind: kind.to_owned(),
        app: app.to_owned(),
        apis: " pay é ".to_owned(),
        says: "Ünïcode 😀".to_owned(),
    }
}

fn step(notices: Vec<Notice>, from: Option<u64>, to: u64) -> NoticeStep {
    NoticeStep {
        from: from.map(Revision),
        to: Revision(to),
        notices,
        mails: Vec::new(),
    }
}

fn mail() -> Mail {
    Mail {
        id: MailId::from_u128(1),
        sealed: vec![0, 255, 7],
        created_at: at(5),
        next_at: at(5),
        expires_at: at(1_000),
        tries: 0,
        problem: String::new(),
    }
}

/// Every field survives; what comes again changes nothing; the cursor goes with the notices.
pub async fn a_notice_is_kept_once_with_its_cursor(store: Arc<dyn Store>) {
    assert_eq!(store.notice_cursor().await.unwrap(), None);
    let before = store.revision().await.unwrap();
    let first = notice(Some(OWN), 5, "quota", "till");
    let mut begun = step(vec![first.clone()], None, 5);
    begun.mails = vec![mail()];
    assert!(store.keep_notices(begun.clone()).await.unwrap());
    assert!(
        !store.keep_notices(begun).await.unwrap(),
        "the start is over"
    );
    let again = Notice {
        says: "other".to_owned(),
        ..first.clone()
    };
    let moved = step(vec![again], Some(5), 9);
    assert!(store.keep_notices(moved).await.unwrap());
    let found = store.notices(OWN, &NoticeFilter::default(), ALL).await;
    assert_eq!(found.unwrap(), [first]);
    assert_eq!(store.mails(None, at(5), ALL).await.unwrap(), [mail()]);
    let stale = step(vec![notice(Some(OWN), 6, "quota", "")], Some(5), 10);
    assert!(!store.keep_notices(stale).await.unwrap());
    assert_eq!(store.notice_cursor().await.unwrap(), Some(Revision(9)));
    let found = store.notices(OWN, &NoticeFilter::default(), ALL).await;
    assert_eq!(found.unwrap().len(), 1);
    assert_eq!(
        store.revision().await.unwrap(),
        before,
        "it is no change of the state"
    );
    assert_eq!(store.drop_notices(at(5)).await.unwrap(), 0);
    assert_eq!(store.drop_notices(at(6)).await.unwrap(), 1);
}

/// Nobody is told what is another's, and filters and pages meet.
pub async fn pages_of_notices_have_ones_own_and_everybodys(store: Arc<dyn Store>) {
    let all = vec![
        notice(Some(OWN), 1, "quota", "till"),
        notice(Some(OTHER), 2, "quota", "till"),
        notice(None, 3, "api", ""),
        notice(Some(OWN), 4, "key", "shop"),
        notice(Some(OWN), 5, "level", ""),
    ];
    assert!(store.keep_notices(step(all, None, 5)).await.unwrap());
    let asked = async |filter: NoticeFilter, size: PageSize| -> Vec<u64> {
        let found = store.notices(OWN, &filter, size).await.unwrap();
        let place = |revision| NoticePlace::of(Revision(revision), 3);
        let number = |one: &Notice| (1..9).find(|number| one.place == place(*number));
        found.iter().filter_map(number).collect()
    };
    let of = |before: Option<u64>, after: u64| NoticeFilter {
        before: before.map(|before| NoticePlace::of(Revision(before), 3)),
        after: NoticePlace::of(Revision(after), 3),
        ..NoticeFilter::default()
    };
    assert_eq!(asked(of(None, 0), ALL).await, [5, 4, 3, 1]);
    assert_eq!(asked(of(None, 0), PageSize::clamped(2)).await, [5, 4]);
    assert_eq!(asked(of(Some(4), 0), ALL).await, [3, 1]);
    assert_eq!(asked(of(None, 3), ALL).await, [5, 4]);
    let kind = NoticeFilter {
        kind: Some("quota".to_owned()),
        ..NoticeFilter::default()
    };
    assert_eq!(asked(kind, ALL).await, [1]);
    let app = NoticeFilter {
        app: Some("shop".to_owned()),
        ..NoticeFilter::default()
    };
    assert_eq!(asked(app, ALL).await, [4, 3], "and what is for everybody");
}

/// The mark of a reader is replaced, and does not outlive the person.
pub async fn what_was_read_is_kept_and_goes_with_the_person(store: Arc<dyn Store>) {
    let person = |id: u128, email: &str, developer: &str| Person {
        id: PersonId::from_u128(id),
        email: email.to_owned(),
        name: "Somebody".to_owned(),
        body: format!(r#"{{"developer":{developer}}}"#),
        password: None,
        code_seed: None,
        sign_ins_from: at(5),
        created_at: at(5),
        version: Revision::default(),
    };
    let own = format!("\"{OWN}\"");
    let persons = vec![
        person(1, "b@example.com", &own),
        person(2, "a@example.com", &own),
        person(3, "c@example.com", &format!("\"{OTHER}\"")),
        person(4, "d@example.com", "null"),
    ];
    let changes = WriteSet {
        persons,
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    let found = store.persons_of_developer(OWN).await.unwrap();
    let emails: Vec<&str> = found.iter().map(|one| one.email.as_str()).collect();
    assert_eq!(emails, ["a@example.com", "b@example.com"]);
    let who = PersonId::from_u128(1);
    assert_eq!(store.notice_reader(who).await.unwrap(), None);
    let mut reader = NoticeReader {
        person: who,
        read_to: NoticePlace::of(Revision(3), 1),
        no_mail: "quota key".to_owned(),
    };
    store.put_notice_reader(&reader).await.unwrap();
    reader.no_mail.clear();
    store.put_notice_reader(&reader).await.unwrap();
    assert_eq!(store.notice_reader(who).await.unwrap(), Some(reader));
    store.drop_notices(at(0)).await.unwrap();
    assert!(store.notice_reader(who).await.unwrap().is_some());
    let changes = WriteSet {
        dropped_persons: vec![who],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    store.drop_notices(at(0)).await.unwrap();
    assert_eq!(store.notice_reader(who).await.unwrap(), None);
}
