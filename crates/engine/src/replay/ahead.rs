//! Observations, read and parsed ahead of the state that takes them: the database, the parsing and the state each have
//! a thread of their own to work on.

use std::collections::VecDeque;
use std::sync::Arc;

use octro_cel::{Layout, Record};
use octro_model::{Id, Timestamp};
use octro_program::Program;
use octro_store::{Db, Param};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::EngineError;
use crate::input::form;
use crate::persist::load;
use crate::persist::packed::Packed;
use crate::state::InForce;

/// A page of observations: what is short in one text, with the lengths of the scopes and bodies, and all bodies one
/// behind the other. `$2` is what stands between bodies: nothing.
pub(super) const OBSERVATIONS: &str = "SELECT string_agg(concat_ws(',', seq, input, resource, effective_at, gone, octet_length(body), \
         octet_length(scope), concat(scope, ';')), ''), string_agg(body, $2), \
         MAX(seq) \
     FROM (SELECT seq, input, resource, effective_at, gone, scope, body FROM observations \
         WHERE seq > $1 ORDER BY seq LIMIT 200) AS page";
pub(super) const INSTALLED: &str = "SELECT seq, body FROM inputs WHERE source = 0 AND form = $1 ORDER BY seq";

/// How many pages are read ahead.
const PAGES: usize = 16;

/// A stored observation.
pub(super) struct Told {
    input: i64,
    pub(super) resource: i64,
    pub(super) effective_at: Timestamp,
    pub(super) gone: bool,
    pub(super) scope: String,
    body: Vec<u8>,
    parsed: Option<(Arc<Layout>, Record)>,
}

impl Told {
    /// What it says, read by `layout`.
    pub(super) fn record(&mut self, layout: &Arc<Layout>) -> Record {
        match self.parsed.take() {
            Some((by, record)) if Arc::ptr_eq(&by, layout) => record,
            // It was read ahead by a shape that is not the one in force.
            Some(_) | None => load::record(layout, &self.body),
        }
    }
}

/// What is needed to read observations before the state gets there.
struct Shapes {
    /// Kind and key of every resource, by number.
    resources: Arc<Vec<(Id, String)>>,
    /// Since which input which program is in force.
    programs: Vec<(i64, Arc<Program>)>,
}

impl Shapes {
    /// The shape that the kind of `resource` has when `input` is taken.
    fn layout(&self, resource: i64, input: i64) -> Option<&Arc<Layout>> {
        let (kind, _) = self.resources.get(usize::try_from(resource - 1).ok()?)?;
        let until = self.programs.partition_point(|(since, _)| *since <= input);
        let (_, program) = self.programs.get(until.checked_sub(1)?)?;
        program.kinds.get(kind)
    }

    /// Reads the next observation of a page.
    fn told(&self, text: &mut Packed<'_>, bodies: &mut Packed<'_>) -> Option<Told> {
        let (_seq, input, resource) = (text.number()?, text.number()?, text.number()?);
        let (effective_at, gone) = (Timestamp::from_micros(text.number()?), text.number()? != 0);
        let body = bodies.bytes(text.number()?)?;
        let length = text.number()?;
        let scope = std::str::from_utf8(text.bytes(length)?).ok()?.to_owned();
        text.bytes(1).filter(|end| *end == b";")?;
        let layout = self.layout(resource, input).filter(|_| !gone);
        let parsed = layout.map(|layout| (layout.clone(), load::record(layout, body)));
        Some(Told { input, resource, effective_at, gone, scope, body: body.to_vec(), parsed })
    }

    fn page(&self, page: &Stored) -> Result<Vec<Told>, EngineError> {
        let (mut text, mut bodies) = (Packed(page.text.as_bytes()), Packed(&page.bodies));
        let mut all = Vec::new();
        while !text.0.is_empty() {
            let told = self.told(&mut text, &mut bodies);
            let unreadable =
                || EngineError::Stored(format!("the observations after {} are not whole", page.after));
            all.push(told.ok_or_else(unreadable)?);
        }
        Ok(all)
    }
}

/// A page as the database packs it.
struct Stored {
    after: i64,
    last: i64,
    text: String,
    bodies: Vec<u8>,
}

type Page = JoinHandle<Result<Vec<Told>, EngineError>>;

/// See the module.
pub(super) struct Ahead {
    pages: mpsc::Receiver<Result<Page, EngineError>>,
    reader: JoinHandle<()>,
    now: VecDeque<Told>,
    end: bool,
}

impl Ahead {
    /// Begins to read after an input and an observation, at which `in_force` is in force.
    pub(super) async fn begin(
        db: &Db,
        programs: &[InForce],
        in_force: Option<Arc<Program>>,
        resources: Arc<Vec<(Id, String)>>,
        (input, observation): (i64, i64),
    ) -> Result<Self, EngineError> {
        let mut installed: Vec<(i64, Arc<Program>)> =
            in_force.into_iter().map(|program| (input, program)).collect();
        for row in db.fetch(INSTALLED, &[form::PROGRAM.into()]).await? {
            let ord = row.get::<Vec<u8>>(1)?.as_slice().try_into().map(i64::from_le_bytes).ok();
            let seq: i64 = row.get(0)?;
            if let Some(one) = programs.iter().find(|one| Some(one.ord) == ord && seq > input) {
                installed.push((seq, one.program.clone()));
            }
        }
        let shapes = Arc::new(Shapes { resources, programs: installed });
        let (send, pages) = mpsc::channel(PAGES);
        let reader = tokio::spawn(read(db.clone(), shapes, observation, send));
        Ok(Self { pages, reader, now: VecDeque::new(), end: false })
    }

    /// The observations that came with `input`.
    pub(super) async fn of(&mut self, input: i64) -> Result<Vec<Told>, EngineError> {
        let mut found = Vec::new();
        loop {
            if self.now.is_empty() && !self.end {
                match self.pages.recv().await {
                    Some(page) => {
                        let page = page?.await;
                        let stopped = |error| EngineError::Stored(format!("reading ahead stopped: {error}"));
                        self.now = page.map_err(stopped)??.into();
                    }
                    None => self.end = true,
                }
            }
            match self.now.front() {
                Some(told) if told.input <= input => found.extend(self.now.pop_front()),
                Some(_) => return Ok(found),
                None if self.end => return Ok(found),
                None => {}
            }
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Reads page after page, and has each parsed while the next is read.
async fn read(db: Db, shapes: Arc<Shapes>, mut after: i64, send: mpsc::Sender<Result<Page, EngineError>>) {
    loop {
        let page = match next(&db, after).await {
            Ok(None) => return,
            Ok(Some(stored)) => {
                after = stored.last;
                let shapes = shapes.clone();
                Ok(tokio::task::spawn_blocking(move || shapes.page(&stored)))
            }
            Err(error) => Err(error),
        };
        let failed = page.is_err();
        // Nobody wants it any more if the replay itself failed.
        if send.send(page).await.is_err() || failed {
            return;
        }
    }
}

async fn next(db: &Db, after: i64) -> Result<Option<Stored>, EngineError> {
    let Some(row) = db.fetch_one(OBSERVATIONS, &[after.into(), Param::Bytes(&[])]).await? else {
        return Ok(None);
    };
    match row.get::<Option<i64>>(2)? {
        Some(last) => Ok(Some(Stored { after, last, text: row.get(0)?, bodies: row.get(1)? })),
        None => Ok(None),
    }
}
