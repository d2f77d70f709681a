//! Entries, the newest first, narrowed by type. A window goes on from an entry and not from a page's number: the log
//! grows at the end where reading begins.

use octro_engine::EngineError;
use octro_ledger::{LedgerError, Reader};
use octro_web::WebError;
use octro_web::ui::Sheet;

use super::load;
use super::views::{EntriesView, EntryView, TYPES};
use crate::ask::{Ask, Spot};
use crate::failure::Failure;
use crate::handlers::Windows;

/// How many entries are read at once.
const READ: u64 = 1_000;
/// How many entries one window looks through for a type that is rare.
const LOOK_MAX: u64 = 50_000;

/// See the module.
pub(super) struct EntryList {
    pub(super) reader: Reader,
    /// How many entries there were when reading began.
    pub(super) size: u64,
    /// The first window has entries below this one.
    pub(super) before: u64,
    of: Option<&'static str>,
}

impl EntryList {
    /// The list that is asked for, by `type` and `before`; `None` if there is no ledger.
    pub(super) async fn read(ask: &Ask) -> Result<Option<Self>, Failure> {
        let of = match ask.params.get("type") {
            None => None,
            Some(word) => {
                let known = TYPES.iter().map(|(name, _)| *name);
                Some(known.clone().find(|name| *name == word).ok_or_else(|| {
                    let names: Vec<&str> = known.collect();
                    WebError::bad_request(format!("`type` is none of {}", names.join(", ")))
                })?)
            }
        };
        let before = ask.params.read::<u64>("before")?;
        let reader = match Reader::newest(ask.query().db()).await {
            Ok(reader) => reader,
            Err(LedgerError::NoLog) => return Ok(None),
            Err(error) => return Err(load::failed(error)),
        };
        let size = load::size(ask, &reader).await?;
        Ok(Some(Self { reader, size, before: before.unwrap_or(size).min(size), of }))
    }

    /// At most `limit` entries below `before`, and where to go on. It looks through `look` entries at most.
    pub(super) async fn below(
        &self,
        before: u64,
        limit: usize,
        look: u64,
    ) -> Result<(Vec<EntryView>, Option<u64>), LedgerError> {
        let (mut rows, mut at) = (Vec::new(), before);
        while at > 0 && before - at < look {
            // Without a type every entry is wanted.
            let read = if self.of.is_none() { (limit - rows.len()) as u64 } else { READ };
            let from = at.saturating_sub(read.min(READ));
            for entry in self.reader.entries(from, at - from).await?.iter().rev() {
                at = entry.index;
                let row = EntryView::new(entry);
                if self.of.is_none_or(|of| of == row.of) {
                    rows.push(row);
                }
                if rows.len() >= limit {
                    return Ok((rows, Some(at).filter(|at| *at > 0)));
                }
            }
            at = at.min(from);
        }
        Ok((rows, Some(at).filter(|at| *at > 0)))
    }
}

/// The window that is asked for.
pub(crate) async fn window(ask: &Ask) -> Result<Option<EntriesView>, Failure> {
    let (_, per) = Sheet::<()>::window(&ask.params)?;
    let Some(list) = EntryList::read(ask).await? else { return Ok(None) };
    let (rows, next) = list.below(list.before, per as usize, LOOK_MAX).await.map_err(load::failed)?;
    Ok(Some(EntriesView { size: list.size, rows, next }))
}

impl Windows for EntryList {
    type Row = EntryView;

    /// `offset` counts entries of all types from the first one on.
    async fn fetch(&self, _: &Ask, offset: u64, limit: u32) -> Result<(Vec<EntryView>, u64), EngineError> {
        let before = self.before.saturating_sub(offset);
        let (rows, _) = self.below(before, limit as usize, u64::MAX).await?;
        Ok((rows, self.before))
    }

    fn next(&self, told: u64, rows: &[EntryView]) -> u64 {
        rows.last().map_or(told, |last| self.before - last.index.min(self.before))
    }

    fn csv(spot: Spot<'_>, rows: &[EntryView]) -> String {
        super::pages::sheet(spot).csv(rows)
    }
}
