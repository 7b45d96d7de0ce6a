use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

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

/// A mail server of one test (RFC 5321): keeps what it takes.
#[derive(Debug)]
pub struct MailServer {
    /// Its port on 127.0.0.1.
    pub port: u16,
    taken: Arc<Mutex<Vec<String>>>,
    plan: Arc<Mutex<VecDeque<Deals>>>,
    job: JoinHandle<()>,
}

impl MailServer {
    /// Starts one that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let plan: Arc<Mutex<VecDeque<Deals>>> = Arc::default();
        let (keep, next) = (Arc::clone(&taken), Arc::clone(&plan));
        let job = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let deals = next.lock().expect("the plan").pop_front();
                let deals = deals.unwrap_or(Deals::Takes);
                let keep = Arc::clone(&keep);
                tokio::spawn(async move {
                    // Whoever talks to it may go at any time.
                    let _ = serve(stream, deals, &keep).await;
                });
            }
        });
        Self {
            port,
            taken,
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
        self.taken.lock().expect("what was taken").clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.job.abort();
    }
}

async fn serve(
    stream: TcpStream,
    deals: Deals,
    taken: &Mutex<Vec<String>>,
) -> Result<(), std::io::Error> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = String::new();
    if deals == Deals::Hangs {
        std::future::pending::<()>().await;
    }
    write.write_all(b"220 sink.example.com\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb: String = line.chars().take(4).collect::<String>().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250 sink.example.com",
            "RCPT" => match &deals {
                Deals::Answers(answer) => answer,
                Deals::Drops => return Ok(()),
                Deals::Takes | Deals::Hangs => "250 ok",
            },
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                taken.lock().expect("what was taken").push(mail.clone());
                "250 taken"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok",
        };
        if matches!(verb.as_str(), "MAIL" | "RCPT") {
            mail.push_str(&line);
            mail.push('\n');
        }
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
