//! Each talk, with servers that say yes, no, nonsense, and nothing more.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// The answer to a talk in which the server says `says` without listening.
fn answer(service: Service, says: &[u8]) -> Result<Told, NoStart> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut stream = tokio::io::join(says, tokio::io::sink());
        start(&mut stream, service, "app.example").await
    })
}

fn yes(clear_sign_in: Option<bool>) -> Result<Told, NoStart> {
    Ok(Told { clear_sign_in, talks_on: false })
}

#[test]
fn services_that_agree() {
    for (service, says, signs_in) in [
        (Service::Smtp, &b"220-a\r\n220 b\r\n250-x\r\n250-starttls\r\n250 AUTH PLAIN\r\n220 go\r\n"[..], Some(true)),
        (Service::Smtp, b"220 b\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n", None),
        (Service::Imap, b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x\r\n* 1 EXISTS\r\na1 OK go\r\n", Some(false)),
        (Service::Imap, b"* OK hi\r\n* CAPABILITY IMAP4rev1 STARTTLS\r\na0 OK\r\na1 OK go\r\n", Some(true)),
        (Service::Pop3, b"+OK\r\n+OK\r\nSTLS\r\nUSER\r\n.\r\n+OK\r\n", Some(true)),
        (Service::Pop3, b"+OK\r\n+OK\r\nSTLS\r\nSASL\r\n.\r\n+OK\r\n", Some(false)),
        (Service::Pop3, b"+OK\r\n-ERR\r\n+OK\r\n", None),
        (Service::Ftp, b"220-hello\r\n it is me\r\n220 x\r\n234 go\r\n", None),
        (Service::Nntp, b"200 x\r\n382 go\r\n", None),
        (Service::Sieve, b"\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK\r\nOK go\r\n", Some(false)),
        (
            Service::Xmpp,
            b"<?xml version='1.0'?><stream:stream><stream:features><starttls xmlns='x'><required/></starttls>\
              </stream:features><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            Some(false),
        ),
        (Service::Ldap, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0", None),
        (Service::Ldap, b"\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0", None),
        (Service::Postgres, b"S", None),
        (Service::Mysql, b"\x1f\0\0\0\x0a8.0\0abcd12345678\0\xff\xff...........", None),
    ] {
        assert_eq!(answer(service, says), yes(signs_in), "{service:?} {}", String::from_utf8_lossy(says));
    }
}

#[test]
fn services_that_refuse_say_so() {
    for (service, says) in [
        (Service::Smtp, &b"220 b\r\n250-x\r\n250 SIZE 1\r\n"[..]),
        (Service::Smtp, b"220 b\r\n250 STARTTLS\r\n454 not now\r\n"),
        (Service::Smtp, b"554 go away\r\n"),
        (Service::Imap, b"* OK [CAPABILITY IMAP4rev1] x\r\na1 BAD what\r\n"),
        (Service::Imap, b"* BYE\r\n"),
        (Service::Pop3, b"+OK\r\n-ERR\r\n-ERR no\r\n"),
        (Service::Ftp, b"220 x\r\n502 no\r\n"),
        (Service::Nntp, b"200 x\r\n580 no\r\n"),
        (Service::Sieve, b"\"SASL\" \"PLAIN\"\r\nOK\r\n"),
        (Service::Xmpp, b"<?xml version='1.0'?><stream:stream><stream:features></stream:features>"),
        (Service::Ldap, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"),
        (Service::Postgres, b"N"),
        (Service::Mysql, b"\x1f\0\0\0\x0a8.0\0abcd12345678\0\xff\xf7..........."),
        (Service::Mysql, b"\x09\0\0\0\xff\x10\x04Host x"),
    ] {
        assert!(matches!(answer(service, says), Err(NoStart::Declined(_))), "{service:?} {says:?}");
    }
}

#[test]
fn nonsense_is_foreign_and_an_end_is_an_end() {
    for (_, service) in Service::ALL {
        assert_eq!(answer(service, b""), Err(NoStart::Closed), "{service:?}");
        let nonsense = [b"HTTP/1.1 400 Bad Request\r\n".as_slice(), &[b'x'; 70_000]].concat();
        let answer = answer(service, &nonsense);
        assert!(matches!(answer, Err(NoStart::Foreign(_) | NoStart::Closed)), "{service:?} {answer:?}");
    }
    let endless = b"250-x\r\n".repeat(9_000);
    let says = [b"220 a\r\n".as_slice(), &endless].concat();
    assert!(matches!(answer(Service::Smtp, &says), Err(NoStart::Foreign(_))));
}

#[test]
fn who_talks_on_is_noticed() {
    let said = answer(Service::Smtp, b"220 b\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n").unwrap();
    assert!(said.talks_on);
}

#[test]
fn the_words_are_those_of_the_protocol() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        let talk = async { start(&mut ours, Service::Smtp, "x").await };
        let server = async {
            let mut heard = vec![0; 100];
            theirs.write_all(b"220 hi\r\n").await.unwrap();
            let count = theirs.read(&mut heard).await.unwrap();
            assert_eq!(&heard[..count], b"EHLO octro.invalid\r\n");
            theirs.write_all(b"250 STARTTLS\r\n").await.unwrap();
            let count = theirs.read(&mut heard).await.unwrap();
            assert_eq!(&heard[..count], b"STARTTLS\r\n");
            theirs.write_all(b"220 go\r\n").await.unwrap();
        };
        let (said, ()) = tokio::join!(talk, server);
        assert_eq!(said, yes(None));
    });
}
