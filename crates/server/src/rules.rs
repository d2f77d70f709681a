//! Where the program comes from: the one that is built in, or a folder that is read again whenever it changes. A folder
//! with problems changes nothing: the program that was in force stays, and the problems are shown.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use octro_engine::{Engine, EngineError};
use octro_program::{Files, Problem};

/// See the module.
#[derive(Clone)]
pub struct Rules {
    folder: Option<PathBuf>,
    problems: Arc<RwLock<Vec<Problem>>>,
    tried: Arc<RwLock<String>>,
}

impl Rules {
    /// The program in `folder`, or the one that is built in.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, problems: Arc::default(), tried: Arc::default() }
    }

    /// The folder, if it is not the built-in program.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The problems of the folder as it stands now, while another program is in force.
    pub fn problems(&self) -> Arc<RwLock<Vec<Problem>>> {
        self.problems.clone()
    }

    /// The program's files.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn files(&self) -> std::io::Result<Files> {
        match &self.folder {
            Some(folder) => Files::read(folder),
            None => Ok(Files::embedded()),
        }
    }

    /// Puts the program in force if it is another one than before; answers whether it did.
    ///
    /// # Errors
    /// If the database fails, or the program has problems (which are then kept for the pages, too).
    pub async fn install(&self, engine: &Engine) -> Result<bool, EngineError> {
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => return Err(self.refuse(vec![self.unreadable(&error)])),
        };
        self.remember(&files);
        match engine.install(&files).await {
            Ok(new) => {
                self.keep(Vec::new());
                Ok(new)
            }
            Err(EngineError::Program(problems)) => Err(self.refuse(problems)),
            Err(error) => Err(error),
        }
    }

    /// Whether the folder is another one than when it was last tried.
    pub fn is_changed(&self) -> bool {
        if self.folder.is_none() {
            return false;
        }
        let now = self.files().map(|files| files.hash()).unwrap_or_default();
        *self.tried.read().unwrap_or_else(PoisonError::into_inner) != now
    }

    fn remember(&self, files: &Files) {
        *self.tried.write().unwrap_or_else(PoisonError::into_inner) = files.hash();
    }

    fn unreadable(&self, error: &std::io::Error) -> Problem {
        let file = self.folder.as_deref().unwrap_or(Path::new("program")).display().to_string();
        Problem {
            file,
            line: 0,
            column: 0,
            what: format!("the folder cannot be read: {error}"),
            expected: "a program folder, as `octro init` writes it".to_owned(),
        }
    }

    fn refuse(&self, problems: Vec<Problem>) -> EngineError {
        self.keep(problems.clone());
        EngineError::Program(problems)
    }

    fn keep(&self, problems: Vec<Problem>) {
        *self.problems.write().unwrap_or_else(PoisonError::into_inner) = problems;
    }
}
