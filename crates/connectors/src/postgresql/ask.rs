//! The questions to one server. Each is asked by itself, so that what the role may not see leaves the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use octro_model::{UnknownReason, Why};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::rules::Rule;

/// What is kept of one list; a server with more is not enumerated whole.
const ROWS_MAX: usize = 10_000;

const SETTINGS: &str = "SELECT name::text, setting::text FROM pg_settings WHERE name IN ('server_version', \
     'server_version_num', 'ssl', 'ssl_min_protocol_version', 'password_encryption', 'log_connections', \
     'data_directory')";
const RULES: &str = "SELECT type::text, database::text[], user_name::text[], address::text, netmask::text, \
     auth_method::text, error::text FROM pg_hba_file_rules ORDER BY line_number LIMIT 10001";
const ROLES: &str = "SELECT r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, \
     r.rolbypassrls, (CASE WHEN r.rolvaliduntil IS NULL OR NOT isfinite(r.rolvaliduntil) THEN NULL \
       ELSE to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END)::text, \
     ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
       WHERE m.member = r.oid ORDER BY 1) \
     FROM pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname LIMIT 10001";
/// Only the form of a password is asked for.
const PASSWORDS: &str = "SELECT rolname::text, CASE WHEN rolpassword IS NULL THEN 'none' \
     WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256' WHEN rolpassword LIKE 'md5%' THEN 'md5' \
     ELSE 'other' END FROM pg_authid WHERE rolname !~ '^pg_' LIMIT 10001";

/// What a server said.
#[derive(Debug)]
pub(super) struct Said {
    /// Settings that the role may see, by name.
    pub(super) settings: Result<BTreeMap<String, String>, UnknownReason>,
    pub(super) rules: Result<Vec<Rule>, UnknownReason>,
    pub(super) roles: Result<Vec<Role>, UnknownReason>,
    /// How each role's password is kept, by role.
    pub(super) passwords: Result<BTreeMap<String, String>, UnknownReason>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) can_login: bool,
    pub(super) is_superuser: bool,
    pub(super) creates_roles: bool,
    pub(super) creates_databases: bool,
    pub(super) replicates: bool,
    pub(super) bypasses_row_security: bool,
    pub(super) valid_until: Option<String>,
    pub(super) member_of: Vec<String>,
}

/// Why nothing could be asked.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server offers no TLS, and without it nothing is said to it.
    NoTls,
    /// Anything else.
    Unreached(UnknownReason),
}

/// Asks one server; `patience` for each step.
pub(super) async fn ask(options: PgConnectOptions, patience: Duration) -> Result<Said, Refused> {
    let mut server = match timeout(patience, options.disable_statement_logging().connect()).await {
        Ok(Ok(server)) => server,
        Ok(Err(sqlx::Error::Tls(error))) if error.to_string().contains("does not support TLS") => {
            return Err(Refused::NoTls);
        }
        Ok(Err(error)) => return Err(Refused::Unreached(reason(&error, "CONNECT on the database"))),
        Err(_) => return Err(Refused::Unreached(late(patience))),
    };
    let said = Said {
        settings: fetch(&mut server, SETTINGS, patience, "SELECT on pg_settings", |row| {
            Ok((row.try_get(0)?, row.try_get::<Option<String>, _>(1)?.unwrap_or_default()))
        })
        .await
        .map(|rows| rows.into_iter().collect()),
        rules: rules(&mut server, patience).await,
        roles: fetch(&mut server, ROLES, patience, "SELECT on pg_roles", role).await,
        passwords: fetch(&mut server, PASSWORDS, patience, "SELECT on pg_authid", |row| {
            Ok((row.try_get(0)?, row.try_get(1)?))
        })
        .await
        .map(|rows| rows.into_iter().collect()),
    };
    // It has answered; how it says good-bye does not matter.
    let _ = timeout(patience, server.close()).await;
    Ok(said)
}

async fn rules(server: &mut PgConnection, patience: Duration) -> Result<Vec<Rule>, UnknownReason> {
    let right = "SELECT on pg_hba_file_rules and EXECUTE on pg_hba_file_rules()";
    let rows = fetch(server, RULES, patience, right, |row| {
        let rule = Rule {
            kind: row.try_get::<Option<String>, _>(0)?.unwrap_or_default(),
            databases: row.try_get::<Option<Vec<String>>, _>(1)?.unwrap_or_default(),
            users: row.try_get::<Option<Vec<String>>, _>(2)?.unwrap_or_default(),
            address: row.try_get(3)?,
            netmask: row.try_get(4)?,
            method: row.try_get::<Option<String>, _>(5)?.unwrap_or_default(),
        };
        Ok((rule, row.try_get::<Option<String>, _>(6)?))
    })
    .await?;
    // A line that the server cannot read may be any rule once it can.
    if let Some(error) = rows.iter().find_map(|(_, error)| error.as_deref()) {
        return Err(UnknownReason::new(Why::Failed, format!("the server cannot read a rule: {error}")));
    }
    Ok(rows.into_iter().map(|(rule, _)| rule).collect())
}

fn role(row: &PgRow) -> sqlx::Result<Role> {
    Ok(Role {
        name: row.try_get(0)?,
        can_login: row.try_get(1)?,
        is_superuser: row.try_get(2)?,
        creates_roles: row.try_get(3)?,
        creates_databases: row.try_get(4)?,
        replicates: row.try_get(5)?,
        bypasses_row_security: row.try_get(6)?,
        valid_until: row.try_get(7)?,
        member_of: row.try_get(8)?,
    })
}

/// The rows of a question, for which the role needs `right`.
async fn fetch<T>(
    server: &mut PgConnection,
    sql: &'static str,
    patience: Duration,
    right: &str,
    read: impl Fn(&PgRow) -> sqlx::Result<T>,
) -> Result<Vec<T>, UnknownReason> {
    let asked = async {
        let mut rows = sqlx::query(sql).fetch(server);
        let mut all = Vec::new();
        // The question asks for no more, but who answers need not be PostgreSQL.
        while let Some(row) = rows.next().await {
            all.push(read(&row?)?);
            if all.len() > ROWS_MAX {
                break;
            }
        }
        Ok(all)
    };
    let all = match timeout(patience, asked).await {
        Ok(answer) => answer.map_err(|error| reason(&error, right))?,
        Err(_) => return Err(late(patience)),
    };
    if all.len() > ROWS_MAX {
        return Err(UnknownReason::new(Why::Failed, format!("there are more than {ROWS_MAX}")));
    }
    Ok(all)
}

fn late(patience: Duration) -> UnknownReason {
    UnknownReason::new(Why::TimedOut, format!("no answer within {} s", patience.as_secs()))
}

/// Why a question was not answered (SQLSTATE: PostgreSQL 15, appendix A).
fn reason(error: &sqlx::Error, right: &str) -> UnknownReason {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("42501") => UnknownReason::new(Why::Denied, format!("the role needs {right}")),
        Some("28000" | "28P01") => {
            UnknownReason::new(Why::Denied, format!("the server refused the role: {error}"))
        }
        Some("57014") => UnknownReason::new(Why::TimedOut, error.to_string()),
        Some("53300") => UnknownReason::new(Why::Throttled, error.to_string()),
        Some("42P01" | "42703" | "42883") => UnknownReason::new(Why::Unsupported, error.to_string()),
        _ => UnknownReason::new(Why::Failed, error.to_string()),
    }
}
