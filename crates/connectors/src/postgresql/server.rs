//! The servers of the settings: how each is reached, and what it is called.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::host::{Roots, machine_key};

/// One server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Its key: `<host>:<port>`.
    pub(super) key: String,
    /// The machine: for one that is reached without a network, this one.
    pub(super) host: String,
    /// It runs on this machine.
    pub(super) is_here: bool,
    options: PgConnectOptions,
}

impl Server {
    /// From an address of the settings.
    pub(super) fn read(address: &str) -> Result<Self, String> {
        let rest = address
            .strip_prefix("postgres://")
            .or_else(|| address.strip_prefix("postgresql://"))
            .ok_or_else(|| format!("`{}` is none", without_secret(address)))?;
        if rest
            .split(['/', '?'])
            .next()
            .is_some_and(|who| who.rsplit_once('@').is_some_and(|(who, _)| who.contains(':')))
            || rest.contains("password=")
        {
            return Err("an address holds a password; put it into `password_file`".to_owned());
        }
        let options = PgConnectOptions::from_str(address).map_err(|error| format!("`{address}`: {error}"))?;
        let named = options.get_host().to_owned();
        let is_here = options.get_socket().is_some()
            || named.starts_with('/')
            || named == "localhost"
            || named.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let host = if is_here { machine_key(&Roots::at("/")) } else { named };
        let key = format!("{host}:{}", options.get_port());
        let options = match (address.contains("sslmode="), is_here) {
            (true, _) => options,
            (false, true) => options.ssl_mode(PgSslMode::Prefer),
            (false, false) => options.ssl_mode(PgSslMode::VerifyFull),
        };
        Ok(Self { key, host, is_here, options })
    }

    /// How to connect: nothing can be written, and no question lasts for ever.
    pub(super) fn options(&self, password: Option<&str>, roots: Option<&Path>) -> PgConnectOptions {
        let mut options = self
            .options
            .clone()
            .application_name("octro")
            .options([("default_transaction_read_only", "on"), ("statement_timeout", "60000")]);
        if let Some(password) = password {
            options = options.password(password);
        }
        match roots {
            Some(roots) => options.ssl_root_cert(roots),
            None => options,
        }
    }
}

/// An address as it may be shown.
fn without_secret(address: &str) -> String {
    let shown = address.rsplit_once('@').map_or(address, |(_, server)| server);
    shown.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_by_its_host_and_port() {
        let far = Server::read("postgres://octro@db1.example.com/postgres").unwrap();
        assert_eq!((far.key.as_str(), far.is_here), ("db1.example.com:5432", false));
        assert!(matches!(far.options.get_ssl_mode(), PgSslMode::VerifyFull));
        let near = Server::read("postgres://octro@127.0.0.1:5433/postgres").unwrap();
        assert!(near.is_here && near.key.ends_with(":5433"), "{near:?}");
        let chosen = Server::read("postgres://octro@db1/postgres?sslmode=require").unwrap();
        assert!(matches!(chosen.options.get_ssl_mode(), PgSslMode::Require));
    }

    #[test]
    fn passwords_do_not_belong_into_addresses() {
        for address in ["postgres://octro:sesame@db1/x", "postgres://octro@db1/x?password=sesame"] {
            let error = Server::read(address).unwrap_err();
            assert!(error.contains("password_file") && !error.contains("sesame"), "{error}");
        }
        let error = Server::read("mysql://octro:sesame@db1/x").unwrap_err();
        assert!(!error.contains("sesame"), "{error}");
    }
}
