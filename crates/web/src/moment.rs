//! The moment that a page shows. It is read from the address, and every link keeps it.

use octro_model::Timestamp;

use crate::{Params, WebError};

/// The names of the parameters.
const NAMES: [&str; 2] = ["as_of", "known_at"];

/// A moment of the past, or the present.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The present.
    pub now: Timestamp,
    /// The moment that is shown.
    pub at: Timestamp,
    /// What was known by then is shown.
    pub known_at: Timestamp,
    kept: Params,
}

impl Moment {
    /// Reads `as_of` and `known_at`. Without either it is the present. With only `known_at`, the moment is that one.
    ///
    /// # Errors
    /// If one of them is no time or lies in the future.
    pub fn read(params: &Params, now: Timestamp) -> Result<Self, WebError> {
        let (as_of, known) = (params.time("as_of")?, params.time("known_at")?);
        for (name, at) in NAMES.iter().zip([as_of, known]) {
            if at.is_some_and(|at| at > now) {
                return Err(WebError::bad_request(format!(
                    "`{name}` lies in the future; expected a time up to now, {}",
                    now.minute()
                )));
            }
        }
        let known_at = known.unwrap_or(now);
        let kept = NAMES.iter().filter_map(|name| Some((*name, params.get(name)?))).collect();
        Ok(Self { now, at: as_of.unwrap_or(known_at), known_at, kept })
    }

    /// Whether it is another moment than the present.
    pub fn is_past(&self) -> bool {
        self.kept != Params::default()
    }

    /// The parameters that keep it.
    pub const fn kept(&self) -> &Params {
        &self.kept
    }

    /// The address of `path` at this moment.
    pub fn href(&self, path: &str) -> String {
        self.kept.href(path)
    }

    /// The address of `path` with parameters, at this moment.
    pub fn link(&self, path: &str, params: &[(&str, &str)]) -> String {
        self.kept.href(&params.iter().copied().collect::<Params>().href(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_moment() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let read = |query: &str| Moment::read(&Params::parse(query).unwrap(), now);
        let present = read("").unwrap();
        assert!(!present.is_past() && present.at == now && present.href("/x") == "/x");
        let past = read("as_of=2026-03-03&known_at=2026-04-01&q=1").unwrap();
        assert_eq!(past.link("/x", &[("q", "2")]), "/x?q=2&as_of=2026-03-03&known_at=2026-04-01");
        assert_eq!(read("known_at=2026-04-01").unwrap().at.date(), "2026-04-01");
        assert!(read("as_of=2026-06-02").unwrap_err().to_string().contains("future"));
        assert!(read("known_at=x").is_err());
    }
}
