//! Passkeys and recovery codes of persons.

use ::passkeys::{Party, Refusal};
use accounts::persons::Role;
use primitives::{PageSize, Secret};
use serde_json::Value;
use soft_authenticator::{BACKUP_ELIGIBLE, Says, SoftPasskey, VERIFIED};
use store::{EventAction, SignInKind};

use super::{
    Bench, bench,
    persons::{EMAIL, LABEL, PASSWORD, secret, signed_in},
};
use crate::{
    MOST_PASSKEYS, Person, PersonChange, PersonRefused, Tried, add_passkey, begin_passkey,
    begin_passkey_sign_in, end_codes, passkeys_of, recovery_codes_left, remove_passkey,
    renew_recovery_codes, sign_in_by_code, sign_in_by_passkey,
};

type Lie = Box<dyn FnOnce(&mut Says)>;

const ORIGIN: &str = "https://console.example.com";

fn party() -> Party {
    Party::at(ORIGIN, "Here").unwrap()
}

impl Bench {
    async fn kim(&self) -> Person {
        self.person(EMAIL, &[Role::Support]).await
    }

    async fn asked(&self, person: &Person) -> Value {
        let begun = begin_passkey(&self.at, (person, &party()), secret(PASSWORD)).await;
        begun.unwrap()
    }

    async fn add(&self, person: &Person, answer: &str) -> Result<store::Passkey, PersonRefused> {
        add_passkey(&self.at, (person, &party()), ("phone", answer)).await
    }

    /// A passkey of somebody.
    async fn passkey(&self, person: &Person, id: &[u8]) -> SoftPasskey {
        let mut passkey = SoftPasskey::new(id);
        let asked = self.asked(person).await;
        let answer = passkey.create((&asked, ORIGIN), |_| {});
        self.add(person, &answer).await.unwrap();
        passkey
    }

    async fn asked_to_sign_in(&self) -> Value {
        begin_passkey_sign_in(&self.at, &party()).await.unwrap()
    }

    async fn show(&self, answer: &str) -> Tried {
        let shown = sign_in_by_passkey(&self.at, (&party(), answer), LABEL).await;
        shown.unwrap()
    }

    async fn sign_in(&self, passkey: &SoftPasskey, lie: impl FnOnce(&mut Says)) -> Tried {
        let asked = self.asked_to_sign_in().await;
        self.show(&passkey.get((&asked, ORIGIN), lie)).await
    }

    /// What the log tells of persons and sign-ins, the newest first: `what` or `by`, and why.
    async fn told(&self) -> Vec<(EventAction, String, String)> {
        let events = self.at.store.events_before(None, PageSize::default()).await;
        let told = events.unwrap().into_iter().map(|event| {
            let detail: Value = serde_json::from_str(&event.detail).unwrap();
            let word = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
            let what = [word("what"), word("by")].concat();
            (event.action, what, word("why"))
        });
        told.collect()
    }

    /// Signs in as far as the code, and types one.
    async fn typed(&self, code: &str) -> Tried {
        let Tried::NeedsCode(link) = self.try_password(EMAIL, PASSWORD).await else {
            panic!("no code is asked for");
        };
        let given = (link.code.expose(), code);
        sign_in_by_code(&self.at, given, LABEL).await.unwrap()
    }

    /// Sets one-time codes up, and gives what stands in for them.
    async fn recovery_codes(&self, person: &Person) -> Vec<Secret> {
        self.second_factor(person).await;
        let renewed = renew_recovery_codes(&self.at, person, secret(PASSWORD)).await;
        renewed.unwrap()
    }
}

#[track_caller]
fn refused(tried: Tried) -> Refusal {
    match tried {
        Tried::Passkey(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn not_added(added: Result<store::Passkey, PersonRefused>) -> Refusal {
    match added {
        Err(PersonRefused::Passkey(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

/// Shows: S-70.
#[tokio::test]
async fn a_passkey_signs_its_person_in_alone() {
    let bench = bench().await;
    let kim = bench.kim().await;
    bench.second_factor(&kim).await;
    let passkey = bench.passkey(&kim, b"one").await;
    let kept = passkeys_of(&bench.at, &kim).await.unwrap();
    assert_eq!((&*kept[0].name, kept[0].used_at), ("phone", None));
    let new = signed_in(bench.sign_in(&passkey, |_| {}).await);
    assert_eq!(new.sign_in.kind, SignInKind::Browser);
    let caller = bench.caller(&new).await.unwrap();
    assert_eq!(caller.person.unwrap().kept.id, kim.kept.id);
    let kept = passkeys_of(&bench.at, &kim).await.unwrap();
    assert_eq!(kept[0].used_at, Some(bench.at.clock.now()));
    let told = bench.told().await;
    assert_eq!(told[0].1, "passkey");
    assert!(told.iter().any(|(_, what, _)| what == "passkey added"));
    // Who has it removed is signed in by it no more; the sign-in that is there stays.
    let gone = remove_passkey(&bench.at, (&kim, kept[0].id), secret(PASSWORD)).await;
    gone.unwrap();
    assert_eq!(
        refused(bench.sign_in(&passkey, |_| {}).await),
        Refusal::Unknown
    );
    assert!(bench.caller(&new).await.is_some());
    assert_eq!(bench.told().await[0].1, "passkey removed");
}

/// Shows: S-67, G-09.
#[tokio::test]
async fn a_challenge_is_taken_once_by_whom_it_was_made_for() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let sam = bench.person("sam@example.com", &[Role::Viewer]).await;
    let passkey = bench.passkey(&kim, b"one").await;
    // Used, right or wrong.
    let asked = bench.asked_to_sign_in().await;
    let answer = passkey.get((&asked, ORIGIN), |_| {});
    signed_in(bench.show(&answer).await);
    assert_eq!(refused(bench.show(&answer).await), Refusal::Challenge);
    let asked = bench.asked_to_sign_in().await;
    let wrong = passkey.get((&asked, ORIGIN), |says| says.flags &= !VERIFIED);
    assert_eq!(refused(bench.show(&wrong).await), Refusal::NotVerified);
    let right = passkey.get((&asked, ORIGIN), |_| {});
    assert_eq!(refused(bench.show(&right).await), Refusal::Challenge);
    // Never made, of the other ceremony, too old.
    let mut never = bench.asked_to_sign_in().await;
    never["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
    let answer = passkey.get((&never, ORIGIN), |_| {});
    assert_eq!(refused(bench.show(&answer).await), Refusal::Challenge);
    let mut other = bench.asked_to_sign_in().await;
    other["challenge"] = bench.asked(&kim).await["challenge"].clone();
    let answer = passkey.get((&other, ORIGIN), |_| {});
    assert_eq!(refused(bench.show(&answer).await), Refusal::Challenge);
    let asked = bench.asked_to_sign_in().await;
    bench.clock.advance_seconds(301);
    let answer = passkey.get((&asked, ORIGIN), |_| {});
    assert_eq!(refused(bench.show(&answer).await), Refusal::Challenge);
    // A registration is its person's.
    let mut second = SoftPasskey::new(b"two");
    let asked = bench.asked(&kim).await;
    let answer = second.create((&asked, ORIGIN), |_| {});
    assert_eq!(
        not_added(bench.add(&sam, &answer).await),
        Refusal::Challenge
    );
    assert_eq!(
        not_added(bench.add(&kim, &answer).await),
        Refusal::Challenge
    );
    let mut of_sign_in = bench.asked(&kim).await;
    of_sign_in["challenge"] = bench.asked_to_sign_in().await["challenge"].clone();
    let answer = second.create((&of_sign_in, ORIGIN), |_| {});
    assert_eq!(
        not_added(bench.add(&kim, &answer).await),
        Refusal::Challenge
    );
    let asked = bench.asked(&kim).await;
    bench.clock.advance_seconds(301);
    let answer = second.create((&asked, ORIGIN), |_| {});
    assert_eq!(
        not_added(bench.add(&kim, &answer).await),
        Refusal::Challenge
    );
    assert_eq!(passkeys_of(&bench.at, &kim).await.unwrap().len(), 1);
    assert!(passkeys_of(&bench.at, &sam).await.unwrap().is_empty());
}

/// Shows: S-67, R-11.
#[tokio::test]
async fn of_many_who_show_one_answer_one_is_signed_in() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let passkey = bench.passkey(&kim, b"one").await;
    let asked = bench.asked_to_sign_in().await;
    let answer = passkey.get((&asked, ORIGIN), |_| {});
    let mut shown = tokio::task::JoinSet::new();
    for turn in 0..50 {
        let at = if turn % 2 == 0 {
            bench.at.clone()
        } else {
            bench.elsewhere().await
        };
        let answer = answer.clone();
        shown.spawn(async move {
            let tried = sign_in_by_passkey(&at, (&party(), &answer), LABEL).await;
            matches!(tried.unwrap(), Tried::In(_))
        });
    }
    let all = shown.join_all().await;
    assert_eq!(all.into_iter().filter(|signed_in| *signed_in).count(), 1);
}

/// Shows: S-69, S-71.
#[tokio::test]
async fn what_is_not_as_it_was_is_refused_and_told() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let sam = bench.person("sam@example.com", &[Role::Viewer]).await;
    let mut passkey = bench.passkey(&kim, b"one").await;
    passkey.counter = 5;
    signed_in(bench.sign_in(&passkey, |_| {}).await);
    let of_sam = sam.kept.id.as_u128().to_be_bytes().to_vec();
    let lies: [(&str, Lie, Refusal); 6] = [
        (
            "counted back",
            Box::new(|says| says.counter = 4),
            Refusal::Counter,
        ),
        ("stood still", Box::new(|_| {}), Refusal::Counter),
        (
            "stopped counting",
            Box::new(|says| says.counter = 0),
            Refusal::Counter,
        ),
        (
            "eligible of late",
            Box::new(|says| says.flags |= BACKUP_ELIGIBLE),
            Refusal::BackupChanged,
        ),
        (
            "not verified",
            Box::new(|says| says.flags &= !VERIFIED),
            Refusal::NotVerified,
        ),
        (
            "another's",
            Box::new(move |says| says.holder = Some(of_sam)),
            Refusal::Holder,
        ),
    ];
    for (what, lie, why) in lies {
        assert_eq!(refused(bench.sign_in(&passkey, lie).await), why, "{what}");
        let told = bench.told().await;
        let last = (&*told[0].1, &*told[0].2);
        assert_eq!(last, ("passkey refused", why.as_str()), "{what}");
    }
    // What nobody has is told in the process log alone: anybody can send it.
    let before = bench.told().await.len();
    let stranger = SoftPasskey::new(b"stranger");
    let unknown = bench
        .sign_in(&stranger, |says| says.holder = Some(vec![0; 16]))
        .await;
    assert_eq!(refused(unknown), Refusal::Unknown);
    assert!(matches!(refused(bench.show("{}").await), Refusal::Form(_)));
    assert_eq!(bench.told().await.len(), before);
    passkey.counter = 6;
    signed_in(bench.sign_in(&passkey, |_| {}).await);
}

/// Shows: S-71.
#[tokio::test]
async fn a_credential_is_added_once_and_never_over_another() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let sam = bench.person("sam@example.com", &[Role::Viewer]).await;
    let passkey = bench.passkey(&kim, b"one").await;
    for person in [&kim, &sam] {
        let mut again = SoftPasskey::new(b"one");
        let asked = bench.asked(person).await;
        let answer = again.create((&asked, ORIGIN), |_| {});
        let refused = not_added(bench.add(person, &answer).await);
        assert_eq!(refused, Refusal::KnownAlready);
    }
    assert_eq!(bench.told().await[0].2, "known_already");
    assert!(passkeys_of(&bench.at, &sam).await.unwrap().is_empty());
    signed_in(bench.sign_in(&passkey, |_| {}).await);
    // Each device is asked not to make a second one.
    let asked = bench.asked(&kim).await;
    assert_eq!(asked["excludeCredentials"].as_array().unwrap().len(), 1);
    for id in 1..MOST_PASSKEYS {
        bench.passkey(&kim, &id.to_be_bytes()).await;
    }
    let full = begin_passkey(&bench.at, (&kim, &party()), secret(PASSWORD)).await;
    assert!(matches!(full, Err(PersonRefused::PasskeysFull)), "{full:?}");
}

/// Shows: S-117.
#[tokio::test]
async fn who_is_shut_out_has_no_passkey_that_works() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let passkey = bench.passkey(&kim, b"one").await;
    let asked = bench.asked(&kim).await;
    bench.change(&kim, PersonChange::Disable).await;
    assert_eq!(
        refused(bench.sign_in(&passkey, |_| {}).await),
        Refusal::Unknown
    );
    let mut second = SoftPasskey::new(b"two");
    let answer = second.create((&asked, ORIGIN), |_| {});
    assert_eq!(
        not_added(bench.add(&kim, &answer).await),
        Refusal::Challenge
    );
    bench.change(&kim, PersonChange::Enable).await;
    signed_in(bench.sign_in(&passkey, |_| {}).await);
    bench.change(&kim, PersonChange::RemovePasskeys).await;
    assert_eq!(
        refused(bench.sign_in(&passkey, |_| {}).await),
        Refusal::Unknown
    );
    assert_eq!(bench.told().await[0].1, "passkeys removed");
}

/// Shows: S-72, R-50.
#[tokio::test]
async fn a_passkey_is_added_and_removed_with_the_password_only() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let sam = bench.person("sam@example.com", &[Role::Viewer]).await;
    bench.passkey(&kim, b"one").await;
    let own = passkeys_of(&bench.at, &kim).await.unwrap()[0].id;
    let theirs = remove_passkey(&bench.at, (&sam, own), secret(PASSWORD)).await;
    assert!(
        matches!(theirs, Err(PersonRefused::PasskeyUnknown)),
        "{theirs:?}"
    );
    let mut evaluated = 0;
    for turn in 0..30 {
        let refused = if turn % 2 == 0 {
            remove_passkey(&bench.at, (&kim, own), secret("a wrong password")).await
        } else {
            let begun = begin_passkey(&bench.at, (&kim, &party()), secret("wrong")).await;
            begun.map(drop)
        };
        match refused {
            Err(PersonRefused::NotShown) => evaluated += 1,
            Err(PersonRefused::TooOften) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(evaluated, 10, "one counter for everything of one's own");
    assert_eq!(passkeys_of(&bench.at, &kim).await.unwrap().len(), 1);
}

/// Tries that are used up keep a password out, and not who has the passkey.
///
/// Shows: S-72.
#[tokio::test]
async fn guessing_at_a_password_does_not_shut_a_passkey_out() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let passkey = bench.passkey(&kim, b"one").await;
    for _ in 0..10 {
        bench
            .try_password("KIM@example.com", "a wrong password")
            .await;
    }
    let tried = bench.try_password(EMAIL, PASSWORD).await;
    assert!(matches!(tried, Tried::TooOften), "{tried:?}");
    signed_in(bench.sign_in(&passkey, |_| {}).await);
}

/// Shows: S-72, S-123.
#[tokio::test]
async fn a_recovery_code_takes_the_place_of_a_code_once() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let codes = bench.recovery_codes(&kim).await;
    assert_eq!(codes.len(), 10);
    // Not in the place of the password, and not without it.
    let tried = bench.try_password(EMAIL, codes[0].expose()).await;
    assert!(matches!(tried, Tried::Wrong), "{tried:?}");
    let tried = sign_in_by_code(&bench.at, (codes[0].expose(), codes[0].expose()), LABEL).await;
    assert!(matches!(tried.unwrap(), Tried::Wrong));
    let typed = codes[0].expose().to_uppercase();
    signed_in(bench.typed(&typed).await);
    assert_eq!(bench.told().await[0].1, "password and recovery code");
    assert_eq!(recovery_codes_left(&bench.at, &kim).await.unwrap(), 9);
    let again = bench.typed(&typed).await;
    assert!(matches!(again, Tried::WrongCode(_)), "{again:?}");
    // A new set ends the one before, and is for the password only.
    let wrong = renew_recovery_codes(&bench.at, &kim, secret("a wrong password")).await;
    assert!(matches!(wrong, Err(PersonRefused::NotShown)), "{wrong:?}");
    let renewed = renew_recovery_codes(&bench.at, &kim, secret(PASSWORD)).await;
    let old = bench.typed(codes[1].expose()).await;
    assert!(matches!(old, Tried::WrongCode(_)), "{old:?}");
    signed_in(bench.typed(renewed.unwrap()[1].expose()).await);
    // Without one-time codes there is nothing that they could stand in for.
    end_codes(&bench.at, &kim, secret(PASSWORD)).await.unwrap();
    assert_eq!(recovery_codes_left(&bench.at, &kim).await.unwrap(), 0);
    let none = renew_recovery_codes(&bench.at, &kim, secret(PASSWORD)).await;
    assert!(matches!(none, Err(PersonRefused::NoCodes)), "{none:?}");
}

/// Shows: S-72, R-50.
#[tokio::test]
async fn recovery_codes_are_guessed_at_with_the_same_tries() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let codes = bench.recovery_codes(&kim).await;
    let Tried::NeedsCode(mut link) = bench.try_password(EMAIL, PASSWORD).await else {
        panic!("no code is asked for");
    };
    let mut evaluated = 1;
    for turn in 0..40 {
        let wrong = if turn % 2 == 0 {
            "000000"
        } else {
            "aaaa-bbbb-cccc"
        };
        let given = (link.code.expose(), wrong);
        match sign_in_by_code(&bench.at, given, LABEL).await.unwrap() {
            Tried::WrongCode(next) => {
                evaluated += 1;
                link = next;
            }
            Tried::TooOften => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(evaluated, 10);
    // The right one is not looked at either.
    let tried = bench.try_password(EMAIL, PASSWORD).await;
    assert!(matches!(tried, Tried::TooOften), "{tried:?}");
    bench.clock.advance_seconds(600);
    signed_in(bench.typed(codes[0].expose()).await);
}

/// Shows: S-72.
#[tokio::test]
async fn recovery_codes_of_one_are_not_of_another_and_go_with_the_codes() {
    let bench = bench().await;
    let kim = bench.kim().await;
    let sam = bench.person("sam@example.com", &[Role::Viewer]).await;
    let codes = bench.recovery_codes(&kim).await;
    let of_sam = bench.recovery_codes(&sam).await;
    let tried = bench.typed(of_sam[0].expose()).await;
    assert!(matches!(tried, Tried::WrongCode(_)), "{tried:?}");
    bench.change(&kim, PersonChange::RemoveCodes).await;
    let kim = crate::find_person(&bench.at, kim.kept.id).await.unwrap();
    bench.second_factor(&kim).await;
    let old = bench.typed(codes[0].expose()).await;
    assert!(matches!(old, Tried::WrongCode(_)), "{old:?}");
    assert_eq!(recovery_codes_left(&bench.at, &sam).await.unwrap(), 10);
}
