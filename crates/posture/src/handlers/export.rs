//! Whole lists as CSV or JSON. Long ones are streamed, a thousand rows at a time.

use axum::body::Body;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use octro_engine::{EngineError, ResourceFilter, ResourceRow, ResultFilter, ResultView};
use octro_verify::sha256;
use octro_web::ui::{ROWS_MAX, Sheet};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Answer, Format};
use crate::ask::{Ask, Spot};
use crate::failure::Failure;
use crate::{handed, pages};

/// How many rows are asked for at a time.
const WINDOW: u32 = 1_000;

/// JSON text as an answer.
pub(crate) fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value).map_err(octro_web::WebError::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

fn file(name: &str, format: Format, body: Body) -> Response {
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::Json => ("application/json", "json"),
    };
    let name = format!("attachment; filename=\"octro-{name}.{ending}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], body).into_response()
}

/// A list that is at hand whole, as the file that it will be.
pub(super) struct Whole {
    format: Format,
    name: &'static str,
    text: String,
}

/// Makes a list's file.
pub(super) fn whole<T: Serialize>(
    format: Format,
    name: &'static str,
    sheet: &Sheet<'_, T>,
    mut rows: Vec<T>,
) -> Result<Whole, Failure> {
    sheet.sort(&mut rows);
    rows.truncate(ROWS_MAX);
    let text = match format {
        Format::Csv => sheet.csv(&rows),
        Format::Json => serde_json::to_string(&rows).map_err(octro_web::WebError::internal)?,
    };
    Ok(Whole { format, name, text })
}

/// What a page shows that is no list of rows, whole, as the file that it will be.
pub(super) fn whole_json(name: &'static str, value: &impl Serialize) -> Result<Whole, Failure> {
    let text = serde_json::to_string(value).map_err(octro_web::WebError::internal)?;
    Ok(Whole { format: Format::Json, name, text })
}

impl Whole {
    /// Hands it out, once it is in the ledger. Who asks for the headers alone is handed nothing.
    pub(super) async fn hand_out(self, ask: &Ask) -> Answer {
        handed::refuse_foreign(ask)?;
        if ask.head {
            return Ok(file(self.name, self.format, Body::from(self.text)));
        }
        handed::pass(ask).await?;
        handed::tell(&ask.app, self.name, sha256(self.text.as_bytes())).await?;
        Ok(file(self.name, self.format, Body::from(self.text)))
    }
}

/// A list of which a window at a time is asked for.
pub(crate) trait Windows: Send + Sync + 'static {
    /// What it is a list of.
    type Row: Serialize + Send;
    /// Some rows, and how many there are in all.
    fn fetch(
        &self,
        ask: &Ask,
        offset: u64,
        limit: u32,
    ) -> impl Future<Output = Result<(Vec<Self::Row>, u64), EngineError>> + Send;
    /// The `offset` behind rows that were fetched, when `told` rows were fetched in all.
    fn next(&self, told: u64, rows: &[Self::Row]) -> u64 {
        // Most lists count their rows.
        let _ = rows;
        told
    }
    /// CSV of rows, with a header.
    fn csv(spot: Spot<'_>, rows: &[Self::Row]) -> String;
}

impl Windows for ResultFilter {
    type Row = ResultView;

    async fn fetch(&self, ask: &Ask, offset: u64, limit: u32) -> Result<(Vec<ResultView>, u64), EngineError> {
        let page = ask.query().results(&Self { offset, limit, ..self.clone() }, ask.as_of()).await?;
        Ok((page.rows, page.total))
    }

    fn csv(spot: Spot<'_>, rows: &[ResultView]) -> String {
        pages::results::sheet(spot, pages::results::Of::All).csv(rows)
    }
}

impl Windows for ResourceFilter {
    type Row = ResourceRow;

    async fn fetch(
        &self,
        ask: &Ask,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<ResourceRow>, u64), EngineError> {
        ask.query().resources(&Self { offset, limit, ..self.clone() }, ask.as_of()).await
    }

    fn csv(spot: Spot<'_>, rows: &[ResourceRow]) -> String {
        pages::resources::sheet(spot).csv(rows)
    }
}

/// Streams a list. What cannot be asked at all fails before the first byte; a later failure breaks the stream off, so
/// that nobody takes a part for the whole. The last rows are sent when the ledger has the list. A list that is broken off is
/// in the ledger, too, as far as it went.
pub(crate) async fn stream<W: Windows>(ask: Ask, list: W, format: Format, name: &'static str) -> Answer {
    handed::refuse_foreign(&ask)?;
    let (rows, total) = list.fetch(&ask, 0, WINDOW).await?;
    let body = if ask.head {
        Body::from_stream(tokio_stream::empty::<Result<String, std::io::Error>>())
    } else {
        handed::pass(&ask).await?;
        let (send, receive) = mpsc::channel::<Result<String, std::io::Error>>(2);
        tokio::spawn(send_all(ask, list, format, name, rows, send));
        Body::from_stream(ReceiverStream::new(receive))
    };
    let mut response = file(name, format, body);
    let left_off = total.saturating_sub(ROWS_MAX as u64);
    if left_off > 0 {
        response.headers_mut().insert(HeaderName::from_static("octro-rows-left-off"), left_off.into());
    }
    Ok(response)
}

/// Where the pieces of a list go.
type Pieces = mpsc::Sender<Result<String, std::io::Error>>;

/// Sends a list that begins with `rows`.
async fn send_all<W: Windows>(
    ask: Ask,
    list: W,
    format: Format,
    name: &'static str,
    mut rows: Vec<W::Row>,
    send: Pieces,
) {
    let (mut told, mut digest) = (0, Sha256::new());
    loop {
        rows.truncate(ROWS_MAX.saturating_sub(told));
        let (first, full) = (told == 0, rows.len() >= WINDOW as usize);
        told += rows.len();
        // A full window may be the last one: who gets it must not have the whole before the ledger does.
        let ahead = if full && told < ROWS_MAX {
            list.fetch(&ask, list.next(told as u64, &rows), WINDOW).await.map(|(next, _)| next)
        } else {
            Ok(Vec::new())
        };
        let made = match ahead {
            Ok(next) => {
                let last = next.is_empty();
                let chunk = match format {
                    Format::Csv => Ok(csv_chunk::<W>(ask.spot(), &rows, first)),
                    Format::Json => json_chunk(&rows, first, last),
                };
                chunk.map(|chunk| (chunk, next)).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        let (chunk, next) = match made {
            Ok(made) => made,
            Err(error) => {
                tracing::error!(%error, path = ask.path, "an export was broken off: {error}");
                if !first {
                    tell(&ask, name, &digest).await;
                }
                // If nobody reads any more, nobody needs to know.
                let _ = send.send(Err(std::io::Error::other("the export failed"))).await;
                return;
            }
        };
        digest.update(&chunk);
        let last = next.is_empty();
        if last && !tell(&ask, name, &digest).await {
            let _ = send.send(Err(std::io::Error::other("the export failed"))).await;
            return;
        }
        if send.send(Ok(chunk)).await.is_err() {
            // The reader hung up; what was made so far may have gone out.
            if !last {
                tell(&ask, name, &digest).await;
            }
            return;
        }
        if last {
            return;
        }
        rows = next;
    }
}

/// Puts what was made of a list into the ledger; answers whether it is there, or need not be.
async fn tell(ask: &Ask, name: &str, digest: &Sha256) -> bool {
    let told = handed::tell(&ask.app, name, digest.clone().finalize().into()).await;
    if let Err(error) = &told {
        tracing::error!(%error, path = ask.path, "an export was broken off, for the ledger did not take it: {error}");
    }
    told.is_ok()
}

fn csv_chunk<W: Windows>(spot: Spot<'_>, rows: &[W::Row], first: bool) -> String {
    let text = W::csv(spot, rows);
    if first {
        return text;
    }
    // The header is one line: the names of columns hold no line ends.
    text.split_once("\r\n").map_or(String::new(), |(_, body)| body.to_owned())
}

fn json_chunk<T: Serialize>(rows: &[T], first: bool, last: bool) -> Result<String, std::io::Error> {
    let mut text = String::from(if first { "[" } else { "" });
    for (place, row) in rows.iter().enumerate() {
        if !first || place > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::to_string(row).map_err(std::io::Error::other)?);
    }
    if last {
        text.push(']');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_make_one_list() {
        let chunk = |rows: &[u32], first, last| json_chunk(rows, first, last).unwrap();
        assert_eq!(chunk(&[], true, true), "[]");
        let all = [chunk(&[1, 2], true, false), chunk(&[3], false, false), chunk(&[], false, true)].concat();
        assert_eq!(serde_json::from_str::<Vec<u32>>(&all).unwrap(), [1, 2, 3]);
    }
}
