use std::{error::Error as _, path::Path, time::Duration};

use async_trait::async_trait;
use config::{Mail, MailTls};
use flows::{Letter, NotSent, Post};
use gateway::read_authorities;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters, TlsParametersBuilder},
    },
};
use primitives::MailId;
use tokio::time::timeout;

use crate::failure::{Failure, why};

/// How long a server may take for each answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long one mail may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Hands mails to an SMTP server (RFC 5321), each on a connection of its own.
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    deadline: Duration,
}

impl Smtp {
    /// The server that the settings name; none when they name none.
    ///
    /// # Errors
    /// When the address mails are from is none, or TLS cannot be set up.
    pub(crate) fn of(mail: &Mail, name: &str) -> Result<Option<Self>, Failure> {
        let Some(host) = &mail.smtp_host else {
            return Ok(None);
        };
        let believed = mail.authorities.as_deref().map(authorities).transpose()?;
        let believed = believed.unwrap_or_default();
        let tls = |host: &String| {
            let begun = TlsParameters::builder(host.clone());
            let believed = believed.iter().cloned();
            let tls = believed.fold(begun, TlsParametersBuilder::add_root_certificate);
            tls.build().map_err(why("`mail.smtp_tls`"))
        };
        let tls = match mail.smtp_tls {
            MailTls::Implicit => Tls::Wrapper(tls(host)?),
            MailTls::Starttls => Tls::Required(tls(host)?),
            MailTls::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(mail.smtp_port)
            .tls(tls)
            .timeout(Some(ANSWER));
        if let (Some(user), Some(password)) = (&mail.user, &mail.password) {
            let password = password.0.expose().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        let address = mail.from.as_deref().unwrap_or_default().parse();
        let name = Some(one_line(name)).filter(|name| !name.is_empty());
        Ok(Some(Self {
            transport: transport.build(),
            from: Mailbox::new(name, address.map_err(why("`mail.from`"))?),
            deadline: DEADLINE,
        }))
    }

    fn message(&self, id: MailId, letter: &Letter) -> Result<Message, NotSent> {
        // Why an address is none would name it.
        let never = |what: &str| NotSent::Never(what.to_owned());
        let to = letter
            .to
            .parse()
            .map_err(|_| never("its address cannot be used"))?;
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(&letter.subject))
            // The same at each try, so that what arrives twice can be told.
            .message_id(Some(format!("<{id}@{domain}>")))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| never("it cannot be written as a mail"))
    }
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let all = read_authorities(path).map_err(why("`mail.authorities`"))?;
    let all = all
        .into_iter()
        .map(|one| Certificate::from_der(one.to_vec()));
    all.collect::<Result<_, _>>()
        .map_err(why("`mail.authorities`"))
}

/// A header is one line: what would begin another is a space.
fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.collect::<String>().trim().to_owned()
}

#[async_trait]
impl Post for Smtp {
    async fn send(&self, id: MailId, letter: &Letter) -> Result<(), NotSent> {
        let message = self.message(id, letter)?;
        match timeout(self.deadline, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failure)) => Err(not_sent(&failure)),
            Err(_) => Err(NotSent::Later("the mail server took too long".to_owned())),
        }
    }
}

/// What a server says may name the address: only its code is told.
fn not_sent(failure: &Error) -> NotSent {
    let code = failure.status().map(|code| code.to_string());
    match code {
        // Of the mail itself; what else is refused, such as the password, is the set-up's.
        Some(code)
            if failure.is_permanent() && ["550", "551", "552", "553", "554"].contains(&&*code) =>
        {
            NotSent::Never(format!("the mail server answered {code}"))
        }
        Some(code) => NotSent::Later(format!("the mail server answered {code}")),
        None => {
            let cause = failure.source().map(ToString::to_string);
            NotSent::Later(format!("{failure}: {}", cause.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests;
