//! Questions to the DNS, off the signalling task.

use std::net::{IpAddr, SocketAddr};

use tipring_gateway::dns::{self, Failure, Question, Record, RecordType};
use tokio::sync::mpsc;

/// What the DNS said.
pub struct Answer {
    /// To which question.
    pub question: Question,
    /// What.
    pub answer: dns::Answer,
}

/// A look-up that takes longer has failed.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// How long an address of the operating system's resolver holds, in seconds: it does not say.
const TTL: u32 = 60;

/// Asks the operating system's resolver; the answer comes to `answers`.
pub fn ask(question: Question, answers: mpsc::Sender<Answer>) {
    tokio::task::spawn_local(async move {
        let answer = match question.record {
            RecordType::A | RecordType::Aaaa => addresses(&question).await,
            RecordType::Naptr | RecordType::Srv => dns::Answer::Failed(Failure::Refused),
        };
        let _ = answers.send(Answer { question, answer }).await;
    });
}

async fn addresses(question: &Question) -> dns::Answer {
    let look_up = tokio::net::lookup_host((question.name.as_str(), 0));
    match tokio::time::timeout(PATIENCE, look_up).await {
        Ok(Ok(found)) => {
            let records: Vec<Record> = found.map(record).collect();
            dns::Answer::Found { records, ttl: TTL }
        }
        Ok(Err(_)) => dns::Answer::NoName { ttl: None },
        Err(_) => dns::Answer::Failed(Failure::Timeout),
    }
}

fn record(address: SocketAddr) -> Record {
    match address.ip() {
        IpAddr::V4(address) => Record::A(address),
        IpAddr::V6(address) => Record::Aaaa(address),
    }
}
