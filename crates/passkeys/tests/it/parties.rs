use passkeys::{NoParty, Party};

/// Shows: S-68.
#[test]
fn a_party_is_a_domain_over_tls_or_this_machine() {
    for (at, domain, origin) in [
        (
            "https://console.example.com",
            "console.example.com",
            "https://console.example.com",
        ),
        (
            "https://Console.Example.com:443/",
            "console.example.com",
            "https://console.example.com",
        ),
        (
            "https://example.com:8443",
            "example.com",
            "https://example.com:8443",
        ),
        (
            "http://localhost:8081",
            "localhost",
            "http://localhost:8081",
        ),
    ] {
        let party = Party::at(at, "Here").unwrap();
        assert_eq!((party.domain(), party.origin()), (domain, origin), "{at}");
    }
    for at in [
        "http://127.0.0.1:8081",
        "https://10.0.0.1",
        "https://[::1]:9",
    ] {
        let refused = Party::at(at, "Here").unwrap_err();
        assert!(matches!(refused, NoParty::Address(_)), "{at}: {refused:?}");
        assert!(
            refused.to_string().contains("http://localhost"),
            "{refused}"
        );
    }
    for at in ["http://console.example.com", "http://notlocalhost:1"] {
        let refused = Party::at(at, "Here").unwrap_err();
        assert!(matches!(refused, NoParty::Plain(_)), "{at}: {refused:?}");
    }
    for at in ["", "console.example.com", "mailto:kim@example.com"] {
        assert!(Party::at(at, "Here").is_err(), "{at}");
    }
}
