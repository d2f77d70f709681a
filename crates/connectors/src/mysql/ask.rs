//! The questions to one server. Each is asked by itself, so that what the account may not see leaves the rest. No hash of a
//! password is fetched: the server says whether there is one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use octro_model::{UnknownReason, Why};
use rustls::ClientConfig;

use super::account::{Account, Name, POWERS, Proof};
use super::server::Server;
use super::talk::{Broken, Greeting, Talk, reason};

const SETTINGS: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'version_comment', 'require_secure_transport', \
     'tls_version', 'ssl_cipher', 'bind_address', 'mysqlx_bind_address', 'admin_address', 'skip_networking', 'datadir', 'local_infile', 'secure_file_priv', \
     'general_log', 'log_bin', 'server_audit_logging', 'server_audit_events', 'innodb_encrypt_tables', \
     'innodb_encrypt_log', 'encrypt_binlog', 'encrypt_tmp_files', 'encrypt_tmp_disk_tables', \
     'default_table_encryption', 'innodb_redo_log_encrypt', 'binlog_encryption')";
const PLUGINS: &str = "SELECT PLUGIN_NAME, PLUGIN_TYPE FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE' AND \
     PLUGIN_TYPE IN ('ENCRYPTION', 'KEYRING', 'AUDIT', 'PASSWORD VALIDATION') LIMIT 10001";
/// The tablespace of temporary tables is made anew at each start. One of which some pages are still in clear has no lowest
/// version of a key.
const MARIADB_SPACES: &str = "SELECT s.NAME, COALESCE(MAX(e.ENCRYPTION_SCHEME > 0 AND e.MIN_KEY_VERSION > 0), 0) FROM \
     information_schema.INNODB_SYS_TABLESPACES s LEFT JOIN information_schema.INNODB_TABLESPACES_ENCRYPTION e ON e.SPACE \
     = s.SPACE WHERE s.NAME <> 'innodb_temporary' GROUP BY s.NAME ORDER BY s.NAME LIMIT 10001";
const MYSQL_SPACES: &str = "SELECT NAME, ENCRYPTION = 'Y' FROM information_schema.INNODB_TABLESPACES WHERE NAME <> \
     'innodb_temporary' ORDER BY NAME LIMIT 10001";
const MARIADB_ROLES: &str = "SELECT User, Host, Role, '' FROM mysql.roles_mapping LIMIT 10001";
const MYSQL_ROLES: &str = "SELECT TO_USER, TO_HOST, FROM_USER, FROM_HOST FROM mysql.role_edges LIMIT 10001";
const MYSQL_PROOFS: &str = "SELECT User, Host, account_locked = 'Y', plugin, authentication_string = '' FROM mysql.user \
     LIMIT 10001";
/// How many ways to prove oneself an account of MariaDB may have.
const WAYS_MAX: usize = 4;

/// What a server said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) greeting: Greeting,
    /// By name; a server does not know all of them.
    pub(super) settings: Result<BTreeMap<String, String>, UnknownReason>,
    /// Active ones, by type and name.
    pub(super) plugins: Result<BTreeSet<(String, String)>, UnknownReason>,
    /// By name, and whether each is encrypted.
    pub(super) tablespaces: Result<Vec<(String, bool)>, UnknownReason>,
    pub(super) accounts: Result<Vec<Account>, UnknownReason>,
    pub(super) proofs: Result<BTreeMap<Name, Proof>, UnknownReason>,
    /// Who has which roles.
    pub(super) roles: Result<BTreeMap<Name, Vec<Name>>, UnknownReason>,
}

impl Said {
    /// Its version as it says after the sign-in; the greeting comes before it is proven who greets.
    pub(super) fn version(&self) -> Result<&str, UnknownReason> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let untold = || UnknownReason::new(Why::Failed, "the server does not tell its version");
        settings.get("version").map(String::as_str).ok_or_else(untold)
    }

    /// Whether it is MariaDB rather than MySQL.
    pub(super) fn is_mariadb(&self) -> bool {
        is_mariadb(self.version().unwrap_or(&self.greeting.version))
    }
}

/// Why nothing could be asked.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server offers no TLS, and without it nothing is said to it.
    NoTls(Greeting),
    /// Anything else; and how the server greeted, if it did.
    Unreached(UnknownReason, Option<Greeting>),
}

type Row = Vec<Option<String>>;

/// Asks one server; `patience` for each step.
pub(super) async fn ask(
    server: &Server,
    tls: &Arc<ClientConfig>,
    password: Option<&str>,
    patience: Duration,
) -> Result<Said, Refused> {
    let told = |broken, greeting: Option<Greeting>| match (broken, greeting) {
        (Broken::NoTls, Some(greeting)) => Refused::NoTls(greeting),
        (Broken::NoTls, None) => {
            Refused::Unreached(UnknownReason::new(Why::Failed, "the server offers no TLS"), None)
        }
        (Broken::Refused(code, what), greeting) => Refused::Unreached(reason(code, &what), greeting),
        (Broken::Unreached(reason), greeting) => Refused::Unreached(reason, greeting),
    };
    let talk = Talk::begin(server, patience).await.map_err(|broken| told(broken, None))?;
    let greeting = talk.greeting().clone();
    let talk = talk
        .sign_in(server, tls, password.unwrap_or_default())
        .await
        .map_err(|broken| told(broken, Some(greeting.clone())))?;
    let mut server = Questions { talk, broken: None };
    let settings = server.ask(SETTINGS, "nothing", setting).await.map(BTreeMap::from_iter);
    let version = settings.as_ref().ok().and_then(|settings| settings.get("version"));
    let mariadb = is_mariadb(version.unwrap_or(&greeting.version));
    let columns: String = POWERS.iter().map(|(column, _)| format!(", {column}")).collect();
    let role = if mariadb { "is_role" } else { "'N'" };
    let accounts = format!("SELECT User, Host, ssl_type, {role}{columns} FROM mysql.user LIMIT 10001");
    let spaces = if mariadb { MARIADB_SPACES } else { MYSQL_SPACES };
    let (proofs, hashes) = if mariadb {
        (mariadb_proofs(), "SELECT (Host, User, Priv) on mysql.global_priv")
    } else {
        (MYSQL_PROOFS.to_owned(), "SELECT (plugin, account_locked, authentication_string) on mysql.user")
    };
    let (roles, edges) = if mariadb {
        (MARIADB_ROLES, "SELECT on mysql.roles_mapping")
    } else {
        (MYSQL_ROLES, "SELECT on mysql.role_edges")
    };
    let said = Said {
        settings,
        plugins: server
            .ask(PLUGINS, "nothing", |row| Some((text(row, 1)?, text(row, 0)?)))
            .await
            .map(BTreeSet::from_iter),
        tablespaces: server.ask(spaces, "PROCESS", |row| Some((text(row, 0)?, is_set(row, 1)?))).await,
        accounts: server
            .ask(&accounts, "SELECT on mysql.user without its hashes", |row| Account::read(row))
            .await,
        proofs: server
            .ask(&proofs, hashes, |row| Some((Name(text(row, 0)?, text(row, 1)?), proof(row)?)))
            .await
            .map(BTreeMap::from_iter),
        roles: server.ask(roles, edges, edge).await.map(|edges| {
            let mut roles: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
            for (member, role) in edges {
                roles.entry(member).or_default().push(role);
            }
            roles
        }),
        greeting,
    };
    server.talk.end().await;
    Ok(said)
}

/// Whether a version is one of MariaDB.
pub(super) fn is_mariadb(version: &str) -> bool {
    version.to_lowercase().contains("mariadb")
}

/// MariaDB keeps what proves an account in JSON, and the server itself takes it apart: the way that is named, and each of
/// those that do as well.
fn mariadb_proofs() -> String {
    let way = |at: &str| {
        format!(
            ", JSON_VALUE(Priv, '{at}.plugin'), COALESCE(JSON_VALUE(Priv, '{at}.authentication_string'), '') = ''"
        )
    };
    let others: String = (0..WAYS_MAX)
        .map(|at| {
            let at = format!("$.auth_or[{at}]");
            // An empty one stands for the way that is named.
            format!(", COALESCE(JSON_LENGTH(Priv, '{at}'), 0){}", way(&at))
        })
        .collect();
    format!(
        "SELECT User, Host, COALESCE(JSON_VALUE(Priv, '$.account_locked'), '0') IN ('1', 'true'){}, \
         COALESCE(JSON_LENGTH(Priv, '$.auth_or'), 0) > {WAYS_MAX}{others} FROM mysql.global_priv LIMIT 10001",
        way("$")
    )
}

struct Questions {
    talk: Talk,
    /// Why the talk broke off.
    broken: Option<UnknownReason>,
}

impl Questions {
    /// What `read` makes of the rows of a question, for which the account needs `right`.
    async fn ask<T>(
        &mut self,
        sql: &str,
        right: &str,
        read: impl Fn(&Row) -> Option<T>,
    ) -> Result<Vec<T>, UnknownReason> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let rows = match self.talk.ask(sql).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(reason)) if reason.why == Why::Denied => {
                return Err(UnknownReason::new(Why::Denied, format!("the account needs {right}")));
            }
            Ok(Err(reason)) => return Err(reason),
            Err(broken) => {
                self.broken = Some(broken.clone());
                return Err(broken);
            }
        };
        let odd = || UnknownReason::new(Why::Failed, "an answer has another form than was asked for");
        rows.iter().map(|row| read(row).ok_or_else(odd)).collect()
    }
}

/// A text of a row; NULL is an empty one.
pub(super) fn text(row: &[Option<String>], at: usize) -> Option<String> {
    Some(row.get(at)?.clone().unwrap_or_default())
}

/// Whether a number of a row is more than none.
pub(super) fn is_set(row: &[Option<String>], at: usize) -> Option<bool> {
    row.get(at)?.as_deref().unwrap_or("0").parse::<u64>().ok().map(|number| number > 0)
}

fn setting(row: &Row) -> Option<(String, String)> {
    Some((text(row, 0)?.to_lowercase(), text(row, 1)?))
}

fn edge(row: &Row) -> Option<(Name, Name)> {
    Some((Name(text(row, 0)?, text(row, 1)?), Name(text(row, 2)?, text(row, 3)?)))
}

fn proof(row: &Row) -> Option<Proof> {
    let mut proof = Proof { is_locked: is_set(row, 2)?, ways: vec![(text(row, 3)?, is_set(row, 4)?)] };
    if row.len() > 5 {
        if is_set(row, 5)? {
            return None;
        }
        for at in (6..row.len()).step_by(3) {
            if is_set(row, at)? {
                proof.ways.push((text(row, at + 1)?, is_set(row, at + 2)?));
            }
        }
    }
    Some(proof)
}
