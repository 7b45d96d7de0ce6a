use proptest::{collection::btree_set, prelude::*, sample::select};

use super::*;

fn roles() -> impl Strategy<Value = BTreeSet<Role>> {
    btree_set(select(Role::ALL.to_vec()), 0..4)
}

fn units() -> impl Strategy<Value = BTreeSet<Name>> {
    let names = ["payments", "cards", "lending"].map(|name| name.parse::<Name>().unwrap());
    btree_set(select(names.to_vec()), 0..3)
}

fn action() -> impl Strategy<Value = Action> {
    select(Action::ALL.to_vec())
}

/// What somebody may do, as numbers that can be compared: 0 not, 1 of some units, 2 all.
fn width(duties: &Duties, action: Action) -> u8 {
    match duties.may(action) {
        None => 0,
        Some(Reach::Units(_) | Reach::Developer(_)) => 1,
        Some(Reach::Everything) => 2,
    }
}

proptest! {
    /// More roles never allow less, and two persons' roles together never allow more than one of
    /// them may.
    #[test]
    fn roles_add_up_and_do_no_more(one in roles(), other in roles(), units in units(), action in action()) {
        let of = |roles: &BTreeSet<Role>| Duties { roles: roles.clone(), units: units.clone(), developer: None };
        let both: BTreeSet<Role> = one.union(&other).copied().collect();
        let together = width(&of(&both), action);
        prop_assert_eq!(together, width(&of(&one), action).max(width(&of(&other), action)));
    }

    /// A business unit's person never reaches another unit's capabilities, nor what has no unit.
    #[test]
    fn a_unit_reaches_its_own(units in units(), other in units()) {
        let duties = Duties { roles: BTreeSet::from([Role::BusinessUnit]), units: units.clone(), developer: None };
        let reach = duties.may(Action::SwitchDevelopers);
        prop_assert_eq!(reach.is_some(), !units.is_empty());
        if let Some(reach) = reach {
            prop_assert!(!reach.covers(None));
            for unit in units.union(&other) {
                prop_assert_eq!(reach.covers(Some(unit)), units.contains(unit));
            }
        }
    }

    /// Whoever belongs to a developer account reaches that account and nothing of the provider's,
    /// whatever roles stand beside it.
    ///
    /// Shows: P-21, P-61.
    #[test]
    fn a_developer_reaches_one_account_and_nothing_of_the_provider(roles in roles(), units in units(), action in action(), number: u128) {
        let account = AccountId::from_u128(number);
        let duties = Duties { roles, units, developer: Some(account) };
        let wanted = match action {
            Action::Own => Some(Reach::Everything),
            Action::Develop => Some(Reach::Developer(account)),
            _ => None,
        };
        prop_assert_eq!(duties.may(action), wanted);
        prop_assert!(!Reach::Developer(account).covers(None));
        let without = Duties { developer: None, ..duties };
        prop_assert_eq!(without.may(Action::Develop), None);
    }

    /// Any spelling of an address is the same one, and reading it again changes nothing.
    #[test]
    fn an_address_has_one_spelling(local in "[a-zA-Z0-9]{1,9}([.+_-][a-zA-Z0-9]{1,5})?", domain in "[a-zA-Z0-9]{1,9}\\.[a-zA-Z]{2,5}") {
        let text = format!("{local}@{domain}");
        let email: Email = text.parse().unwrap();
        let others = [text.to_uppercase(), text.to_lowercase(), format!("  {text}\t"), email.to_string()];
        for other in others {
            prop_assert_eq!(&other.parse::<Email>().unwrap(), &email);
        }
    }

    #[test]
    fn no_text_breaks_the_reading_of_addresses(text in "\\PC{0,300}") {
        if let Ok(email) = text.parse::<Email>() {
            prop_assert_eq!(email.as_str().parse::<Email>(), Ok(email.clone()));
            prop_assert!(email.as_str().is_ascii());
        }
    }
}

/// The table, whole, as an operator's handbook would print it. Changing it is changing this.
#[test]
fn who_may_do_what() {
    let row = |role: Role| {
        let duties = Duties {
            roles: BTreeSet::from([role]),
            units: BTreeSet::from(["cards".parse().unwrap()]),
            developer: None,
        };
        let marks = Action::ALL.map(|action| match width(&duties, action) {
            0 => '-',
            1 => 'u',
            _ => 'x',
        });
        marks.into_iter().collect::<String>()
    };
    // Own, Develop, See, HandleKeys, NarrowApps, SetDevelopers, SwitchDevelopers, Vet, ChangeState,
    // SetSecrets, SendRecords, SetConfidential, RevealConfidential, HandlePersons.
    assert_eq!(row(Role::Viewer), "x-x-----------");
    assert_eq!(row(Role::Support), "x-xxx------x--");
    assert_eq!(row(Role::Risk), "x-x-xxxx--x---");
    assert_eq!(row(Role::BusinessUnit), "x-x---u-------");
    assert_eq!(row(Role::Admin), "x-xxxxxxxxxxxx");
    let nobody = Duties::default();
    for action in Action::ALL {
        assert_eq!(
            nobody.may(action).is_some(),
            action == Action::Own,
            "{action:?}"
        );
    }
}

#[test]
fn words_are_read_back() {
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
    }
    assert_eq!("root".parse::<Role>(), Err(NotARole("root".to_owned())));
}

/// What is no address, or could be taken for another's.
#[test]
fn other_texts_are_no_addresses() {
    for text in [
        "",
        "a",
        "@",
        "a@",
        "@example.com",
        "a@b",
        "a@@example.com",
        "a@b@example.com",
        "a b@example.com",
        "a@exa mple.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@.com",
        "a@example.",
        "a@-example.com",
        "a@example-.com",
        "а@example.com",
        "ａ@example.com",
        "a@exämple.com",
        "a\0@example.com",
        "a\r\nBcc: b@example.com",
        "<a@example.com>",
        "\"a\"@example.com",
        "a@[127.0.0.1]",
        "a@example.com,b@example.com",
        "a\u{200b}@example.com",
        "İ@example.com",
    ] {
        assert!(text.parse::<Email>().is_err(), "{text:?}");
    }
    let long = format!("{}@example.com", "a".repeat(250));
    assert_eq!(long.parse::<Email>(), Err(EmailProblem::TooLong));
    for text in ["a@localhost", "o'neil+x@mail.example.co.uk"] {
        assert!(text.parse::<Email>().is_ok(), "{text:?}");
    }
}

#[test]
fn a_password_is_long_and_not_the_first_guess() {
    let email: Email = "magnolia@example.com".parse().unwrap();
    for (password, wanted) in [
        ("correct horse battery", Ok(())),
        ("пароль из слов", Ok(())),
        ("elevenchars", Err(PasswordProblem::TooShort)),
        ("MAGNOLIA@example.com", Err(PasswordProblem::Guessable)),
        ("Magnolia-2026", Err(PasswordProblem::Guessable)),
        ("aaaaaaaaaaaaaaa", Err(PasswordProblem::Guessable)),
        ("121212121212", Err(PasswordProblem::Guessable)),
    ] {
        assert_eq!(check_password(password, &email), wanted, "{password}");
    }
    let long = "abcdefgh".repeat(33);
    assert_eq!(check_password(&long, &email), Err(PasswordProblem::TooLong));
}
