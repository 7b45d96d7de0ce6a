use std::{sync::Arc, time::Duration};

use testkit::{Deals, MailServer};

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
