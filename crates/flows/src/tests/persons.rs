use std::collections::BTreeSet;

use ::keys::CodeSeed;
use accounts::persons::{Action, Duties, Role, Standing};
use primitives::{PageSize, Revision, Secret};
use store::SignInKind::{Browser, Token};

use super::{Bench, bench, name};
use crate::{
    Caller, Invitation, NewSignIn, Origins, PasswordSet, Person, PersonChange, PersonRefused,
    Tried, begin_codes, change_password, change_person, confirm_codes, delete_person, end_codes,
    end_sign_in, find_caller, find_person, invite_person, make_access_token, make_password_link,
    make_sign_in_link, set_password_by_link, sign_in_again, sign_in_by_code, sign_in_by_link,
    sign_in_by_password, sign_ins_of, waiting_mails,
};

pub(super) const EMAIL: &str = "kim@example.com";
pub(super) const PASSWORD: &str = "several words in a row";
pub(super) const LABEL: &str = "a browser";

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn duties(roles: &[Role]) -> Duties {
    Duties {
        roles: roles.iter().copied().collect(),
        units: BTreeSet::new(),
        developer: None,
    }
}

/// Without a mail server.
const BY_HAND: (&str, Option<&Origins>) = ("operator", None);

fn invitation(email: &str, roles: &[Role]) -> Invitation {
    Invitation {
        email: email.to_owned(),
        name: "Kim".to_owned(),
        duties: duties(roles),
    }
}

#[track_caller]
pub(super) fn signed_in(tried: Tried) -> NewSignIn {
    match tried {
        Tried::In(new) => new,
        other => panic!("not signed in: {other:?}"),
    }
}

impl Bench {
    /// Somebody who has taken an invitation.
    pub(super) async fn person(&self, email: &str, roles: &[Role]) -> Person {
        let invitation = invitation(email, roles);
        let invited = invite_person(&self.at, BY_HAND, &invitation, &|_| Ok(None)).await;
        let invited = invited.unwrap();
        let given = (invited.link.code.expose(), secret(PASSWORD));
        let set = set_password_by_link(&self.at, given, LABEL).await.unwrap();
        assert!(matches!(set, PasswordSet::Tried(Tried::In(_))), "{set:?}");
        find_person(&self.at, invited.person.kept.id).await.unwrap()
    }

    pub(super) async fn try_password(&self, email: &str, password: &str) -> Tried {
        let given = (email, secret(password));
        sign_in_by_password(&self.at, given, LABEL).await.unwrap()
    }

    pub(super) async fn caller(&self, new: &NewSignIn) -> Option<Caller> {
        let kind = new.sign_in.kind;
        find_caller(&self.at, new.secret.expose(), kind)
            .await
            .unwrap()
    }

    /// Sets one-time codes up.
    pub(super) async fn second_factor(&self, person: &Person) -> CodeSeed {
        let new = begin_codes(&self.at, person, secret(PASSWORD), "Here")
            .await
            .unwrap();
        let seed = CodeSeed::read(&new.seed).unwrap();
        let code = seed.code(self.at.clock.now());
        let given = (new.sealed.as_str(), code.as_str());
        let confirmed = confirm_codes(&self.at, person, given, "Here").await;
        confirmed.unwrap().unwrap();
        seed
    }

    pub(super) async fn change(&self, person: &Person, change: PersonChange) -> Person {
        let by = (&Caller::owner(None), person.kept.id);
        let changed = change_person(&self.at, by, &change, &|_| Ok(None)).await;
        changed.unwrap()
    }
}

/// Shows: P-61, S-70.
#[tokio::test]
async fn an_invitation_is_taken_once_and_opens_what_the_roles_say() {
    let bench = bench().await;
    let at = &bench.at;
    let wanted = invitation("Kim@Example.com", &[Role::Support]);
    let invited = invite_person(at, BY_HAND, &wanted, &|_| Ok(None)).await;
    let invited = invited.unwrap();
    assert_eq!(invited.person.standing, Standing::Invited);
    assert!(matches!(
        bench.try_password(EMAIL, PASSWORD).await,
        Tried::Wrong
    ));
    let code = invited.link.code.expose();
    // What is no link for signing in does not, and a bad password leaves the invitation.
    assert!(sign_in_by_link(at, code, LABEL).await.unwrap().is_none());
    let set = set_password_by_link(at, (code, secret("short")), LABEL).await;
    let PasswordSet::Refused(PersonRefused::Password(_), again) = set.unwrap() else {
        panic!("a short password is refused");
    };
    let given = || (again.code.expose(), secret(PASSWORD));
    let set = set_password_by_link(at, given(), LABEL).await.unwrap();
    let PasswordSet::Tried(tried) = set else {
        panic!("not signed in: {set:?}");
    };
    let caller = bench.caller(&signed_in(tried)).await.unwrap();
    assert!(caller.may(Action::HandleKeys).is_some() && caller.may(Action::Vet).is_none());
    assert_eq!(caller.actor(), invited.person.kept.id.to_string());
    let twice = set_password_by_link(at, given(), LABEL).await.unwrap();
    assert!(matches!(twice, PasswordSet::LinkGone));
    signed_in(bench.try_password(" KIM@example.COM ", PASSWORD).await);
    let taken = invite_person(at, BY_HAND, &wanted, &|_| Ok(None)).await;
    assert!(matches!(taken, Err(PersonRefused::EmailTaken)));
}

/// A mailed invitation goes to the address alone, with nothing that the inviter wrote, in the
/// commit that makes the person or not at all.
///
/// Shows: P-61, S-70.
#[tokio::test]
async fn an_invitation_by_mail_is_in_the_mail_alone() {
    let bench = bench().await;
    let at = &bench.at;
    let origins = Origins {
        name: "Here".to_owned(),
        site: "http://site.example".to_owned(),
        console: "http://console.example".to_owned(),
    };
    let by = ("person_1", Some(&origins));
    let wanted = Invitation {
        name: "Win at evil.example".to_owned(),
        ..invitation(EMAIL, &[Role::Viewer])
    };
    let invited = invite_person(at, by, &wanted, &|_| Ok(None)).await.unwrap();
    assert!(invited.mailed);
    let taken = invite_person(at, by, &wanted, &|_| Ok(None)).await;
    assert!(matches!(taken, Err(PersonRefused::EmailTaken)));
    let all = PageSize::clamped(10);
    let waiting = waiting_mails(at, None, all).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let letter = waiting[0].letter.as_ref().unwrap();
    assert!(letter.to == EMAIL && !letter.text.contains("evil"));
    let (_, code) = letter
        .text
        .split_once("http://console.example/console/password?code=")
        .unwrap();
    let code = code.split_whitespace().next().unwrap();
    let events = at.store.events(Revision(0), all).await.unwrap();
    let told: Vec<(&str, &str)> = events
        .iter()
        .map(|event| (event.kind.as_str(), event.actor.as_str()))
        .collect();
    assert_eq!(told, [("person", "person_1"), ("mail", "person_1")]);
    assert!(events.iter().all(|event| !event.detail.contains(code)));
    let set = set_password_by_link(at, (code, secret(PASSWORD)), LABEL).await;
    assert!(matches!(set, Ok(PasswordSet::Tried(Tried::In(_)))));
    bench.person("by-hand@example.com", &[Role::Viewer]).await;
    assert_eq!(waiting_mails(at, None, all).await.unwrap().len(), 1);
}

/// Whether there is such a person, and how they stand, is not told by the answer.
///
/// Shows: S-73.
#[tokio::test]
async fn everything_wrong_is_wrong_in_one_way() {
    let bench = bench().await;
    let kim = bench.person(EMAIL, &[Role::Viewer]).await;
    let out = bench.person("out@example.com", &[Role::Viewer]).await;
    bench.change(&out, PersonChange::Disable).await;
    bench.second_factor(&kim).await;
    for (email, password) in [
        (EMAIL, "several words in a rov"),
        (EMAIL, ""),
        ("nobody@example.com", PASSWORD),
        ("out@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
    ] {
        let tried = bench.try_password(email, password).await;
        assert!(matches!(tried, Tried::Wrong), "{email}: {tried:?}");
    }
    // Nor is a second factor told of before the password is right.
    let right = bench.try_password(EMAIL, PASSWORD).await;
    assert!(matches!(right, Tried::NeedsCode(_)), "{right:?}");
}

/// However the address is written, known or not, and at whichever factor.
///
/// Shows: S-72.
#[tokio::test]
async fn tries_are_counted_for_the_one_person() {
    let bench = bench().await;
    let kim = bench.person(EMAIL, &[Role::Viewer]).await;
    bench.person("other@example.com", &[Role::Viewer]).await;
    let seed = bench.second_factor(&kim).await;
    for email in [EMAIL, "nobody@example.com"] {
        for spelling in 0..10 {
            let email = match spelling % 3 {
                0 => email.to_uppercase(),
                1 => format!(" {email}"),
                _ => email.to_owned(),
            };
            let tried = bench.try_password(&email, "wrong").await;
            assert!(matches!(tried, Tried::Wrong), "{tried:?}");
        }
        let tried = bench.try_password(email, PASSWORD).await;
        assert!(matches!(tried, Tried::TooOften), "{tried:?}");
    }
    signed_in(bench.try_password("other@example.com", PASSWORD).await);
    // One more each minute: it gets as far as the code, and the code is another try.
    bench.clock.advance_seconds(60);
    let Tried::NeedsCode(link) = bench.try_password(EMAIL, PASSWORD).await else {
        panic!("the password is right");
    };
    let code = seed.code(bench.at.clock.now());
    let given = (link.code.expose(), code.as_str());
    let tried = sign_in_by_code(&bench.at, given, LABEL).await.unwrap();
    assert!(matches!(tried, Tried::TooOften), "{tried:?}");
    bench.clock.advance_seconds(600);
    let Tried::NeedsCode(link) = bench.try_password(EMAIL, PASSWORD).await else {
        panic!("the password is right");
    };
    let code = seed.code(bench.at.clock.now());
    let given = (link.code.expose(), code.as_str());
    signed_in(sign_in_by_code(&bench.at, given, LABEL).await.unwrap());
}

/// Shows: S-72, S-89.
#[tokio::test]
async fn a_second_factor_is_asked_for_on_every_way_in() {
    let bench = bench().await;
    let at = &bench.at;
    let kim = bench.person(EMAIL, &[Role::Viewer]).await;
    let seed = bench.second_factor(&kim).await;
    let used = seed.code(at.clock.now());
    let Tried::NeedsCode(link) = bench.try_password(EMAIL, PASSWORD).await else {
        panic!("a code is needed");
    };
    // The code that confirmed the codes is used; the ticket for the code does nothing else.
    let ticket = link.code.expose();
    assert!(sign_in_by_link(at, ticket, LABEL).await.unwrap().is_none());
    let tried = sign_in_by_code(at, (ticket, &used), LABEL).await.unwrap();
    let Tried::WrongCode(again) = tried else {
        panic!("a code works once: {tried:?}");
    };
    assert!(again.expires_at <= link.expires_at);
    let tried = sign_in_by_code(at, (ticket, &used), LABEL).await.unwrap();
    assert!(
        matches!(tried, Tried::Wrong),
        "a ticket works once: {tried:?}"
    );
    bench.clock.advance_seconds(30);
    let code = seed.code(at.clock.now());
    let given = (again.code.expose(), code.as_str());
    signed_in(sign_in_by_code(at, given, LABEL).await.unwrap());

    let reset = make_password_link(at, "operator", kim.kept.id)
        .await
        .unwrap();
    let given = (reset.code.expose(), secret("another few words"));
    let set = set_password_by_link(at, given, LABEL).await.unwrap();
    assert!(
        matches!(set, PasswordSet::Tried(Tried::NeedsCode(_))),
        "{set:?}"
    );

    let kim = find_person(at, kim.kept.id).await.unwrap();
    let refused = end_codes(at, &kim, secret(PASSWORD)).await;
    assert!(matches!(refused, Err(PersonRefused::NotShown)));
    end_codes(at, &kim, secret("another few words"))
        .await
        .unwrap();
    signed_in(bench.try_password(EMAIL, "another few words").await);
}

/// Codes count from when the app has shown that it has the seed, and only for their person.
#[tokio::test]
async fn codes_are_confirmed_before_they_count() {
    let bench = bench().await;
    let at = &bench.at;
    let kim = bench.person(EMAIL, &[Role::Viewer]).await;
    let other = bench.person("other@example.com", &[Role::Viewer]).await;
    let new = begin_codes(at, &kim, secret(PASSWORD), "Here")
        .await
        .unwrap();
    let given = (new.sealed.as_str(), "000000");
    let again = confirm_codes(at, &kim, given, "Here").await.unwrap();
    assert_eq!(again.unwrap_err().seed.expose(), new.seed.expose());
    signed_in(bench.try_password(EMAIL, PASSWORD).await);
    let seed = CodeSeed::read(&new.seed).unwrap();
    let code = seed.code(at.clock.now());
    for sealed in [new.sealed.as_str(), "", "zz", "00"] {
        let theirs = confirm_codes(at, &other, (sealed, &code), "Here").await;
        assert!(matches!(theirs, Err(PersonRefused::NotShown)), "{sealed}");
    }
}

/// Shows: S-117.
#[tokio::test]
async fn who_is_shut_out_is_out_with_the_next_request() {
    let bench = bench().await;
    let at = &bench.at;
    let kim = bench.person(EMAIL, &[Role::Admin]).await;
    let browser = signed_in(bench.try_password(EMAIL, PASSWORD).await);
    let token = make_access_token(at, &kim, secret(PASSWORD), ("a program", 30))
        .await
        .unwrap();
    let link = make_sign_in_link(at, Some(&kim)).await.unwrap();
    let reset = make_password_link(at, "operator", kim.kept.id)
        .await
        .unwrap();
    assert!(bench.caller(&browser).await.is_some() && bench.caller(&token).await.is_some());
    bench.change(&kim, PersonChange::Disable).await;
    assert!(bench.caller(&browser).await.is_none() && bench.caller(&token).await.is_none());
    let by_link = sign_in_by_link(at, link.code.expose(), LABEL)
        .await
        .unwrap();
    assert!(by_link.is_none());
    let given = (reset.code.expose(), secret("another few words"));
    let set = set_password_by_link(at, given, LABEL).await.unwrap();
    assert!(matches!(set, PasswordSet::LinkGone), "{set:?}");
    // Letting them in again brings nothing of before back, nor what began in between.
    bench.clock.advance_seconds(5);
    let between = store::SignIn {
        created_at: at.clock.now(),
        ..browser.sign_in.clone()
    };
    at.store.end_sign_in(&between.hash).await.unwrap();
    at.store.put_sign_in(between).await.unwrap();
    bench.change(&kim, PersonChange::Enable).await;
    assert!(bench.caller(&browser).await.is_none() && bench.caller(&token).await.is_none());
    signed_in(bench.try_password(EMAIL, PASSWORD).await);

    let browser = signed_in(bench.try_password(EMAIL, PASSWORD).await);
    let less = PersonChange::Duties(duties(&[Role::Viewer]));
    bench.change(&kim, less).await;
    let caller = bench.caller(&browser).await.unwrap();
    assert!(caller.may(Action::HandlePersons).is_none());
    let owner = Caller::owner(None);
    delete_person(at, &owner, kim.kept.id).await.unwrap();
    assert!(bench.caller(&browser).await.is_none());
    assert!(matches!(
        bench.try_password(EMAIL, PASSWORD).await,
        Tried::Wrong
    ));
}

#[tokio::test]
async fn a_new_password_ends_every_other_sign_in() {
    let bench = bench().await;
    let at = &bench.at;
    let kim = bench.person(EMAIL, &[Role::Viewer]).await;
    let other = signed_in(bench.try_password(EMAIL, PASSWORD).await);
    let own = signed_in(bench.try_password(EMAIL, PASSWORD).await);
    let token = make_access_token(at, &kim, secret(PASSWORD), ("a program", 30))
        .await
        .unwrap();
    let wrong = (secret("wrong"), secret("another few words"));
    let refused = change_password(at, &kim, wrong).await;
    assert!(matches!(refused, Err(PersonRefused::NotShown)));
    assert!(bench.caller(&other).await.is_some());
    let right = (secret(PASSWORD), secret("another few words"));
    let kim = change_password(at, &kim, right).await.unwrap();
    let new = sign_in_again(at, kim.clone(), &own.sign_in)
        .await
        .unwrap()
        .unwrap();
    for (ended, one) in [(true, &other), (true, &own), (true, &token), (false, &new)] {
        assert_eq!(bench.caller(one).await.is_none(), ended);
    }
    // A sign-in is renewed for its own person alone, and a token never becomes one.
    for before in [&other.sign_in, &token.sign_in] {
        let mut before = before.clone();
        if before.kind == Browser {
            before.person = None;
        }
        assert!(
            sign_in_again(at, kim.clone(), &before)
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn cookies_and_tokens_are_not_each_other_and_end_one_by_one() {
    let bench = bench().await;
    let at = &bench.at;
    let kim = bench.person(EMAIL, &[Role::Viewer]).await;
    let other = bench.person("other@example.com", &[Role::Viewer]).await;
    let token = make_access_token(at, &kim, secret(PASSWORD), ("a\nprogram", 30))
        .await
        .unwrap();
    assert_eq!(token.sign_in.label, "aprogram");
    let text = token.secret.expose();
    assert!(text.starts_with("ptr_person_"));
    assert!(find_caller(at, text, Browser).await.unwrap().is_none());
    let browser = signed_in(bench.try_password(EMAIL, PASSWORD).await);
    let cookie = browser.secret.expose();
    assert!(find_caller(at, cookie, Token).await.unwrap().is_none());
    let listed = sign_ins_of(at, &kim).await.unwrap();
    assert!(listed.iter().any(|one| one.id == token.sign_in.id));
    assert!(
        !end_sign_in(at, other.kept.id, token.sign_in.id)
            .await
            .unwrap()
    );
    assert!(
        end_sign_in(at, kim.kept.id, token.sign_in.id)
            .await
            .unwrap()
    );
    assert!(bench.caller(&token).await.is_none() && bench.caller(&browser).await.is_some());
    let gone = PersonChange::SignOutEverywhere;
    let kim = bench.change(&kim, gone).await;
    assert_eq!(sign_ins_of(at, &kim).await.unwrap(), []);
}

#[tokio::test]
async fn nobody_makes_themselves_more_or_less() {
    let bench = bench().await;
    let at = &bench.at;
    let kim = bench.person(EMAIL, &[Role::Admin]).await;
    let browser = signed_in(bench.try_password(EMAIL, PASSWORD).await);
    let caller = bench.caller(&browser).await.unwrap();
    let id = kim.kept.id;
    for change in [
        PersonChange::Duties(duties(&[Role::Viewer])),
        PersonChange::Disable,
        PersonChange::RemoveCodes,
    ] {
        let refused = change_person(at, (&caller, id), &change, &|_| Ok(None)).await;
        assert!(matches!(refused, Err(PersonRefused::Oneself)), "{change:?}");
    }
    let refused = delete_person(at, &caller, id).await;
    assert!(matches!(refused, Err(PersonRefused::Oneself)));
}

#[tokio::test]
async fn what_cannot_be_a_person_is_not_invited() {
    let bench = bench().await;
    let units = Duties {
        roles: BTreeSet::from([Role::Viewer]),
        units: BTreeSet::from([name("cards")]),
        developer: None,
    };
    let refused = [
        invitation("no address", &[]),
        Invitation {
            name: " ".to_owned(),
            ..invitation(EMAIL, &[])
        },
        Invitation {
            name: "a\nb".to_owned(),
            ..invitation(EMAIL, &[])
        },
        invitation(EMAIL, &[Role::BusinessUnit]),
        Invitation {
            duties: units,
            ..invitation(EMAIL, &[])
        },
    ];
    for wanted in refused {
        let done = invite_person(&bench.at, BY_HAND, &wanted, &|_| Ok(None)).await;
        assert!(done.is_err(), "{wanted:?}");
    }
    assert!(
        bench
            .at
            .store
            .persons(None, primitives::PageSize::default())
            .await
            .unwrap()
            .is_empty()
    );
}

/// Who was invited, by whom and to what is in the log; who they are is not, nor any secret.
///
/// Shows: S-123.
#[tokio::test]
async fn the_log_tells_of_persons_without_naming_them() {
    let bench = bench().await;
    let kim = bench.person(EMAIL, &[Role::Risk]).await;
    bench.second_factor(&kim).await;
    make_password_link(&bench.at, "somebody", kim.kept.id)
        .await
        .unwrap();
    let all = primitives::PageSize::clamped(primitives::PageSize::MOST);
    let events = bench.at.store.events(primitives::Revision(0), all).await;
    let told: Vec<String> = events
        .unwrap()
        .iter()
        .map(|event| {
            format!(
                "{} {} {} {}",
                event.actor, event.action, event.kind, event.detail
            )
        })
        .collect();
    let id = kim.kept.id.to_string();
    assert!(
        told.iter()
            .any(|one| one.starts_with("operator created person") && one.contains("risk"))
    );
    assert!(
        told.iter()
            .any(|one| one.starts_with(&format!("{id} created sign_in")))
    );
    let link = told.iter().find(|one| one.contains("password link"));
    assert!(link.unwrap().starts_with("somebody updated person"));
    for one in &told {
        for hidden in [EMAIL, "Kim", PASSWORD, "argon2"] {
            assert!(!one.contains(hidden), "{one}");
        }
    }
}

/// What ends the sign-ins of a person ends what could begin one as well.
///
/// Shows: S-72, S-117.
#[tokio::test]
async fn links_and_tickets_end_with_the_sign_ins() {
    let bench = bench().await;
    let at = &bench.at;
    let kim = bench.person(EMAIL, &[Role::Viewer]).await;
    bench.second_factor(&kim).await;
    for again in [
        [PersonChange::SignOutEverywhere].as_slice(),
        &[PersonChange::Disable, PersonChange::Enable],
    ] {
        let kim = find_person(at, kim.kept.id).await.unwrap();
        let link = make_sign_in_link(at, Some(&kim)).await.unwrap();
        let reset = make_password_link(at, "operator", kim.kept.id)
            .await
            .unwrap();
        let Tried::NeedsCode(ticket) = bench.try_password(EMAIL, PASSWORD).await else {
            panic!("a code is needed");
        };
        for change in again {
            bench.change(&kim, change.clone()).await;
        }
        let by_link = sign_in_by_link(at, link.code.expose(), LABEL)
            .await
            .unwrap();
        assert!(by_link.is_none(), "{again:?}");
        let given = (reset.code.expose(), secret("another few words"));
        let set = set_password_by_link(at, given, LABEL).await.unwrap();
        assert!(matches!(set, PasswordSet::LinkGone), "{again:?}: {set:?}");
        let given = (ticket.code.expose(), "000000");
        let tried = sign_in_by_code(at, given, LABEL).await.unwrap();
        assert!(matches!(tried, Tried::Wrong), "{again:?}: {tried:?}");
    }
}
