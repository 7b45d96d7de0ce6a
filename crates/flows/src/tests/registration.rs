//! Registering, recovering, and the mails that both send.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use primitives::{MailId, PageSize, Secret};
use snapshot::Loader;
use store_contract::{Failing, Strikes};

use super::{Bench, bench};
use crate::{
    Admits, Applicant, Asked, Authority, ConfirmRefused, Letter, NotSent, Origins, OwnApp,
    OwnAppRefused, PasswordSet, Person, Post, RegisterRefused, Registered, Rules, Terms, Tried,
    confirm_registration, invite_developer, mail_password_link, make_own_app, register, send_mails,
    set_password_by_link, sign_in_after_registering, sign_in_by_password, waiting_mails,
};

pub(super) const EMAIL: &str = "dev@example.com";
pub(super) const PASSWORD: &str = "several words in a row";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub(super) fn rules(admits: Admits) -> Rules {
    Rules {
        admits,
        terms: None,
        per_network_hour: 20,
        email_verifies: true,
        origins: Origins {
            name: "Here".to_owned(),
            site: "http://site".to_owned(),
            console: "http://console".to_owned(),
        },
    }
}

pub(super) fn applicant(email: &str) -> Applicant {
    Applicant {
        email: email.to_owned(),
        name: "Acme Ltd".to_owned(),
        password: secret(PASSWORD),
        terms: None,
        invitation: None,
    }
}

pub(super) async fn letters(at: &Authority) -> Vec<Letter> {
    let all = waiting_mails(at, None, PageSize::default()).await.unwrap();
    all.into_iter().filter_map(|one| one.letter).collect()
}

/// What the links of these pages carry, in letters to an address.
pub(super) async fn codes(at: &Authority, email: &str, page: &str) -> Vec<String> {
    let all = letters(at).await.into_iter();
    let texts = all
        .filter(|letter| letter.to == email)
        .map(|letter| letter.text);
    let code = |text: String| {
        let (_, rest) = text.split_once(page)?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    texts.filter_map(code).collect()
}

async fn loader(at: &Authority) -> Loader {
    let clock = Arc::clone(&at.clock);
    let loader = Loader::start(Arc::clone(&at.store), Arc::default(), clock);
    loader.await.unwrap()
}

impl Bench {
    pub(super) async fn confirm(
        &self,
        code: &str,
        password: &str,
    ) -> Result<Registered, ConfirmRefused> {
        let (loader, rules) = (loader(&self.at).await, rules(Admits::Everybody));
        let shown = (code, secret(password));
        confirm_registration(&self.at, (&loader, &rules), shown).await
    }

    pub(super) async fn person_of(&self, email: &str) -> Option<Person> {
        let found = self.at.store.person_by_email(email).await.unwrap();
        found.map(|found| Person::read(found).unwrap())
    }
}

/// Whoever confirms is a person of a developer account of their own, once, and signed in.
///
/// Shows: P-20, P-21.
#[tokio::test]
async fn a_registration_makes_a_person_and_an_account_in_one_commit() {
    let bench = bench().await;
    let at = &bench.at;
    register(
        at,
        &rules(Admits::Everybody),
        (applicant("Dev@Example.com"), None),
    )
    .await
    .unwrap();
    assert!(
        bench.person_of(EMAIL).await.is_none(),
        "nobody before the link is followed"
    );
    let code = codes(at, EMAIL, "/confirm?code=").await.remove(0);
    let before = at.store.revision().await.unwrap();
    let wrong = bench.confirm(&code, "another password").await;
    assert!(
        matches!(wrong, Err(ConfirmRefused::WrongPassword)),
        "{wrong:?}"
    );
    let registered = bench.confirm(&code, PASSWORD).await.unwrap();
    assert_eq!(at.store.revision().await.unwrap().0, before.0 + 1);
    let person = bench.person_of(EMAIL).await.unwrap();
    assert_eq!(person.duties.developer, Some(registered.account));
    assert!(person.duties.roles.is_empty());
    let loader = loader(at).await;
    let snapshot = loader.handle().load_full();
    let account = snapshot.account(registered.account).unwrap();
    assert_eq!(account.name, registered.name);
    let developer = account.developer.as_ref().unwrap();
    assert!(
        account.verified && developer.levels.is_empty(),
        "on the lowest level"
    );
    let tried = sign_in_after_registering(at, registered, "a browser")
        .await
        .unwrap();
    assert!(matches!(tried, Tried::In(_)), "{tried:?}");
    let hash = ::keys::OneTimeCode::hash_of(&code);
    let kept = at.store.registration(&hash, at.clock.now()).await.unwrap();
    assert_eq!(kept, None, "what was said is not kept");
    let again = bench.confirm(&code, PASSWORD).await;
    assert!(matches!(again, Err(ConfirmRefused::LinkGone)), "{again:?}");
}

/// However often a link is followed at once, and however many links there are for an address,
/// one account comes of it.
#[tokio::test]
async fn of_many_who_confirm_at_once_one_does() {
    let bench = bench().await;
    let at = &bench.at;
    for _ in 0..2 {
        register(at, &rules(Admits::Everybody), (applicant(EMAIL), None))
            .await
            .unwrap();
    }
    let codes = codes(at, EMAIL, "/confirm?code=").await;
    assert_eq!(codes.len(), 2);
    let loader = Arc::new(loader(at).await);
    let tasks = (0..8).map(|index| {
        let (at, loader, code) = (at.clone(), Arc::clone(&loader), codes[index % 2].clone());
        tokio::spawn(async move {
            let rules = rules(Admits::Everybody);
            let shown = (code.as_str(), secret(PASSWORD));
            confirm_registration(&at, (&loader, &rules), shown)
                .await
                .is_ok()
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut made = 0;
    for task in tasks {
        made += usize::from(task.await.unwrap());
    }
    assert_eq!(made, 1);
    assert_eq!(loader.handle().load().accounts().count(), 1);
}

/// A link works for a day, and an account is there all or not at all, whatever fails meanwhile.
#[tokio::test]
async fn a_confirmation_that_fails_leaves_nothing_or_everything() {
    for strikes in [Strikes::Before, Strikes::After] {
        for number in 1..40 {
            let bench = bench().await;
            register(
                &bench.at,
                &rules(Admits::Everybody),
                (applicant(EMAIL), None),
            )
            .await
            .unwrap();
            let code = codes(&bench.at, EMAIL, "/confirm?code=").await.remove(0);
            let failing = Arc::new(Failing::over(Arc::clone(&bench.at.store)));
            let at = Authority {
                store: Arc::clone(&failing) as _,
                ..bench.at.clone()
            };
            let loader = loader(&at).await;
            failing.plant(number, strikes);
            let rules = rules(Admits::Everybody);
            let shown = (code.as_str(), secret(PASSWORD));
            let done = confirm_registration(&at, (&loader, &rules), shown).await;
            let struck = failing.clear();
            let person = bench.person_of(EMAIL).await;
            let account = {
                loader.refresh().await.unwrap();
                let snapshot = loader.handle().load_full();
                snapshot.accounts().next().map(|account| account.id)
            };
            assert_eq!(
                person.and_then(|person| person.duties.developer),
                account,
                "call {number}"
            );
            if done.is_err() && account.is_none() {
                bench
                    .confirm(&code, PASSWORD)
                    .await
                    .expect("the link works on");
            }
            if !struck {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_link_runs_out_after_a_day() {
    let bench = bench().await;
    register(
        &bench.at,
        &rules(Admits::Everybody),
        (applicant(EMAIL), None),
    )
    .await
    .unwrap();
    let code = codes(&bench.at, EMAIL, "/confirm?code=").await.remove(0);
    bench.clock.advance_seconds(86_400);
    let late = bench.confirm(&code, PASSWORD).await;
    assert!(matches!(late, Err(ConfirmRefused::LinkGone)), "{late:?}");
    assert_eq!(letters(&bench.at).await, []);
}

/// Who may register is what the settings say, and an invitation admits one.
#[tokio::test]
async fn who_may_register_is_set_up() {
    let bench = bench().await;
    let at = &bench.at;
    let closed = register(at, &rules(Admits::Nobody), (applicant(EMAIL), None)).await;
    assert!(matches!(closed, Err(RegisterRefused::Closed)), "{closed:?}");
    let invited = rules(Admits::Invited);
    let none = register(at, &invited, (applicant(EMAIL), None)).await;
    assert!(matches!(none, Err(RegisterRefused::NotInvited)), "{none:?}");
    let email = EMAIL.parse().unwrap();
    invite_developer(at, &invited.origins, ("operator", &email))
        .await
        .unwrap();
    let code = codes(at, EMAIL, "/register?invitation=").await.remove(0);
    let with = |password: &str| Applicant {
        invitation: Some(code.clone()),
        password: secret(password),
        ..applicant(EMAIL)
    };
    let refused = register(at, &invited, (with("short"), None)).await;
    assert!(
        matches!(refused, Err(RegisterRefused::Password(_))),
        "{refused:?}"
    );
    register(at, &invited, (with(PASSWORD), None))
        .await
        .expect("what was refused used nothing up");
    let twice = register(at, &invited, (with(PASSWORD), None)).await;
    assert!(
        matches!(twice, Err(RegisterRefused::NotInvited)),
        "{twice:?}"
    );
    // What a link is for it does, and nothing else.
    let set = set_password_by_link(at, (&code, secret(PASSWORD)), "a browser").await;
    assert!(matches!(set, Ok(PasswordSet::LinkGone)), "{set:?}");
}

/// The version that was agreed to is kept with its time and the hash of its text.
#[tokio::test]
async fn terms_are_agreed_to_as_they_are_now() {
    let bench = bench().await;
    let at = &bench.at;
    let with_terms = Rules {
        terms: Some(Terms {
            version: "7".to_owned(),
            text: "Be fair.".to_owned(),
        }),
        ..rules(Admits::Everybody)
    };
    for terms in [None, Some("6".to_owned())] {
        let said = Applicant {
            terms,
            ..applicant(EMAIL)
        };
        let refused = register(at, &with_terms, (said, None)).await;
        assert!(
            matches!(refused, Err(RegisterRefused::Terms(_))),
            "{refused:?}"
        );
    }
    let said = Applicant {
        terms: Some("7".to_owned()),
        ..applicant(EMAIL)
    };
    register(at, &with_terms, (said, None)).await.unwrap();
    let when = at.clock.now();
    let code = codes(at, EMAIL, "/confirm?code=").await.remove(0);
    bench.clock.advance_seconds(60);
    bench.confirm(&code, PASSWORD).await.unwrap();
    let agreed = bench.person_of(EMAIL).await.unwrap().agreed.unwrap();
    assert_eq!((agreed.version.as_str(), agreed.at), ("7", when));
    assert_eq!(agreed.text, primitives::hex(&::keys::sha256(b"Be fair.")));
}

/// One address gets no more mails than its share, and everybody together no more than theirs;
/// whoever asks for one too many of an address is not told.
///
/// Shows: S-73.
#[tokio::test]
async fn mails_that_strangers_ask_for_are_bounded() {
    let bench = bench().await;
    let at = &bench.at;
    let open = rules(Admits::Everybody);
    for _ in 0..5 {
        register(at, &open, (applicant(EMAIL), None)).await.unwrap();
    }
    assert_eq!(letters(at).await.len(), 3);
    bench.clock.advance_seconds(600);
    register(at, &open, (applicant(EMAIL), None)).await.unwrap();
    register(at, &open, (applicant(EMAIL), None)).await.unwrap();
    assert_eq!(letters(at).await.len(), 4);
    let mut taken = 0;
    for index in 0..80 {
        let email = format!("dev{index}@example.com").parse().unwrap();
        match mail_password_link(at, &open, (&email, None)).await.unwrap() {
            Asked::Done => taken += 1,
            Asked::TooMany | Asked::TooManyFromNetwork => break,
        }
    }
    assert!((50..=60).contains(&taken), "{taken}");
    let full = register(at, &open, (applicant("other@example.com"), None)).await;
    assert!(matches!(full, Err(RegisterRefused::TooMany)), "{full:?}");
}

/// A forgotten password is set anew by mail, ends what was signed in, and the second factor is
/// asked for as ever.
///
/// Shows: S-72, S-117.
#[tokio::test]
async fn a_password_is_recovered_by_mail_and_the_second_factor_stays() {
    let bench = bench().await;
    let at = &bench.at;
    let open = rules(Admits::Everybody);
    register(at, &open, (applicant(EMAIL), None)).await.unwrap();
    let code = codes(at, EMAIL, "/confirm?code=").await.remove(0);
    bench.confirm(&code, PASSWORD).await.unwrap();
    let person = bench.person_of(EMAIL).await.unwrap();
    let seed = bench.second_factor(&person).await;
    let email = EMAIL.parse().unwrap();
    assert_eq!(
        mail_password_link(at, &open, (&email, None)).await.unwrap(),
        Asked::Done
    );
    let link = codes(at, EMAIL, "http://site/password?code=")
        .await
        .remove(0);
    let given = (link.as_str(), secret("other words in a row"));
    let set = set_password_by_link(at, given, "a browser").await.unwrap();
    assert!(
        matches!(set, PasswordSet::Tried(Tried::NeedsCode(_))),
        "{set:?}"
    );
    drop(seed);
    let given = (EMAIL, secret(PASSWORD));
    let old = sign_in_by_password(at, given, "a browser").await.unwrap();
    assert!(matches!(old, Tried::Wrong), "{old:?}");
}

/// What brings mails out as a test wants it.
#[derive(Default)]
struct Postman {
    answers: Mutex<VecDeque<NotSent>>,
    sent: Mutex<Vec<(MailId, Letter)>>,
}

#[async_trait]
impl Post for Postman {
    async fn send(&self, id: MailId, letter: &Letter) -> Result<(), NotSent> {
        if let Some(answer) = self.answers.lock().unwrap().pop_front() {
            return Err(answer);
        }
        self.sent.lock().unwrap().push((id, letter.clone()));
        Ok(())
    }
}

/// A mail is tried until it is out, later each time, and is gone then; what nobody takes is given
/// up, and so is what is of no use any more.
#[tokio::test]
async fn a_mail_is_tried_until_it_is_out() {
    let bench = bench().await;
    let at = &bench.at;
    register(at, &rules(Admits::Everybody), (applicant(EMAIL), None))
        .await
        .unwrap();
    let postman = Arc::new(Postman::default());
    let post: Arc<dyn Post> = Arc::clone(&postman) as _;
    let later = || NotSent::Later("the mail server answered 451".to_owned());
    postman.answers.lock().unwrap().extend([later(), later()]);
    for (seconds, sent) in [(0, 0), (14, 0), (1, 0), (29, 0), (1, 1), (3_600, 0)] {
        bench.clock.advance_seconds(seconds);
        assert_eq!(
            send_mails(at, &post).await.unwrap(),
            sent,
            "after {seconds} more"
        );
    }
    assert_eq!(postman.sent.lock().unwrap().len(), 1);
    assert_eq!(letters(at).await, []);

    register(at, &rules(Admits::Everybody), (applicant(EMAIL), None))
        .await
        .unwrap();
    let never = NotSent::Never("the mail server answered 550".to_owned());
    postman.answers.lock().unwrap().push_back(never);
    send_mails(at, &post).await.unwrap();
    assert_eq!(letters(at).await, [], "given up");

    register(at, &rules(Admits::Everybody), (applicant(EMAIL), None))
        .await
        .unwrap();
    let many = std::iter::repeat_with(later).take(200);
    postman.answers.lock().unwrap().extend(many);
    for _ in 0..100 {
        bench.clock.advance_seconds(1_800);
        send_mails(at, &post).await.unwrap();
    }
    let left = postman.answers.lock().unwrap().len();
    assert!(
        (140..160).contains(&left),
        "{left} of 200 tries are left after a day"
    );
    assert_eq!(
        waiting_mails(at, None, PageSize::default())
            .await
            .unwrap()
            .len(),
        0
    );
}

/// For an address that nobody has nothing is sent.
#[tokio::test]
async fn nothing_is_sent_to_an_address_that_nobody_has() {
    let bench = bench().await;
    let at = &bench.at;
    let email = "nobody@example.com".parse().unwrap();
    assert_eq!(
        mail_password_link(at, &rules(Admits::Everybody), (&email, None))
            .await
            .unwrap(),
        Asked::Done
    );
    let postman = Arc::new(Postman::default());
    let post: Arc<dyn Post> = Arc::clone(&postman) as _;
    assert_eq!(send_mails(at, &post).await.unwrap(), 0);
    assert_eq!(postman.sent.lock().unwrap().len(), 0);
}

/// Apps are for what they are: named, of one developer, not without number.
#[tokio::test]
async fn a_developer_makes_apps_up_to_a_number() {
    let bench = bench().await;
    let at = &bench.at;
    register(at, &rules(Admits::Everybody), (applicant(EMAIL), None))
        .await
        .unwrap();
    let code = codes(at, EMAIL, "/confirm?code=").await.remove(0);
    let account = bench.confirm(&code, PASSWORD).await.unwrap().account;
    let loader = loader(at).await;
    let make = async |title: &str, api: Option<&str>| {
        let apis = api.map(|api| api.parse().unwrap()).into_iter().collect();
        let wanted = OwnApp {
            title: title.to_owned(),
            apis,
        };
        make_own_app(at, &loader, ("dev", account), &wanted, &|_| Ok(None)).await
    };
    for title in ["", "  ", "two\nlines", &"x".repeat(101)] {
        let refused = make(title, None).await;
        assert!(
            matches!(refused, Err(OwnAppRefused::Title)),
            "{title:?}: {refused:?}"
        );
    }
    let refused = make("Till", Some("no-such-api")).await;
    assert!(
        matches!(refused, Err(OwnAppRefused::Change(_))),
        "{refused:?}"
    );
    for _ in 0..crate::MOST_OWN_APPS {
        make("Till", None).await.unwrap();
    }
    let refused = make("Till", None).await;
    assert!(
        matches!(refused, Err(OwnAppRefused::TooMany)),
        "{refused:?}"
    );
}

/// One network address asks for so many registrations and mails, under whatever addresses; others
/// go on, and so does it after a while.
///
/// Shows: S-90.
#[tokio::test]
async fn one_network_asks_for_so_many_and_no_more() {
    let bench = bench().await;
    let (at, mut open) = (&bench.at, rules(Admits::Everybody));
    open.per_network_hour = 4;
    let ask = async |who: usize, network: Option<&str>| {
        let said = applicant(&format!("dev{who}@example.com"));
        register(at, &open, (said, network)).await
    };
    for who in 0..3 {
        ask(who, Some("192.0.2.1")).await.unwrap();
    }
    let email: accounts::persons::Email = "kim@example.com".parse().unwrap();
    let from = (&email, Some("192.0.2.1"));
    let asked = mail_password_link(at, &open, from).await.unwrap();
    assert_eq!(asked, Asked::Done, "mails are counted with registrations");
    let mails = letters(at).await.len();
    let refused = ask(4, Some("192.0.2.1")).await;
    assert!(matches!(refused, Err(RegisterRefused::Network(_))));
    let asked = mail_password_link(at, &open, from).await.unwrap();
    assert_eq!(asked, Asked::TooManyFromNetwork);
    assert_eq!(letters(at).await.len(), mails, "nothing is written");
    ask(5, Some("192.0.2.2")).await.unwrap();
    // Where addresses tell nothing, nothing is counted by them.
    for who in 10..20 {
        ask(who, None).await.unwrap();
    }
    bench.clock.advance_seconds(900);
    ask(6, Some("192.0.2.1")).await.unwrap();
    let refused = ask(7, Some("192.0.2.1")).await;
    assert!(matches!(refused, Err(RegisterRefused::Network(_))));
}
