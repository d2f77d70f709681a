//! Services that start TLS inside a talk in clear: the words that lead there, and what the service says on the way of
//! clients that never start it.

mod binary;
mod talk;
mod text;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use binary::ldap_ask;
pub(crate) use talk::Talk;
pub(crate) use text::reply;

/// A service that starts TLS on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// SMTP (RFC 3207).
    Smtp,
    /// LMTP, which is SMTP with another greeting.
    Lmtp,
    /// IMAP (RFC 9051).
    Imap,
    /// POP3 (RFC 2595).
    Pop3,
    /// FTP (RFC 4217).
    Ftp,
    /// NNTP (RFC 4642).
    Nntp,
    /// ManageSieve (RFC 5804).
    Sieve,
    /// XMPP for clients (RFC 6120).
    Xmpp,
    /// XMPP between servers.
    XmppServer,
    /// LDAP (RFC 4511).
    Ldap,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

impl Service {
    /// All of them with the names that settings use.
    pub(crate) const ALL: [(&'static str, Self); 12] = [
        ("smtp", Self::Smtp),
        ("lmtp", Self::Lmtp),
        ("imap", Self::Imap),
        ("pop3", Self::Pop3),
        ("ftp", Self::Ftp),
        ("nntp", Self::Nntp),
        ("sieve", Self::Sieve),
        ("xmpp", Self::Xmpp),
        ("xmpp-server", Self::XmppServer),
        ("ldap", Self::Ldap),
        ("postgres", Self::Postgres),
        ("mysql", Self::Mysql),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, service)| *service == self).map_or("", |(name, _)| name)
    }
}

/// What a service told before TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Whether it lets clients sign in without TLS, if its greeting says so.
    pub clear_sign_in: Option<bool>,
    /// It went on talking in clear after it had agreed to start TLS.
    pub talks_on: bool,
}

/// Why TLS did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoStart {
    /// The service said no, in these words.
    Declined(String),
    /// It said what its protocol does not allow.
    Foreign(String),
    /// It ended the connection.
    Closed,
}

/// Leads a service to the point where TLS begins. `name` is the name that the client asks for.
///
/// # Errors
/// Why TLS did not start. The caller limits how long it may take.
pub(crate) async fn start<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    service: Service,
    name: &str,
) -> Result<Told, NoStart> {
    let mut talk = Talk::new(stream);
    let clear_sign_in = match service {
        Service::Smtp => text::smtp(&mut talk, "EHLO octro.invalid").await?,
        Service::Lmtp => text::smtp(&mut talk, "LHLO octro.invalid").await?,
        Service::Imap => text::imap(&mut talk).await?,
        Service::Pop3 => text::pop3(&mut talk).await?,
        Service::Ftp => text::ftp(&mut talk).await?,
        Service::Nntp => text::nntp(&mut talk).await?,
        Service::Sieve => text::sieve(&mut talk).await?,
        Service::Xmpp => text::xmpp(&mut talk, "jabber:client", name).await?,
        Service::XmppServer => text::xmpp(&mut talk, "jabber:server", name).await?,
        Service::Ldap => binary::ldap(&mut talk).await?,
        Service::Postgres => binary::postgres(&mut talk).await?,
        Service::Mysql => binary::mysql(&mut talk).await?,
    };
    Ok(Told { clear_sign_in, talks_on: talk.has_more() })
}

#[cfg(test)]
mod tests;
