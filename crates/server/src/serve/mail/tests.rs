use std::{fs, sync::Arc, time::Duration};

use config::SecretText;
use primitives::Secret;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use testkit::{Deals, MailServer, Speaks};
use tokio_rustls::TlsAcceptor;

use super::*;

const ID: MailId = MailId::from_u128(7);

fn letter() -> Letter {
    Letter {
        to: "kim@example.com".to_owned(),
        subject: "Here: your registration".to_owned(),
        text: "Follow this:\n\nhttp://localhost/confirm?code=abcdefghijklmnopqrstuvwxyz-_0123456789\n.\nEnd\n".to_owned(),
    }
}

fn smtp(server: &MailServer, name: &str) -> Smtp {
    let mail = Mail {
        smtp_host: Some("127.0.0.1".to_owned()),
        smtp_port: server.port,
        smtp_tls: MailTls::None,
        from: Some("portreeve@example.com".to_owned()),
        ..Mail::default()
    };
    Smtp {
        deadline: Duration::from_millis(500),
        ..Smtp::of(&mail, name).expect("settings").expect("a server")
    }
}

#[tokio::test]
async fn a_mail_arrives_whole() {
    let server = MailServer::start().await;
    let post = smtp(&server, "Here");
    assert_eq!(post.send(ID, &letter()).await, Ok(()));
    let taken = server.taken();
    let [mail] = taken.as_slice() else {
        panic!("{taken:?}");
    };
    for part in [
        "RCPT TO:<kim@example.com>",
        "MAIL FROM:<portreeve@example.com>",
        "From: Here <portreeve@example.com>",
        "Subject: Here: your registration",
        &format!("Message-ID: <{ID}@example.com>"),
        "code=abcdefghijklmnopqrstuvwxyz-_0123456789\n..\nEnd\n",
    ] {
        assert!(mail.contains(part), "`{part}` is missing: {mail}");
    }
}

/// What a server does is told from what it says of a mail: later, or never.
#[tokio::test]
async fn what_is_not_taken_is_tried_again_unless_it_never_will_be() {
    let server = MailServer::start().await;
    let post = smtp(&server, "Here");
    server.plan([
        Deals::Hangs,
        Deals::Drops,
        Deals::Answers("451 kim@example.com is busy"),
        Deals::Answers("550 kim@example.com is not here"),
        Deals::Answers("530 sign in first"),
    ]);
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(post.send(ID, &letter()).await.expect_err("not taken"));
    }
    let later = |text: &str| NotSent::Later(text.to_owned());
    assert_eq!(told[0], later("the mail server took too long"));
    assert!(matches!(&told[1], NotSent::Later(_)), "{told:?}");
    assert_eq!(told[2], later("the mail server answered 451"));
    let never = NotSent::Never("the mail server answered 550".to_owned());
    assert_eq!(told[3], never);
    assert_eq!(told[4], later("the mail server answered 530"));
    assert!(!format!("{told:?}").contains("kim@"), "{told:?}");
    assert_eq!(server.taken(), Vec::<String>::new());
    assert_eq!(post.send(ID, &letter()).await, Ok(()));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let server = MailServer::start().await;
    let post = smtp(&server, "Here");
    drop(server);
    tokio::task::yield_now().await;
    let told = post.send(ID, &letter()).await;
    assert!(matches!(told, Err(NotSent::Later(_))), "{told:?}");
}

/// No text becomes a line of the head or of the envelope.
#[tokio::test]
async fn nothing_is_injected_into_the_head() {
    let server = MailServer::start().await;
    let evil = "Here\r\nBcc: all@example.com\r\n\r\nGo elsewhere";
    let post: Arc<dyn Post> = Arc::new(smtp(&server, evil));
    let subject = Letter {
        subject: evil.to_owned(),
        ..letter()
    };
    assert_eq!(post.send(ID, &subject).await, Ok(()));
    let mail = server.taken().remove(0);
    let (head, _) = mail.split_once("\n\n").expect("a head");
    let lines = head.lines().map(str::to_lowercase);
    assert!(lines.clone().count() > 6, "{mail}");
    assert!(!lines.clone().any(|line| line.starts_with("bcc")), "{mail}");
    assert_eq!(lines.filter(|line| line.starts_with("rcpt")).count(), 1);
    for to in [
        "kim@example.com\r\nBcc: all@example.com",
        "kim@example.com>\r\nRCPT TO:<all@example.com",
        "kim@example.com, all@example.com",
    ] {
        let wrong = Letter {
            to: to.to_owned(),
            ..letter()
        };
        let told = post.send(ID, &wrong).await;
        assert!(matches!(told, Err(NotSent::Never(_))), "{to:?}: {told:?}");
    }
    assert_eq!(server.taken().len(), 1);
}

/// An authority of mail servers.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut wanted = CertificateParams::new(Vec::new()).expect("parameters");
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(wanted, key).expect("an authority");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("authority.pem"), issuer.pem()).expect("written");
        Self { issuer, folder }
    }

    /// What a server with a certificate for this name speaks TLS with.
    fn certify(&self, name: &str, years: (i32, i32)) -> TlsAcceptor {
        let mut wanted = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        wanted.not_before = date_time_ymd(years.0, 1, 1);
        wanted.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let made = wanted.signed_by(&key, &self.issuer).expect("a certificate");
        let of = |file: &str| self.folder.path().join(file);
        fs::write(of("server.pem"), made.pem()).expect("written");
        fs::write(of("server.key"), key.serialize_pem()).expect("written");
        let files = gateway::TlsCertificate::load(&of("server.pem"), &of("server.key"));
        let acceptor = files.expect("files").acceptor();
        acceptor.expect("TLS")
    }

    /// Sends by these settings, with a password, and believes this authority or the public ones.
    async fn send(
        &self,
        server: &MailServer,
        smtp_tls: MailTls,
        believes: bool,
    ) -> Result<(), NotSent> {
        let mail = Mail {
            smtp_host: Some("localhost".to_owned()),
            smtp_port: server.port,
            smtp_tls,
            authorities: believes.then(|| self.folder.path().join("authority.pem")),
            user: Some("portreeve".to_owned()),
            password: Some(SecretText(Secret::new("a password".to_owned()))),
            from: Some("portreeve@example.com".to_owned()),
        };
        let post = Smtp::of(&mail, "Here").expect("settings");
        post.expect("a server").send(ID, &letter()).await
    }
}

#[test]
fn authorities_of_mail_servers_that_are_none_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = folder.path().join("none.pem");
    fs::write(&none, "rubbish").expect("written");
    let mail = Mail {
        smtp_host: Some("localhost".to_owned()),
        authorities: Some(none),
        from: Some("portreeve@example.com".to_owned()),
        ..Mail::default()
    };
    assert!(Smtp::of(&mail, "Here").is_err());
}

const NOW: (i32, i32) = (2001, 2101);

/// Over TLS from the first byte and over STARTTLS a mail arrives; nothing but the greeting is said
/// in clear text.
#[tokio::test]
async fn a_mail_goes_out_over_tls_and_nothing_of_it_in_clear_text() {
    let authority = Authority::new();
    for (tls, clear) in [
        (MailTls::Implicit, &[][..]),
        (MailTls::Starttls, &["EHLO", "STARTTLS"]),
    ] {
        let acceptor = authority.certify("localhost", NOW);
        let server = MailServer::start_as(match tls {
            MailTls::Implicit => Speaks::Implicit(acceptor),
            _ => Speaks::Starttls(acceptor),
        })
        .await;
        assert_eq!(authority.send(&server, tls, true).await, Ok(()));
        assert_eq!(server.taken().len(), 1, "{tls:?}");
        let heard = server.overheard();
        let verbs = heard.iter().map(|line| line.split(' ').next());
        let verbs: Vec<&str> = verbs.map(Option::unwrap_or_default).collect();
        assert_eq!(verbs, clear, "{tls:?}");
        let told = server.told();
        assert!(told.iter().any(|line| line.starts_with("AUTH PLAIN ")));
    }
}

/// A server that is not who it says, or does not speak TLS, is told neither mail nor password, and
/// the mail is tried again.
#[tokio::test]
async fn a_server_that_cannot_be_believed_gets_no_mail() {
    let authority = Authority::new();
    let strangers = Authority::new();
    let wrong = [
        (
            "another name",
            authority.certify("elsewhere.example", NOW),
            true,
        ),
        (
            "run out",
            authority.certify("localhost", (2001, 2002)),
            true,
        ),
        ("of strangers", strangers.certify("localhost", NOW), true),
        ("not public", authority.certify("localhost", NOW), false),
    ];
    for (what, acceptor, believes) in wrong {
        for tls in [MailTls::Implicit, MailTls::Starttls] {
            let acceptor = acceptor.clone();
            let server = MailServer::start_as(match tls {
                MailTls::Implicit => Speaks::Implicit(acceptor),
                _ => Speaks::Starttls(acceptor),
            })
            .await;
            let told = authority.send(&server, tls, believes).await;
            assert!(matches!(told, Err(NotSent::Later(_))), "{what}: {told:?}");
            assert_eq!(server.told(), Vec::<String>::new(), "{what}");
            assert!(server.taken().is_empty(), "{what}");
        }
    }
    // It speaks no TLS, or somebody on the way took the word out.
    let server = MailServer::start().await;
    let told = authority.send(&server, MailTls::Starttls, true).await;
    assert!(matches!(told, Err(NotSent::Later(_))), "{told:?}");
    let heard = server.overheard();
    let mut verbs = heard.iter().filter_map(|line| line.split(' ').next());
    assert!(
        verbs.all(|verb| ["EHLO", "QUIT"].contains(&verb)),
        "{heard:?}"
    );
    let told = authority.send(&server, MailTls::Implicit, true).await;
    assert!(matches!(told, Err(NotSent::Later(_))), "{told:?}");
    assert!(server.taken().is_empty());
}
