//! The queue in which events wait: asked for more, and told what is done with.

use octro_model::Why;
use octro_outbound::Url;
use octro_outbound::aws::Provider;
use octro_outbound::aws::api::{Call, Caller, Fault, Place, is_region};
use serde_json::{Value, json};

use crate::aws::services::SQS;

/// Where the queue is.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// The address by which the service knows it.
    pub url: String,
    /// Its region; that of the source if the address does not say.
    pub region: Option<String>,
}

impl Address {
    /// Reads `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text)?;
        let mut parts = url.path().trim_start_matches('/').splitn(2, '/');
        let account = parts.next().unwrap_or_default();
        let name = parts.next().unwrap_or_default();
        if account.len() != 12
            || !account.bytes().all(|byte| byte.is_ascii_digit())
            || name.is_empty()
            || name.contains('/')
        {
            return Err(format!("`{text}` names no account and queue"));
        }
        let region = url.authority().split('.').nth(1).filter(|region| is_region(region)).map(str::to_owned);
        Ok(Self { url: text.to_owned(), region })
    }
}

/// A message.
#[derive(Debug)]
pub(super) struct Waiting {
    /// What it says.
    pub body: String,
    /// By what it is taken out of the queue.
    pub receipt: String,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub caller: Caller,
    pub keys: Provider,
    pub address: Address,
    pub place: Place,
}

impl Queue {
    /// Waits for messages, at most 20 seconds long; none after that.
    pub(super) async fn receive(&self, wait_secs: u32) -> Result<Vec<Waiting>, Fault> {
        let call = Call::action(&SQS, "ReceiveMessage")
            .with("QueueUrl", self.address.url.as_str())
            .with("MaxNumberOfMessages", 10)
            .with("WaitTimeSeconds", wait_secs);
        let mut answer = self.caller.call(&self.keys, &self.place, &call).await?;
        let Some(Value::Array(messages)) = answer.get_mut("Messages").map(Value::take) else {
            return Ok(Vec::new());
        };
        let text = |message: &Value, path: &str| {
            message.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(messages
            .iter()
            .map(|message| Waiting { body: text(message, "/Body"), receipt: text(message, "/ReceiptHandle") })
            .collect())
    }

    /// Takes messages out: what they said is done.
    pub(super) async fn delete(&self, receipts: &[String]) -> Result<(), Fault> {
        let entries: Vec<Value> = (0..)
            .zip(receipts)
            .map(|(place, receipt): (u32, _)| json!({ "Id": place.to_string(), "ReceiptHandle": receipt }))
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        let call = Call::action(&SQS, "DeleteMessageBatch")
            .with("QueueUrl", self.address.url.as_str())
            .with("Entries", Value::Array(entries));
        let answer = self.caller.call(&self.keys, &self.place, &call).await?;
        match answer.get("Failed").and_then(Value::as_array).and_then(|failed| failed.first()) {
            None => Ok(()),
            Some(first) => {
                let code = first.get("Code").and_then(Value::as_str).unwrap_or("?");
                let what = format!("a message could not be taken out of the queue: {code}");
                Err(Fault { why: Why::Failed, code: code.to_owned(), status: 200, what })
            }
        }
    }
}
