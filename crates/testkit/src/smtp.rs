use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What the server does with a mail that is handed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deals {
    /// Takes it.
    Takes,
    /// Answers the address with this line.
    Answers(&'static str),
    /// Answers nothing, ever.
    Hangs,
    /// Ends the connection in the middle.
    Drops,
}

/// How the server speaks TLS.
#[derive(Clone)]
pub enum Speaks {
    /// Not at all.
    Plain,
    /// From the first byte (RFC 8314, section 3).
    Implicit(TlsAcceptor),
    /// When it is asked to, after a greeting in clear text (RFC 3207).
    Starttls(TlsAcceptor),
}

/// A mail server of one test (RFC 5321): keeps what it takes.
#[derive(Debug)]
pub struct MailServer {
    /// Its port on 127.0.0.1.
    pub port: u16,
    ears: Arc<Ears>,
    plan: Arc<Mutex<VecDeque<Deals>>>,
    job: JoinHandle<()>,
}

impl MailServer {
    /// Starts one that takes everything, in clear text.
    pub async fn start() -> Self {
        Self::start_as(Speaks::Plain).await
    }

    /// Starts one that takes everything.
    pub async fn start_as(speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let ears: Arc<Ears> = Arc::default();
        let plan: Arc<Mutex<VecDeque<Deals>>> = Arc::default();
        let (hears, next) = (Arc::clone(&ears), Arc::clone(&plan));
        let job = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let deals = next.lock().expect("the plan").pop_front();
                let deals = deals.unwrap_or(Deals::Takes);
                let (speaks, ears) = (speaks.clone(), Arc::clone(&hears));
                tokio::spawn(async move {
                    // Whoever talks to it may go at any time.
                    let _ = serve(stream, (speaks, deals), &ears).await;
                });
            }
        });
        Self {
            port,
            ears,
            plan,
            job,
        }
    }

    /// How it deals with the next connections; with those after them it takes everything.
    pub fn plan(&self, next: impl IntoIterator<Item = Deals>) {
        self.plan.lock().expect("the plan").extend(next);
    }

    /// What it took, each as it came: envelope lines, head and body.
    #[must_use]
    pub fn taken(&self) -> Vec<String> {
        self.ears.taken.lock().expect("what was taken").clone()
    }

    /// The commands that it heard in clear text, of all connections.
    #[must_use]
    pub fn overheard(&self) -> Vec<String> {
        self.ears.clear.lock().expect("what was heard").clone()
    }

    /// The commands that it heard over TLS.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        self.ears.guarded.lock().expect("what was heard").clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.job.abort();
    }
}

/// What was said to it.
#[derive(Debug, Default)]
struct Ears {
    taken: Mutex<Vec<String>>,
    clear: Mutex<Vec<String>>,
    guarded: Mutex<Vec<String>>,
}

async fn serve(
    stream: TcpStream,
    (speaks, deals): (Speaks, Deals),
    ears: &Ears,
) -> Result<(), std::io::Error> {
    if deals == Deals::Hangs {
        std::future::pending::<()>().await;
    }
    let greeting = Some("220 sink.example.com\r\n");
    match speaks {
        Speaks::Plain => {
            talk(stream, (greeting, ""), &deals, (ears, &ears.clear)).await?;
        }
        Speaks::Implicit(tls) => {
            let stream = tls.accept(stream).await?;
            talk(stream, (greeting, ""), &deals, (ears, &ears.guarded)).await?;
        }
        Speaks::Starttls(tls) => {
            let offers = (greeting, "250-STARTTLS\r\n");
            let heard = talk(stream, offers, &deals, (ears, &ears.clear)).await?;
            if let Some(stream) = heard {
                let stream = tls.accept(stream).await?;
                talk(stream, (None, ""), &deals, (ears, &ears.guarded)).await?;
            }
        }
    }
    Ok(())
}

/// Talks until the other end goes; gives the stream back when TLS is to be spoken on it.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    (greeting, offers): (Option<&str>, &str),
    deals: &Deals,
    (ears, heard): (&Ears, &Mutex<Vec<String>>),
) -> Result<Option<S>, std::io::Error> {
    let mut stream = BufReader::new(stream);
    let mut mail = String::new();
    stream
        .write_all(greeting.unwrap_or_default().as_bytes())
        .await?;
    while let Some(line) = next_line(&mut stream).await? {
        heard.lock().expect("what was heard").push(line.clone());
        let verb: String = line.chars().take(4).collect::<String>().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => &format!("250-sink.example.com\r\n{offers}250 AUTH PLAIN"),
            "RCPT" => match deals {
                Deals::Answers(answer) => answer,
                Deals::Drops => return Ok(None),
                Deals::Takes | Deals::Hangs => "250 ok",
            },
            "STAR" if !offers.is_empty() => {
                stream.write_all(b"220 go on\r\n").await?;
                return Ok(Some(stream.into_inner()));
            }
            "AUTH" => "235 come in",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                while let Some(line) = next_line(&mut stream).await?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                ears.taken
                    .lock()
                    .expect("what was taken")
                    .push(mail.clone());
                "250 taken"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(None);
            }
            _ => "250 ok",
        };
        if matches!(verb.as_str(), "MAIL" | "RCPT") {
            mail.push_str(&line);
            mail.push('\n');
        }
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(None)
}

/// The next line without its end; none at the end.
async fn next_line<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
) -> Result<Option<String>, std::io::Error> {
    let mut line = String::new();
    stream.flush().await?;
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}
